// Every msg is in exactly one of queue, later, batch, report and fail: the half of the conservation law that
// can be told of records alone, wherever they come from.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "core/msg.hpp"

namespace pena::test {

// Where msgs are. All that there are is added, in any order.
class Whereabouts {
 public:
  void add(const core::QueuedMsg& queued) { add(queued.msg.id, "queue"); }
  void add_later(const core::QueuedMsg& queued) { add(queued.msg.id, "later"); }
  void add(const core::Batch& batch) {
    for (const core::QueuedMsg& msg : batch.msgs) add(msg.msg.id, "batch");
  }
  void add(const core::ReportRecord& record) { add(record.id, "report"); }
  void add(const core::FailRecord& record) { add(record.msg.id, "fail"); }

  [[nodiscard]] std::size_t msgs() const { return places_.size(); }
  // The first msg that is in two places, in a sentence; empty where none is.
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  void add(const core::Xid& id, const char* bucket) {
    const auto [at, new_here] = places_.emplace(id, bucket);
    if (new_here || !broken_.empty()) return;
    broken_ = id.text() + " is in " + at->second + " and in " + bucket;
  }

  std::map<core::Xid, const char*> places_;
  std::string broken_;
};

}  // namespace pena::test
