// What a store in memory holds, and how a change set changes it: whole or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/effect.hpp"
#include "store/format.hpp"
#include "store/log.hpp"
#include "store/queue_registry.hpp"

namespace pena::store {

template <class Record>
using TableOf = std::map<core::Xid, Record>;

// The tables of format.hpp.
struct MemoryTables {
  std::map<core::QueueNumber, TableOf<core::QueuedMsg>> queue;
  std::map<std::pair<core::Instant, core::Xid>, core::QueuedMsg> later;
  TableOf<Place> place;
  TableOf<core::Batch> batch;
  TableOf<core::ReportRecord> report;
  TableOf<core::FailRecord> fail;
  std::map<std::uint64_t, core::Xid> reported;
  std::map<std::uint64_t, core::Xid> failed;
  std::uint64_t last_reported = 0;
  std::uint64_t last_failed = 0;
  std::map<std::pair<core::QueueNumber, std::string>, core::Xid> key;
  QueueRegistry queues;
  std::map<std::string, std::uint64_t> meta;
};

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
  void keep(std::uint64_t& number) {
    steps_.push_back([&number, before = number] { number = before; });
  }
  void run() {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) (*step)();
  }

 private:
  std::vector<std::function<void()>> steps_;
};

// Throws StoreError, and nothing is changed then.
void apply(const ChangeSet& changes, MemoryTables& tables);

}  // namespace pena::store
