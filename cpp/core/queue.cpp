#include "core/queue.hpp"

#include <algorithm>
#include <utility>

#include "core/check.hpp"

namespace pena::core {

void Queue::add(QueuedMsg&& msg, std::vector<Write>& writes) {
  ++waiting_;
  if (msg.attempts > 0) return add_missed(std::move(msg));
  const std::size_t before = fresh_.size();
  append(std::move(msg), writes);
  merge_from(before, writes);
}

void Queue::add_all(std::vector<QueuedMsg>&& msgs, std::vector<Write>& writes) {
  std::ranges::sort(msgs, {}, [](const QueuedMsg& msg) { return msg.msg.id; });
  waiting_ += msgs.size();
  const std::size_t before = fresh_.size();
  for (QueuedMsg& msg : msgs) {
    if (msg.attempts > 0) {
      add_missed(std::move(msg));
    } else {
      append(std::move(msg), writes);
    }
  }
  merge_from(before, writes);
}

void Queue::add_fresh(std::vector<Msg>&& msgs, Instant now, std::vector<Write>& writes) {
  if (!std::ranges::is_sorted(msgs, {}, &Msg::id)) std::ranges::sort(msgs, {}, &Msg::id);
  waiting_ += msgs.size();
  const std::size_t before = fresh_.size();
  for (Msg& msg : msgs) append({std::move(msg), now, now, {}}, writes);
  merge_from(before, writes);
}

// To the end of the window, or behind it, where the store is.
void Queue::append(QueuedMsg&& msg, std::vector<Write>& writes) {
  if (more_in_store_ && (!seen_up_to_ || msg.msg.id > *seen_up_to_)) {
    writes.emplace_back(PutQueue{std::move(msg)});
    return;
  }
  added_.push_back(msg.msg.id);
  fresh_bytes_ += msg.memory_bytes();
  fresh_.emplace_back(std::move(msg), false);
}

// What was appended in order is merged with what was there where it falls among it: inserted one by
// one the msgs would cost the window each.
void Queue::merge_from(std::size_t before, std::vector<Write>& writes) {
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

// The first stays, however large it is.
void Queue::keep_to_window(std::vector<Write>& writes) {
  std::size_t kept = fresh_.size();
  while (kept > 1 && (kept > window_ || fresh_bytes_ > window_bytes_)) {
    fresh_bytes_ -= fresh_[--kept].msg.memory_bytes();
  }
  if (kept == fresh_.size()) return;
  const auto end = fresh_.begin() + static_cast<std::ptrdiff_t>(kept);
  for (auto out = end; out != fresh_.end(); ++out) {
    if (!out->stored) writes.emplace_back(PutQueue{std::move(out->msg)});
  }
  fresh_.erase(end, fresh_.end());
  more_in_store_ = true;
  barren_ = false;
  seen_up_to_ = fresh_.back().msg.msg.id;
}

void Queue::add_missed(QueuedMsg&& msg) {
  const Xid id = msg.msg.id;
  const bool is_new = note_missed(msg);
  PENA_CHECK(is_new);
  added_.push_back(id);
  bodies_bytes_ += msg.memory_bytes();
  bodies_.insert_or_assign(id, Waiting{std::move(msg), false});
}

bool Queue::note_missed(const QueuedMsg& msg) {
  const bool suspect = msg.last_loss() != nullptr;
  return suspect ? suspects_.add(msg) : resends_.insert(msg.msg.id).second;
}

void Queue::refill(std::vector<QueuedMsg>&& msgs, bool more) {
  if (!msgs.empty()) seen_up_to_ = msgs.back().msg.id;
  const auto were_missed =
      std::ranges::count_if(msgs, [](const QueuedMsg& msg) { return msg.attempts > 0; });
  barren_ = static_cast<std::size_t>(were_missed) > msgs.size() / 2;
  for (QueuedMsg& msg : msgs) {
    if (msg.attempts > 0) {
      note_missed(msg);
      continue;
    }
    // What is read from the store lies behind the window.
    PENA_CHECK(fresh_.empty() || fresh_.back().msg.msg.id < msg.msg.id);
    fresh_bytes_ += msg.memory_bytes();
    fresh_.emplace_back(std::move(msg), true);
  }
  more_in_store_ = more;
}

std::optional<WantedRefill> Queue::wanted_refill(bool hungry) const {
  if (!more_in_store_ || fresh_.size() > window_ / 2 || fresh_bytes_ > window_bytes_ / 2) {
    return std::nullopt;
  }
  if (!hungry && barren_) return std::nullopt;
  return WantedRefill{0, number_, seen_up_to_, window_ - fresh_.size(),
                      window_bytes_ - fresh_bytes_};
}

// Refills begin from the start again: they bring what was forgotten, and ids of missed msgs a second time,
// which are passed over.
void Queue::forget_window() {
  forget_bodies();
  if (fresh_.empty()) return;
  seen_up_to_.reset();
  fresh_.clear();
  fresh_.shrink_to_fit();
  fresh_bytes_ = 0;
  more_in_store_ = true;
  barren_ = false;
}

void Queue::forget_bodies() {
  PENA_CHECK(added_.empty());
  bodies_.clear();
  bodies_bytes_ = 0;
}

QueuePlan Queue::plan(std::size_t size, bool takes_short, bool fresh_will_come,
                      bool with_suspects) const {
  QueuePlan plan{.queue = number_, .suspects = {}};
  if (takes_short && with_suspects && !suspects_.empty()) {
    plan.suspects = suspects_.pick_piece(size);
    plan.alone = true;
    return plan;
  }
  plan.resends = std::min(size, resends_.size());
  const std::size_t rest = size - plan.resends;
  const std::size_t few = std::min(rest, std::max<std::size_t>(1, size / 2));
  const bool fresh_fills = fresh_will_come || (more_in_store_ && !barren_);
  const std::size_t fresh_at_most = fresh_fills ? rest : std::min(rest, fresh_.size());
  if (with_suspects) plan.suspects = suspects_.pick(std::max(few, rest - fresh_at_most));
  plan.fresh = std::min(rest - plan.suspects.size(), fresh_.size());
  if (plan.size() == size) return plan;
  plan.apart = plan.suspects.size() < suspects_.size();
  plan.full = more_in_store_ && fresh_bytes_ > window_bytes_ / 2;
  return plan;
}

std::vector<Xid> Queue::without_body(const QueuePlan& plan) const {
  std::vector<Xid> ids;
  const auto look_at = [&](const Xid& id) {
    if (!bodies_.contains(id)) ids.push_back(id);
  };
  auto resend = resends_.begin();
  for (std::size_t i = 0; i < plan.resends; ++i) look_at(*resend++);
  std::ranges::for_each(plan.suspects, look_at);
  return ids;
}

void Queue::bodies_read(std::vector<QueuedMsg>&& msgs) {
  for (QueuedMsg& msg : msgs) {
    const Xid id = msg.msg.id;
    const std::size_t bytes = msg.memory_bytes();
    if (bodies_.try_emplace(id, Waiting{std::move(msg), true}).second) bodies_bytes_ += bytes;
  }
}

void Queue::leave_out_bodiless(QueuePlan& plan) const {
  std::size_t resends = 0;
  auto resend = resends_.begin();
  for (; resends < plan.resends && bodies_.contains(*resend); ++resend) ++resends;
  plan.resends = resends;
  std::erase_if(plan.suspects, [this](const Xid& id) { return !bodies_.contains(id); });
}

std::vector<QueuedMsg> Queue::remove(const QueuePlan& plan, std::vector<Write>& writes) {
  std::vector<QueuedMsg> msgs;
  msgs.reserve(plan.size());
  for (std::size_t i = 0; i < plan.resends; ++i) {
    msgs.push_back(remove_body(*resends_.begin(), writes));
    resends_.erase(resends_.begin());
  }
  for (const Xid& id : plan.suspects) {
    msgs.push_back(remove_body(id, writes));
    suspects_.remove(msgs.back());
  }
  for (std::size_t i = 0; i < plan.fresh; ++i) {
    Waiting& first = fresh_.front();
    fresh_bytes_ -= first.msg.memory_bytes();
    msgs.push_back(std::move(first.msg));
    if (first.stored) writes.emplace_back(DropQueue{msgs.back().msg.id, number_});
    fresh_.pop_front();
  }
  waiting_ -= msgs.size();
  if (waiting_ == 0) more_in_store_ = false;
  return msgs;
}

QueuedMsg Queue::remove_body(const Xid& id, std::vector<Write>& writes) {
  const auto at = bodies_.find(id);
  PENA_CHECK(at != bodies_.end());
  if (at->second.stored) writes.emplace_back(DropQueue{id, number_});
  QueuedMsg msg = std::move(at->second.msg);
  bodies_bytes_ -= msg.memory_bytes();
  bodies_.erase(at);
  return msg;
}

// Of some of them memory may know nothing yet.
void Queue::forget(const std::vector<QueuedMsg>& msgs, std::vector<Write>& writes) {
  const auto id_of = [](const QueuedMsg& msg) {
    return msg.msg.id;
  };
  PENA_CHECK(added_.empty());
  PENA_CHECK(std::ranges::is_sorted(msgs, {}, id_of));
  for (const QueuedMsg& msg : msgs) {
    const Xid& id = msg.msg.id;
    writes.emplace_back(DropQueue{id, number_});
    if (const auto body = bodies_.find(id); body != bodies_.end()) {
      bodies_bytes_ -= body->second.msg.memory_bytes();
      bodies_.erase(body);
    }
    if (msg.last_loss() != nullptr && suspects_.contains(msg)) suspects_.remove(msg);
    resends_.erase(id);
  }
  std::erase_if(fresh_, [&](const Waiting& waiting) {
    const bool goes = std::ranges::binary_search(msgs, waiting.msg.msg.id, {}, id_of);
    if (goes) fresh_bytes_ -= waiting.msg.memory_bytes();
    return goes;
  });
  waiting_ -= msgs.size();
  if (waiting_ == 0) more_in_store_ = false;
}

bool Queue::too_many_bodies() const {
  return bodies_.size() > window_ / 4 || bodies_bytes_ > window_bytes_ / 4;
}

void Queue::write_added(std::vector<Write>& writes) {
  const bool forget_bodies = too_many_bodies();
  // As a rule what was added has been granted in the same step, and nothing else is here.
  if (fresh_.empty() && bodies_.empty()) added_.clear();
  std::size_t next = fresh_.size();  // in the window: most that were added follow one another
  for (const Xid& id : added_) {
    Waiting* waiting = find(id, next);
    if (waiting == nullptr || waiting->stored) continue;
    waiting->stored = true;
    const bool forgotten = forget_bodies && waiting->msg.attempts > 0;
    writes.emplace_back(PutQueue{forgotten ? std::move(waiting->msg) : waiting->msg});
  }
  added_.clear();
  if (!forget_bodies) return;
  bodies_.clear();
  bodies_bytes_ = 0;
}

Queue::Fresh::const_iterator Queue::find_fresh(const Xid& id) const {
  // Most that are asked for are newer than all that wait here, or older.
  if (fresh_.empty() || id > fresh_.back().msg.msg.id || id < fresh_.front().msg.msg.id) {
    return fresh_.end();
  }
  const auto at = std::lower_bound(
      fresh_.begin(), fresh_.end(), id,
      [](const Waiting& waiting, const Xid& wanted) { return waiting.msg.msg.id < wanted; });
  return at->msg.msg.id == id ? at : fresh_.end();
}

Queue::Waiting* Queue::find(const Xid& id, std::size_t& next) {
  if (next >= fresh_.size() || fresh_[next].msg.msg.id != id) {
    if (const auto body = bodies_.find(id); body != bodies_.end()) return &body->second;
    const auto at = find_fresh(id);
    if (at == fresh_.end()) return nullptr;
    next = static_cast<std::size_t>(at - fresh_.begin());
  }
  return &fresh_[next++];
}

bool Queue::contains(const Xid& id) const {
  return find_fresh(id) != fresh_.end() || bodies_.contains(id);
}

}  // namespace pena::core
