// A store for whoever only reads, put together by hand: records that no dispatcher would have made as well.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/view.hpp"

namespace pena::turn::test {

class FakeView : public store::View {
 public:
  std::map<core::Xid, core::ReportRecord> reported;
  std::map<core::Xid, core::FailRecord> failed;
  std::map<core::Xid, core::QueuedMsg> queued, due;
  std::vector<core::Batch> held;
  std::map<std::pair<core::QueueNumber, std::string>, core::Xid> keys;
  std::vector<store::QueueInfo> named;
  std::size_t slice = SIZE_MAX;  // records that are read at once, in the order of settling
  mutable int batches_read = 0;

  store::Page<core::Xid> ids(store::Bucket bucket, std::optional<core::Xid> after,
                             std::size_t limit) const override {
    std::vector<core::Xid> all;
    if (bucket == store::Bucket::report) append_keys(reported, all);
    if (bucket == store::Bucket::fail) append_keys(failed, all);
    if (bucket == store::Bucket::queue) append_keys(queued, all);
    if (bucket == store::Bucket::later) append_keys(due, all);
    if (bucket == store::Bucket::batch) {
      for (const core::Batch& batch : held) {
        for (const core::QueuedMsg& msg : batch.msgs) all.push_back(msg.msg.id);
      }
      std::ranges::sort(all);
    }
    return page(all, limit, [&](const core::Xid& id) { return !after || id > *after; });
  }
  store::Page<core::QueuedMsg> queue(core::QueueNumber number, std::optional<core::Xid> after,
                                     std::size_t limit, std::size_t /*bytes*/) const override {
    return page(values(queued), limit, [&](const core::QueuedMsg& msg) {
      return msg.msg.queue == number && (!after || msg.msg.id > *after);
    });
  }
  store::Page<core::QueuedMsg> later(const std::optional<store::LaterPlace>& after,
                                     store::Most most) const override {
    auto all = values(due);
    const auto place = [](const core::QueuedMsg& msg) {
      return std::pair{msg.queued_at, msg.msg.id};
    };
    std::ranges::sort(all, {}, place);
    return page(all, most.records, [&](const core::QueuedMsg& msg) {
      return !after || place(msg) > std::pair{after->due_at, after->id};
    });
  }
  store::Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                store::Most most) const override {
    return since(reported, order, std::min(most.records, slice));
  }
  store::Page<core::FailRecord> fails_since(std::uint64_t order, store::Most most) const override {
    return since(failed, order, std::min(most.records, slice));
  }
  std::vector<store::QueueInfo> queues() const override { return named; }
  std::string queue_name(core::QueueNumber queue) const override {
    const auto at = std::ranges::find(named, queue, &store::QueueInfo::number);
    return at == named.end() ? std::string{} : at->name;
  }
  std::optional<core::QueueNumber> find_queue(std::string_view name) const override {
    const auto at = std::ranges::find(named, name, &store::QueueInfo::name);
    return at == named.end() ? std::nullopt : std::optional{at->number};
  }
  std::optional<core::Xid> find_key(core::QueueNumber queue,
                                    const std::string& key) const override {
    return found(keys, std::pair{queue, key});
  }
  std::optional<core::QueuedMsg> waiting(const core::Xid& id) const override {
    auto msg = found(queued, id);
    return msg ? msg : found(due, id);
  }
  store::Page<core::ReportRecord> reports(std::optional<core::Xid> after,
                                          store::Most most) const override {
    return page(values(reported), most.records,
                [&](const core::ReportRecord& record) { return !after || record.id > *after; });
  }
  store::Page<core::FailRecord> fails(std::optional<core::Xid> after,
                                      store::Most most) const override {
    return page(values(failed), most.records,
                [&](const core::FailRecord& record) { return !after || record.msg.id > *after; });
  }
  std::optional<core::Batch> batch(const core::Xid& id) const override {
    const auto at = std::ranges::find(held, id, &core::Batch::id);
    return at == held.end() ? std::nullopt : std::optional{*at};
  }
  std::vector<core::Batch> batches() const override {
    ++batches_read;
    return held;
  }
  std::optional<core::ReportRecord> report(const core::Xid& id) const override {
    return found(reported, id);
  }
  std::optional<core::FailRecord> fail(const core::Xid& id) const override {
    return found(failed, id);
  }
  std::optional<store::AnyRecord> record(const core::Xid& id) const override {
    if (const auto record = found(reported, id)) return record;
    if (const auto record = found(failed, id)) return record;
    if (const auto msg = waiting(id)) return core::WaitingMsg{*msg, due.contains(id)};
    return std::nullopt;
  }
  std::optional<store::Bucket> find(const core::Xid& id) const override {
    if (queued.contains(id)) return store::Bucket::queue;
    if (due.contains(id)) return store::Bucket::later;
    if (reported.contains(id)) return store::Bucket::report;
    if (failed.contains(id)) return store::Bucket::fail;
    return std::nullopt;
  }
  std::vector<std::optional<store::Bucket>> find_all(
      const std::vector<core::Xid>& ids) const override {
    std::vector<std::optional<store::Bucket>> all;
    for (const core::Xid& id : ids) all.push_back(find(id));
    return all;
  }
  store::BucketCounts counts() const override {
    return {queued.size(), due.size(), 0, reported.size(), failed.size()};
  }
  std::optional<std::uint64_t> meta(const std::string& /*key*/) const override {
    return std::nullopt;
  }

 private:
  template <class Map>
  static void append_keys(const Map& from, std::vector<core::Xid>& into) {
    for (const auto& [id, record] : from) into.push_back(id);
  }
  template <class Key, class Record>
  static std::vector<Record> values(const std::map<Key, Record>& from) {
    std::vector<Record> all;
    for (const auto& [id, record] : from) all.push_back(record);
    return all;
  }
  template <class Key, class Record>
  static std::optional<Record> found(const std::map<Key, Record>& in, const Key& key) {
    const auto at = in.find(key);
    return at == in.end() ? std::nullopt : std::optional{at->second};
  }
  template <class Record, class Wanted>
  static store::Page<Record> page(const std::vector<Record>& all, std::size_t limit,
                                  Wanted is_wanted) {
    store::Page<Record> read;
    for (const Record& record : all) {
      if (!is_wanted(record)) continue;
      if (read.records.size() == limit) {
        read.more = true;
        break;
      }
      read.records.push_back(record);
    }
    return read;
  }
  template <class Record>
  static store::Page<Record> since(const std::map<core::Xid, Record>& all, std::uint64_t order,
                                   std::size_t limit) {
    auto records = values(all);
    std::ranges::sort(records, {}, &Record::order);
    auto read =
        page(records, limit, [order](const Record& record) { return record.order > order; });
    if (!records.empty()) read.first = records.front().order;
    return read;
  }
};

}  // namespace pena::turn::test
