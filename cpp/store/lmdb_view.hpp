// The reads for people of an LMDB environment, under the interface of a view.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/format.hpp"
#include "store/lmdb_index.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/settled_table.hpp"
#include "store/view.hpp"

namespace pena::store {

// Checks every batch.
[[nodiscard]] BucketCounts count_msgs(const LmdbEnv& env);
[[nodiscard]] Page<core::QueuedMsg> later_page(const LmdbEnv& env,
                                               const std::optional<LaterPlace>& after, Most most);

// `Base`: store::View, for a view by itself; store::Store, whose index has some of the same reads, so
// that they are overridden with them.
template <class Base>
class LmdbReading : public Base {
 public:
  explicit LmdbReading(std::shared_ptr<LmdbEnv> env) : index_(std::move(env)) {}

  [[nodiscard]] Page<core::Xid> ids(Bucket bucket, std::optional<core::Xid> after,
                                    std::size_t limit) const override {
    return index_.ids(bucket, after, limit);
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(core::QueueNumber queue, std::optional<core::Xid> after,
                                            std::size_t limit, std::size_t bytes) const override {
    return index_.queue(queue, after, limit, bytes);
  }
  [[nodiscard]] Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                            Most most) const override {
    return later_page(index_.env(), after, most);
  }
  [[nodiscard]] Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                       Most most) const override {
    return settled_page<core::ReportRecord>(index_.env(), Table::reported, Table::report, order,
                                            most, decode_report);
  }
  [[nodiscard]] Page<core::FailRecord> fails_since(std::uint64_t order, Most most) const override {
    return settled_page<core::FailRecord>(index_.env(), Table::failed, Table::fail, order, most,
                                          decode_fail);
  }
  [[nodiscard]] std::vector<QueueInfo> queues() const override { return index_.queues(); }
  [[nodiscard]] std::string queue_name(core::QueueNumber queue) const override {
    return store::queue_name(index_.env(), ReadTxn(index_.env()).get(), queue);
  }
  [[nodiscard]] std::optional<core::QueueNumber> find_queue(std::string_view name) const override {
    return store::find_queue(index_.env(), ReadTxn(index_.env()).get(), name);
  }
  [[nodiscard]] std::optional<core::Xid> find_key(core::QueueNumber queue,
                                                  const std::string& key) const override {
    return index_.find_keys({{queue, key}}).front();
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting(const core::Xid& id) const override {
    return waiting_msg(index_.env(), ReadTxn(index_.env()).get(), id);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                                 Most most) const override {
    return read_page<core::ReportRecord>(index_.env(), Table::report, after, most, decode_report);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                             Most most) const override {
    return read_page<core::FailRecord>(index_.env(), Table::fail, after, most, decode_fail);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override { return index_.batches(); }
  [[nodiscard]] std::optional<core::Batch> batch(const core::Xid& id) const override {
    return one<core::Batch>(Table::batch, id, decode_batch);
  }
  [[nodiscard]] std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return one<core::ReportRecord>(Table::report, id, decode_report);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return one<core::FailRecord>(Table::fail, id, decode_fail);
  }
  [[nodiscard]] std::optional<AnyRecord> record(const core::Xid& id) const override {
    return any_record(index_.env(), ReadTxn(index_.env()).get(), id);
  }
  [[nodiscard]] std::optional<Bucket> find(const core::Xid& id) const override {
    return index_.find_all({id}).front();
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    return index_.find_all(ids);
  }
  [[nodiscard]] BucketCounts counts() const override { return count_msgs(index_.env()); }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    return index_.meta(key);
  }

 protected:
  [[nodiscard]] const LmdbIndex& index() const { return index_; }
  [[nodiscard]] const LmdbEnv& env() const { return index_.env(); }

 private:
  template <class Record, class Decode>
  std::optional<Record> one(Table table, const core::Xid& id, Decode decode) const {
    const ReadTxn txn(index_.env());
    const auto value = value_of(index_.env(), txn.get(), table, id);
    return value ? std::optional{decode(id, *value)} : std::nullopt;
  }

  LmdbIndex index_;
};

}  // namespace pena::store
