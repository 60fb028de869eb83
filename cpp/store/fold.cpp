#include "store/fold.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace pena::store {
namespace {

// A write of a record: the record is `within` and `id`, and the write is the one of that number.
struct Step {
  std::int64_t within = 0;  // a queue's number, or when the msg is due
  core::Xid id;
  std::size_t number = 0;
  bool puts = false;
  bool replaces = false;

  [[nodiscard]] bool same_record(const Step& other) const {
    return within == other.within && id == other.id;
  }
  friend bool operator<(const Step& a, const Step& b) {
    return std::tie(a.within, a.id, a.number) < std::tie(b.within, b.id, b.number);
  }
};

// The steps of all records of a kind. Msgs are put in the order of their ids as a rule, and leave in it.
struct Steps {
  std::vector<Step> puts;
  std::vector<Step> drops;

  void add(const Step& step) { (step.puts ? puts : drops).push_back(step); }
  [[nodiscard]] std::vector<Step> sorted() {
    for (std::vector<Step>* const some : {&puts, &drops}) {
      if (!std::ranges::is_sorted(*some, std::less{})) std::ranges::sort(*some, std::less{});
    }
    std::vector<Step> all(puts.size() + drops.size());
    std::ranges::merge(puts, drops, all.begin(), std::less{});
    return all;
  }
};

class Folding {
 public:
  explicit Folding(std::span<const ChangeSet* const> sets) {
    std::size_t count = 0;
    for (const ChangeSet* const set : sets) count += set->size();
    writes_.reserve(count);
    for (const ChangeSet* const set : sets) {
      for (const core::Write& write : *set) {
        note(write);
        writes_.push_back(&write);
      }
    }
  }

  std::vector<const core::Write*> left() {
    leave_out(queue_);
    leave_out(later_);
    leave_out(batch_);
    leave_out_metas();
    std::erase(writes_, nullptr);
    return std::move(writes_);
  }

 private:
  void note(const core::Write& write) {
    std::visit([this](const auto& one) { note_one(one); }, write);
  }
  void note_one(const core::PutQueue& write) {
    queue_.add(step(write.msg.msg.queue, write.msg.msg.id, true));
  }
  void note_one(const core::DropQueue& write) { queue_.add(step(write.queue, write.id, false)); }
  void note_one(const core::PutLater& write) {
    later_.add(step(core::to_us(write.msg.queued_at), write.msg.msg.id, true));
  }
  void note_one(const core::DropLater& write) {
    later_.add(step(core::to_us(write.due_at), write.id, false));
  }
  void note_one(const core::PutBatch& write) {
    Step put = step(0, write.batch->id, true);
    put.replaces = write.replaces;
    batch_.add(put);
  }
  void note_one(const core::DropBatch& write) { batch_.add(step(0, write.id, false)); }
  void note_one(const core::PutMeta& /*write*/) { metas_.push_back(writes_.size()); }
  template <class Other>
  void note_one(const Other& /*write*/) {}
  [[nodiscard]] Step step(std::int64_t within, const core::Xid& id, bool puts) const {
    return {within, id, writes_.size(), puts};
  }

  void leave_out(Steps& steps) {
    if (steps.puts.empty()) return;  // a record is not dropped twice without a put
    const std::vector<Step> all = steps.sorted();
    for (auto first = all.begin(); first != all.end();) {
      const auto end = std::find_if(first, all.end(),
                                    [&](const Step& other) { return !other.same_record(*first); });
      if (end - first > 1) leave_out_of({first, end});
      first = end;
    }
  }
  // All of one record, in their order.
  void leave_out_of(std::span<const Step> steps) {
    const Step& first = steps.front();
    const Step& last = steps.back();
    const bool was_there = !first.puts || first.replaces;
    const auto keep = [&](const Step& step) {
      if (&step == &last) return last.puts || was_there;
      if (&step == &first && !first.puts) return true;
      // A batch that is replaced must be there.
      return &step == &first && !was_there && last.puts && last.replaces;
    };
    for (const Step& step : steps) {
      if (!keep(step)) writes_[step.number] = nullptr;
    }
    // Dropped first and last: once.
    if (!first.puts && !last.puts) writes_[last.number] = nullptr;
  }

  void leave_out_metas() {
    std::vector<std::string_view> later;
    for (auto at = metas_.rbegin(); at != metas_.rend(); ++at) {
      const std::string_view key = std::get<core::PutMeta>(*writes_[*at]).key;
      if (std::ranges::find(later, key) == later.end()) {
        later.push_back(key);
      } else {
        writes_[*at] = nullptr;
      }
    }
  }

  std::vector<const core::Write*> writes_;
  Steps queue_, later_, batch_;
  std::vector<std::size_t> metas_;
};

}  // namespace

std::vector<const core::Write*> fold(std::span<const ChangeSet* const> sets) {
  return Folding(sets).left();
}

}  // namespace pena::store
