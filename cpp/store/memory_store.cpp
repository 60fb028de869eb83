#include "store/memory_store.hpp"

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>

#include "store/error.hpp"
#include "store/held_ids.hpp"
#include "store/memory_tables.hpp"

namespace pena::store {
namespace {

using core::Xid;

template <class Map>
auto behind(const Map& table, const std::optional<typename Map::key_type>& after) {
  return after ? table.upper_bound(*after) : table.begin();
}

std::size_t size_of(const std::vector<core::Miss>& misses) {
  std::size_t bytes = misses.size() * sizeof(core::Miss);
  for (const core::Miss& miss : misses) bytes += miss.error.size() + miss.client_name.size();
  return bytes;
}
std::size_t size_of(const core::QueuedMsg& queued) {
  return queued.memory_bytes();
}
std::size_t size_of(const core::Batch& batch) {
  std::size_t bytes = sizeof batch;
  for (const core::QueuedMsg& queued : batch.msgs) bytes += size_of(queued);
  return bytes;
}
std::size_t size_of(const core::ReportRecord& record) {
  return sizeof record + record.key.size() + record.result.size() + size_of(record.misses);
}
std::size_t size_of(const core::FailRecord& record) {
  return sizeof record + record.msg.payload.size() + record.msg.key.size() + size_of(record.misses);
}

// A page of `table` from `at` on; `value`: the record that an entry of it names.
template <class Record, class Map, class ValueOf>
Page<Record> page_of(const Map& table, typename Map::const_iterator at, Most most,
                     ValueOf value_of) {
  Page<Record> page;
  std::size_t bytes = 0;
  for (; at != table.end() && page.records.size() < most.records && bytes < most.bytes; ++at) {
    const Record& record = value_of(*at);
    bytes += size_of(record);
    page.records.push_back(record);
  }
  page.more = at != table.end();
  return page;
}
template <class Map>
Page<typename Map::mapped_type> records_of(const Map& table,
                                           const std::optional<typename Map::key_type>& after,
                                           Most most) {
  using Record = typename Map::mapped_type;
  return page_of<Record>(table, behind(table, after), most,
                         [](const auto& entry) -> const Record& { return entry.second; });
}

template <class Record>
Page<Xid> ids_of(const TableOf<Record>& table, const std::optional<Xid>& after, std::size_t limit) {
  Page<Xid> page;
  auto at = behind(table, after);
  for (; at != table.end() && page.records.size() < limit; ++at) page.records.push_back(at->first);
  page.more = at != table.end();
  return page;
}

template <class Record>
std::optional<Record> one_of(const TableOf<Record>& table, const Xid& id) {
  const auto at = table.find(id);
  return at == table.end() ? std::nullopt : std::optional{at->second};
}

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::optional<int> failing_commit) : commits_left_(failing_commit) {
    tables_.meta = {{"schema", kSchema}, {"boots", 1}};
  }

  void commit(const ChangeSet& changes) override {
    const std::lock_guard lock(mutex_);
    if (commits_left_ && --*commits_left_ <= 0) throw StoreError("cannot commit: the disk is full");
    apply(changes, tables_);
  }

  [[nodiscard]] double fill() const override { return 0.0; }

  [[nodiscard]] Page<Xid> ids(Bucket bucket, std::optional<Xid> after,
                              std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    switch (bucket) {
      case Bucket::queue:
      case Bucket::later:
        return waiting_ids(bucket, after, limit);
      case Bucket::report:
        return ids_of(tables_.report, after, limit);
      case Bucket::fail:
        return ids_of(tables_.fail, after, limit);
      case Bucket::batch:
        break;
    }
    return held_ids(all_batches(), after, limit);
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(core::QueueNumber queue, std::optional<Xid> after,
                                            std::size_t limit, std::size_t bytes) const override {
    const std::lock_guard lock(mutex_);
    return records_of(queue_of(queue), after, {limit, bytes});
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    const std::vector<Xid>& ids,
                                                    std::size_t bytes) const override {
    const std::lock_guard lock(mutex_);
    std::vector<core::QueuedMsg> read;
    for (const Xid& id : ids) {
      if (bytes == 0) break;
      const auto at = queue_of(queue).find(id);
      if (at == queue_of(queue).end()) {
        throw StoreError("a bug: " + id.text() +
                         " is to be read from the bucket queue, but is not in it");
      }
      bytes -= std::min(bytes, at->second.memory_bytes());
      read.push_back(at->second);
    }
    return read;
  }
  [[nodiscard]] std::optional<core::Instant> next_due() const override {
    const std::lock_guard lock(mutex_);
    if (tables_.later.empty()) return std::nullopt;
    return tables_.later.begin()->first.first;
  }
  [[nodiscard]] Page<core::QueuedMsg> later(const std::optional<LaterPlace>& after,
                                            Most most) const override {
    const std::lock_guard lock(mutex_);
    if (!after) return records_of(tables_.later, std::nullopt, most);
    return records_of(tables_.later, std::pair{after->due_at, after->id}, most);
  }
  [[nodiscard]] Page<core::ReportRecord> reports_since(std::uint64_t order,
                                                       Most most) const override {
    const std::lock_guard lock(mutex_);
    return settled_since(tables_.reported, tables_.last_reported, tables_.report, order, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails_since(std::uint64_t order, Most most) const override {
    const std::lock_guard lock(mutex_);
    return settled_since(tables_.failed, tables_.last_failed, tables_.fail, order, most);
  }
  [[nodiscard]] std::vector<QueueInfo> queues() const override {
    const std::lock_guard lock(mutex_);
    return tables_.queues.all();
  }
  [[nodiscard]] std::string queue_name(core::QueueNumber queue) const override {
    const std::lock_guard lock(mutex_);
    return tables_.queues.name_of(queue);
  }
  [[nodiscard]] std::optional<core::QueueNumber> find_queue(std::string_view name) const override {
    const auto all = queues();
    const auto at = std::ranges::find(all, name, &QueueInfo::name);
    return name.empty() || at == all.end() ? std::nullopt : std::optional{at->number};
  }
  [[nodiscard]] std::optional<Xid> find_key(core::QueueNumber queue,
                                            const std::string& key) const override {
    return find_keys({{queue, key}}).front();
  }
  [[nodiscard]] std::vector<std::optional<Xid>> find_keys(
      const std::vector<Key>& keys) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<Xid>> found;
    for (const Key& key : keys) {
      const auto at = tables_.key.find({key.queue, key.key});
      found.push_back(at == tables_.key.end() ? std::nullopt : std::optional{at->second});
    }
    return found;
  }
  [[nodiscard]] std::vector<std::optional<core::Content>> contents(
      const std::vector<Found>& msgs) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<core::Content>> contents;
    contents.reserve(msgs.size());
    for (const auto& [id, bucket] : msgs) contents.push_back(content(id, bucket));
    return contents;
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return waiting_msg(id);
  }
  [[nodiscard]] Page<core::ReportRecord> reports(std::optional<Xid> after,
                                                 Most most) const override {
    const std::lock_guard lock(mutex_);
    return records_of(tables_.report, after, most);
  }
  [[nodiscard]] Page<core::FailRecord> fails(std::optional<Xid> after, Most most) const override {
    const std::lock_guard lock(mutex_);
    return records_of(tables_.fail, after, most);
  }
  [[nodiscard]] std::vector<core::Batch> batches() const override {
    const std::lock_guard lock(mutex_);
    return all_batches();
  }
  [[nodiscard]] std::optional<core::Batch> batch(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return one_of(tables_.batch, id);
  }
  [[nodiscard]] std::optional<core::ReportRecord> report(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return one_of(tables_.report, id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return one_of(tables_.fail, id);
  }
  [[nodiscard]] std::optional<AnyRecord> record(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    if (const auto report = one_of(tables_.report, id)) return report;
    if (const auto fail = one_of(tables_.fail, id)) return fail;
    auto msg = waiting_msg(id);
    if (!msg) return std::nullopt;
    return core::WaitingMsg{*std::move(msg), bucket_of(id) == Bucket::later};
  }
  [[nodiscard]] std::optional<Bucket> find(const Xid& id) const override {
    return find_all({id}).front();
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<Xid>& ids) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<Bucket>> found;
    found.reserve(ids.size());
    for (const Xid& id : ids) found.push_back(bucket_of(id));
    return found;
  }
  [[nodiscard]] std::optional<Xid> last_up_to(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    std::optional<Xid> last;
    const auto look = [&](const auto& table) {
      const auto behind = table.upper_bound(id);
      if (behind == table.begin()) return;
      const Xid& here = std::prev(behind)->first;
      if (!last || here > *last) last = here;
    };
    look(queue_of(core::kDefaultQueue));
    look(tables_.place);
    look(tables_.report);
    look(tables_.fail);
    return last;
  }
  [[nodiscard]] BucketCounts counts() const override {
    const std::lock_guard lock(mutex_);
    BucketCounts counts{0, tables_.later.size(), 0, tables_.report.size(), tables_.fail.size()};
    for (const auto& [number, msgs] : tables_.queue) counts.queue += msgs.size();
    for (const auto& [id, batch] : tables_.batch) counts.batch += batch.msgs.size();
    return counts;
  }
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const override {
    const std::lock_guard lock(mutex_);
    const auto at = tables_.meta.find(key);
    return at == tables_.meta.end() ? std::nullopt : std::optional{at->second};
  }

 private:
  [[nodiscard]] std::vector<core::Batch> all_batches() const {
    return records_of(tables_.batch, std::nullopt, SIZE_MAX).records;
  }
  [[nodiscard]] const TableOf<core::QueuedMsg>& queue_of(core::QueueNumber queue) const {
    static const TableOf<core::QueuedMsg> kNone;
    const auto at = tables_.queue.find(queue);
    return at == tables_.queue.end() ? kNone : at->second;
  }
  [[nodiscard]] std::optional<core::Content> content(const Xid& id, Bucket bucket) const {
    if (bucket_of(id) != bucket) return std::nullopt;
    if (bucket == Bucket::report) return content_of(tables_.report.at(id));
    return content_of(bucket == Bucket::fail ? tables_.fail.at(id).msg : waiting_msg(id)->msg);
  }
  [[nodiscard]] std::optional<core::QueuedMsg> waiting_msg(const Xid& id) const {
    const auto place = tables_.place.find(id);
    if (place == tables_.place.end()) return one_of(queue_of(core::kDefaultQueue), id);
    const auto& [queue, due_at] = place->second;
    return due_at ? tables_.later.at({*due_at, id}) : queue_of(queue).at(id);
  }
  [[nodiscard]] std::optional<Bucket> bucket_of(const Xid& id) const {
    if (tables_.report.contains(id)) return Bucket::report;
    if (queue_of(core::kDefaultQueue).contains(id)) return Bucket::queue;
    const auto place = tables_.place.find(id);
    if (place != tables_.place.end()) {
      return place->second.due_at ? Bucket::later : Bucket::queue;
    }
    if (tables_.fail.contains(id)) return Bucket::fail;
    return std::nullopt;
  }
  // Of all queues, or of `later`.
  [[nodiscard]] Page<Xid> waiting_ids(Bucket bucket, const std::optional<Xid>& after,
                                      std::size_t limit) const {
    const bool later = bucket == Bucket::later;
    std::vector<Xid> ids;
    auto place = behind(tables_.place, after);
    for (; place != tables_.place.end() && ids.size() <= limit; ++place) {
      if (place->second.due_at.has_value() == later) ids.push_back(place->first);
    }
    if (!later) {
      const std::size_t others = ids.size();
      const auto& msgs = queue_of(core::kDefaultQueue);
      auto at = behind(msgs, after);
      for (std::size_t i = 0; at != msgs.end() && i <= limit; ++at, ++i) ids.push_back(at->first);
      std::ranges::inplace_merge(ids, ids.begin() + static_cast<std::ptrdiff_t>(others));
    }
    Page<Xid> page;
    page.more = ids.size() > limit;
    ids.resize(std::min(ids.size(), limit));
    page.records = std::move(ids);
    return page;
  }
  template <class Record>
  static Page<Record> settled_since(const std::map<std::uint64_t, Xid>& order, std::uint64_t last,
                                    const TableOf<Record>& records, std::uint64_t since,
                                    Most most) {
    auto page = page_of<Record>(
        order, order.upper_bound(since), most,
        [&](const auto& entry) -> const Record& { return records.at(entry.second); });
    page.first = order.empty() ? last + 1 : order.begin()->first;
    return page;
  }

  mutable std::mutex mutex_;
  MemoryTables tables_;
  std::optional<int> commits_left_;  // until one fails
};

}  // namespace

std::unique_ptr<Store> make_memory_store(std::optional<int> failing_commit) {
  return std::make_unique<MemoryStore>(failing_commit);
}

}  // namespace pena::store
