#include "store/memory_store.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "store/format.hpp"
#include "store/held_ids.hpp"

namespace pena::store {
namespace {

using core::Xid;

template <class Record>
using Table = std::map<Xid, Record>;

struct Tables {
  Table<core::QueuedMsg> queue;
  Table<core::Batch> batch;
  Table<core::ReportRecord> report;
  Table<core::FailRecord> fail;
  std::map<std::string, std::uint64_t> meta;
};

template <class Record>
auto behind(const Table<Record>& table, const std::optional<Xid>& after) {
  return after ? table.upper_bound(*after) : table.begin();
}

std::size_t size_of(const std::vector<core::Miss>& misses) {
  std::size_t bytes = misses.size() * sizeof(core::Miss);
  for (const core::Miss& miss : misses) bytes += miss.error.size();
  return bytes;
}
std::size_t size_of(const core::QueuedMsg& queued) {
  return sizeof queued + queued.msg.payload.size() + size_of(queued.misses);
}
std::size_t size_of(const core::Batch& batch) {
  std::size_t bytes = sizeof batch;
  for (const core::QueuedMsg& queued : batch.msgs) bytes += size_of(queued);
  return bytes;
}
std::size_t size_of(const core::ReportRecord& record) {
  return sizeof record + size_of(record.misses);
}
std::size_t size_of(const core::FailRecord& record) {
  return sizeof record + record.msg.payload.size() + size_of(record.misses);
}

template <class Record>
Page<Record> records_of(const Table<Record>& table, const std::optional<Xid>& after, Most most) {
  Page<Record> page;
  std::size_t bytes = 0;
  auto at = behind(table, after);
  for (; at != table.end() && page.records.size() < most.records && bytes < most.bytes; ++at) {
    bytes += size_of(at->second);
    page.records.push_back(at->second);
  }
  page.more = at != table.end();
  return page;
}

template <class Record>
Page<Xid> ids_of(const Table<Record>& table, const std::optional<Xid>& after, std::size_t limit) {
  Page<Xid> page;
  auto at = behind(table, after);
  for (; at != table.end() && page.records.size() < limit; ++at) page.records.push_back(at->first);
  page.more = at != table.end();
  return page;
}

template <class Record>
std::optional<Record> one_of(const Table<Record>& table, const Xid& id) {
  const auto at = table.find(id);
  return at == table.end() ? std::nullopt : std::optional{at->second};
}

// How a change set is taken back where one of its writes cannot be done: what was there before, the
// last change first.
class Undo {
 public:
  template <class Map>
  void keep(Map& map, const typename Map::key_type& key) {
    const auto at = map.find(key);
    std::optional<typename Map::mapped_type> before;
    if (at != map.end()) before = at->second;
    steps_.push_back([&map, key, before = std::move(before)] {
      if (before) {
        map.insert_or_assign(key, *before);
      } else {
        map.erase(key);
      }
    });
  }
  void run() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }

 private:
  std::vector<std::function<void()>> steps_;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(std::optional<int> failing_commit) : commits_left_(failing_commit) {
    tables_.meta = {{"schema", kSchema}, {"boots", 1}};
  }

  void commit(const ChangeSet& changes) override {
    const std::lock_guard lock(mutex_);
    if (commits_left_ && --*commits_left_ <= 0) throw StoreError("cannot commit: the disk is full");
    Undo undo;
    try {
      for (const core::Write& write : changes) {
        std::visit([&](const auto& what) { apply(what, undo); }, write);
      }
    } catch (...) {
      undo.run();
      throw;
    }
  }

  [[nodiscard]] double fill() const override { return 0.0; }

  [[nodiscard]] Page<Xid> ids(Bucket bucket, std::optional<Xid> after,
                              std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    switch (bucket) {
      case Bucket::queue:
        return ids_of(tables_.queue, after, limit);
      case Bucket::report:
        return ids_of(tables_.report, after, limit);
      case Bucket::fail:
        return ids_of(tables_.fail, after, limit);
      case Bucket::batch:
        break;
    }
    return held_ids(all_batches(), after, limit);
  }
  [[nodiscard]] Page<core::QueuedMsg> queue(std::optional<Xid> after, std::size_t limit,
                                            std::size_t bytes) const override {
    const std::lock_guard lock(mutex_);
    Page<core::QueuedMsg> page;
    auto at = behind(tables_.queue, after);
    for (; at != tables_.queue.end() && page.records.size() < limit && bytes > 0; ++at) {
      bytes -= std::min(bytes, at->second.memory_bytes());
      page.records.push_back(at->second);
    }
    page.more = at != tables_.queue.end();
    return page;
  }
  [[nodiscard]] std::vector<core::QueuedMsg> queued(const std::vector<Xid>& ids,
                                                    std::size_t bytes) const override {
    const std::lock_guard lock(mutex_);
    std::vector<core::QueuedMsg> read;
    for (const Xid& id : ids) {
      if (bytes == 0) break;
      const auto at = tables_.queue.find(id);
      if (at == tables_.queue.end()) {
        throw StoreError("a bug: " + id.text() +
                         " is to be read from the bucket queue, but is not in it");
      }
      bytes -= std::min(bytes, at->second.memory_bytes());
      read.push_back(at->second);
    }
    return read;
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
  [[nodiscard]] std::optional<core::ReportRecord> report(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return one_of(tables_.report, id);
  }
  [[nodiscard]] std::optional<core::FailRecord> fail(const Xid& id) const override {
    const std::lock_guard lock(mutex_);
    return one_of(tables_.fail, id);
  }
  [[nodiscard]] std::optional<Bucket> find(const Xid& id) const override {
    return find_all({id}).front();
  }
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<Xid>& ids) const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<Bucket>> found;
    for (const Xid& id : ids) {
      std::optional<Bucket> where;
      if (tables_.queue.contains(id)) where = Bucket::queue;
      if (tables_.report.contains(id)) where = Bucket::report;
      if (tables_.fail.contains(id)) where = Bucket::fail;
      found.push_back(where);
    }
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
    look(tables_.queue);
    look(tables_.report);
    look(tables_.fail);
    return last;
  }
  [[nodiscard]] BucketCounts counts() const override {
    const std::lock_guard lock(mutex_);
    BucketCounts counts{tables_.queue.size(), 0, tables_.report.size(), tables_.fail.size()};
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

  template <class Map, class Value>
  static void replace(Map& map, const typename Map::key_type& key, const Value& value, Undo& undo) {
    undo.keep(map, key);
    map.insert_or_assign(key, value);
  }
  template <class Map, class Value>
  static void put(Bucket bucket, Map& map, const Xid& id, const Value& value, Undo& undo) {
    undo.keep(map, id);
    if (!map.emplace(id, value).second) refuse_put(bucket, id);
  }
  template <class Map>
  static void drop(Bucket bucket, Map& map, const Xid& id, Undo& undo) {
    undo.keep(map, id);
    if (map.erase(id) == 0) refuse_drop(bucket, id);
  }

  void apply(const core::PutQueue& write, Undo& undo) {
    put(Bucket::queue, tables_.queue, write.msg.msg.id, write.msg, undo);
  }
  void apply(const core::DropQueue& write, Undo& undo) {
    drop(Bucket::queue, tables_.queue, write.id, undo);
  }
  void apply(const core::PutBatch& write, Undo& undo) {
    if (write.replaces) return replace(tables_.batch, write.batch->id, *write.batch, undo);
    put(Bucket::batch, tables_.batch, write.batch->id, *write.batch, undo);
  }
  void apply(const core::DropBatch& write, Undo& undo) {
    drop(Bucket::batch, tables_.batch, write.id, undo);
  }
  void apply(const core::PutReport& write, Undo& undo) {
    put(Bucket::report, tables_.report, write.record.id, write.record, undo);
  }
  void apply(const core::PutFail& write, Undo& undo) {
    put(Bucket::fail, tables_.fail, write.record.msg.id, write.record, undo);
  }
  void apply(const core::PutMeta& write, Undo& undo) {
    replace(tables_.meta, write.key, write.value, undo);
  }

  mutable std::mutex mutex_;
  Tables tables_;
  std::optional<int> commits_left_;  // until one fails
};

}  // namespace

std::unique_ptr<Store> make_memory_store(std::optional<int> failing_commit) {
  return std::make_unique<MemoryStore>(failing_commit);
}

}  // namespace pena::store
