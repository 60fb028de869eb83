#include "core/queue.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"
#include "core/planted.hpp"

namespace pena::core {
void Queue::add(QueuedMsg&& msg, std::vector<Write>& writes) {
  if (!msg.misses.empty()) return add_missed({std::move(msg), false});
  std::vector<QueuedMsg> one;
  one.push_back(std::move(msg));
  add_fresh(std::move(one), writes);
}

// They are appended, and merged with what is there where they fall among it: inserted one by one
// they would cost the window each.
void Queue::add_fresh(std::vector<QueuedMsg>&& msgs, std::vector<Write>& writes) {
  const auto id_of = [](const QueuedMsg& msg) -> const Xid& {
    return msg.msg.id;
  };
  if (!std::ranges::is_sorted(msgs, {}, id_of)) std::ranges::sort(msgs, {}, id_of);
  const std::size_t before = fresh_.size();
  for (QueuedMsg& msg : msgs) {
    const Xid id = msg.msg.id;
    if (more_in_store_ && (!seen_up_to_ || id > *seen_up_to_)) {
      writes.emplace_back(PutQueue{std::move(msg)});
    } else {
      note_unstored(id);
      fresh_.push_back({std::move(msg), false});
    }
  }
  if (fresh_.size() == before) return;
  const auto added = fresh_.begin() + static_cast<std::ptrdiff_t>(before);
  const auto in_order = [](const Waiting& a, const Waiting& b) {
    return a.msg.msg.id < b.msg.msg.id;
  };
  if (before > 0 && !in_order(*(added - 1), *added)) {
    std::inplace_merge(fresh_.begin(), added, fresh_.end(), in_order);
    const auto alike = [](const Waiting& a, const Waiting& b) {
      return a.msg.msg.id == b.msg.msg.id;
    };
    PENA_CHECK(std::ranges::adjacent_find(fresh_, alike) == fresh_.end());
  }
  keep_to_window(writes);
}

void Queue::keep_to_window(std::vector<Write>& writes) {
  if (fresh_.size() <= window_) return;
  const auto end = fresh_.begin() + static_cast<std::ptrdiff_t>(window_);
  for (auto out = end; out != fresh_.end(); ++out) {
    if (out->stored) continue;
    writes.emplace_back(PutQueue{std::move(out->msg)});
    --unstored_;
  }
  fresh_.erase(end, fresh_.end());
  if (!PENA_BUG(window_forgets)) more_in_store_ = true;
  seen_up_to_ = fresh_.back().msg.msg.id;
}

void Queue::note_unstored(const Xid& id) {
  ++unstored_;
  added_.push_back(id);
}

void Queue::add_missed(Waiting&& waiting) {
  const QueuedMsg& msg = waiting.msg;
  const Xid id = msg.msg.id;
  if (PENA_BUG(suspect_once) ? msg.misses.back().lost_whole() : msg.last_loss() != nullptr) {
    const bool is_new = suspects_.add(msg);
    PENA_CHECK(is_new);
  } else {
    resends_.insert(id);
  }
  if (!waiting.stored) note_unstored(id);
  const bool is_new = missed_.emplace(id, std::move(waiting)).second;
  PENA_CHECK(is_new);
}

void Queue::refill(std::vector<QueuedMsg>&& msgs, bool more) {
  if (!msgs.empty()) seen_up_to_ = msgs.back().msg.id;
  // What is read from the store lies behind the window, so from here on nothing is put aside.
  more_in_store_ = false;
  for (QueuedMsg& msg : msgs) {
    if (contains(msg.msg.id)) continue;
    if (msg.misses.empty()) {
      fresh_.push_back({std::move(msg), true});
    } else {
      add_missed({std::move(msg), true});
    }
  }
  if (PENA_BUG(refill_one_short) && more && !fresh_.empty()) fresh_.pop_back();
  more_in_store_ = more;
}

std::optional<WantedRefill> Queue::wanted_refill() const {
  if (!more_in_store_ || fresh_.size() > window_ / 2) return std::nullopt;
  return WantedRefill{seen_up_to_, window_ - fresh_.size()};
}

BatchPlan Queue::plan(std::size_t size, bool takes_short, bool fresh_will_come) const {
  BatchPlan plan;
  if (takes_short && !suspects_.empty()) {
    plan.suspects = suspects_.pick_piece(size);
    plan.alone = true;
    return plan;
  }
  plan.resends = std::min(size, resends_.size());
  const std::size_t rest = size - plan.resends;
  const std::size_t few = std::min(rest, std::max<std::size_t>(1, size / 2));
  const bool fresh_fills = fresh_will_come || more_in_store_;
  const std::size_t fresh_at_most = fresh_fills ? rest : std::min(rest, fresh_.size());
  plan.suspects = suspects_.pick(std::max(few, rest - fresh_at_most));
  plan.fresh = std::min(rest - plan.suspects.size(), fresh_.size());
  plan.apart = plan.size() < size && plan.suspects.size() < suspects_.size();
  return plan;
}

std::vector<QueuedMsg> Queue::take(const BatchPlan& plan, std::vector<Write>& writes) {
  std::vector<QueuedMsg> msgs;
  msgs.reserve(plan.size());
  for (std::size_t i = 0; i < plan.resends; ++i) {
    const Xid id = *resends_.begin();
    resends_.erase(resends_.begin());
    msgs.push_back(take_missed(id, writes));
  }
  for (const Xid& id : plan.suspects) {
    suspects_.remove(missed_.at(id).msg);
    msgs.push_back(take_missed(id, writes));
  }
  for (std::size_t i = 0; i < plan.fresh; ++i) {
    Waiting& first = fresh_.front();
    if (!first.stored) {
      --unstored_;
    } else if (!PENA_BUG(granted_stays_queued)) {
      writes.emplace_back(DropQueue{first.msg.msg.id});
    }
    msgs.push_back(std::move(first.msg));
    fresh_.pop_front();
  }
  return msgs;
}

QueuedMsg Queue::take_missed(const Xid& id, std::vector<Write>& writes) {
  const auto at = missed_.find(id);
  PENA_CHECK(at != missed_.end());
  if (at->second.stored) {
    writes.emplace_back(DropQueue{id});
  } else {
    --unstored_;
  }
  QueuedMsg msg = std::move(at->second.msg);
  missed_.erase(at);
  return msg;
}

void Queue::write_added(std::vector<Write>& writes) {
  // As a rule what was added has been granted in the same step.
  if (unstored_ == 0) added_.clear();
  for (const Xid& id : added_) {
    Waiting* waiting = find(id);
    if (waiting == nullptr || waiting->stored) continue;
    --unstored_;
    writes.emplace_back(PutQueue{waiting->msg});
    waiting->stored = true;
  }
  added_.clear();
}

Queue::Fresh::const_iterator Queue::find_fresh(const Xid& id) const {
  return std::lower_bound(
      fresh_.begin(), fresh_.end(), id,
      [](const Waiting& waiting, const Xid& wanted) { return waiting.msg.msg.id < wanted; });
}

Queue::Waiting* Queue::find(const Xid& id) {
  if (const auto missed = missed_.find(id); missed != missed_.end()) return &missed->second;
  const auto at = find_fresh(id);
  if (at == fresh_.end() || at->msg.msg.id != id) return nullptr;
  return &fresh_[static_cast<std::size_t>(at - fresh_.begin())];
}

bool Queue::contains(const Xid& id) const {
  // Most that are asked for are newer than all that wait here.
  const bool may_be_fresh = !fresh_.empty() && id <= fresh_.back().msg.msg.id;
  const auto at = may_be_fresh ? find_fresh(id) : fresh_.end();
  return (at != fresh_.end() && at->msg.msg.id == id) || missed_.contains(id);
}

}  // namespace pena::core
