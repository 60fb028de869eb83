// The queues of a store in memory, with their names and their counts, for whoever writes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/effect.hpp"
#include "store/records.hpp"

namespace pena::store {

// One owner. A change set changes it by name() and count(), which settle() ends; then it is kept or
// undone. Errors: StoreError.
class QueueRegistry {
 public:
  using Count = std::uint64_t QueueInfo::*;

  explicit QueueRegistry(std::vector<QueueInfo> known = {});

  // Refuses a name that another queue has, a queue that had another name, and a name that is none.
  // The two queues whose name is `default` are paused by any name, and keep none.
  void name(const core::PutQueueName& put);
  // By 1 or -1. A drop may come before a put: only the sum counts.
  void count(core::QueueNumber queue, Count which, std::int64_t by) {
    if (last_sum_ == nullptr || last_sum_->number != queue) begin_sum(queue);
    last_sum_->*which += static_cast<std::uint64_t>(by);
  }
  // Adds up what was counted. Throws where a count would be less than nothing, and where a msg is of a
  // queue that has no name.
  void settle();

  void keep() { before_.clear(); }
  void undo();

  // Since the last keep(), after settle(): what became of each whose record is another one.
  template <class Tell>
  void each_changed(Tell tell) const {
    for (const auto& [number, before] : before_) {
      const QueueInfo& info = known_.at(number);
      if (is_changed(info, before)) tell(info);
    }
  }
  // As View::queue_name() has it.
  [[nodiscard]] std::string name_of(core::QueueNumber queue) const {
    const auto known = known_.find(queue);
    return known == known_.end() ? std::string{} : known->second.name;
  }
  // As View::queues() has them.
  [[nodiscard]] std::vector<QueueInfo> all() const;

 private:
  [[nodiscard]] static bool is_changed(const QueueInfo& info,
                                       const std::optional<QueueInfo>& before);
  void begin_sum(core::QueueNumber queue);
  QueueInfo& change(core::QueueNumber queue);

  std::map<core::QueueNumber, QueueInfo> known_;
  std::set<std::string> names_;
  std::map<core::QueueNumber, std::optional<QueueInfo>> before_;  // of those that were changed
  std::map<core::QueueNumber, QueueInfo> sums_;                   // modulo 2^64
  QueueInfo* last_sum_ = nullptr;  // as a rule a change set is of one queue
};

// It has a name or a msg, or is paused.
[[nodiscard]] bool is_worth_telling(const QueueInfo& info);

}  // namespace pena::store
