// The laws of what is forgotten: because somebody has it deleted, because it was kept for long enough, or to
// make room.
#include <algorithm>
#include <string>
#include <utility>

#include "sim/oracle.hpp"

namespace pena::sim {

using core::Xid;

std::uint64_t Oracle::forget_asked(const Wish& wish) {
  may_forget_.waiting = may_forget_.waiting || wish.bucket == store::Bucket::queue;
  may_forget_.reports = may_forget_.reports || wish.bucket == store::Bucket::report;
  may_forget_.fails = may_forget_.fails || wish.bucket == store::Bucket::fail;
  wishes_[++last_wish_] = wish;
  return last_wish_;
}

// What has ended is seen once it is in the index, and by nobody before.
void Oracle::forget_taken(store::Ticket round, store::Bucket bucket, core::Instant date,
                          const store::View& view) {
  const auto at = std::ranges::find_if(wishes_, [bucket](const auto& one) {
    return one.second.bucket == bucket && !one.second.taken_at;
  });
  if (at == wishes_.end()) return;
  Wish& wish = at->second;
  wish.taken_at = date;
  wish.round = round;
  for (const auto& [id, place] : msgs_) {
    const bool is_there = bucket == store::Bucket::queue
                              ? place.queued || place.later
                              : (place.reported || place.failed) && view.find(id) == bucket;
    if (is_there && is_meant(wish, id, place)) wish.stood[id] = place.moves;
  }
}

// What stood there all the time is gone.
void Oracle::forget_answered(std::uint64_t number) {
  const auto wish = wishes_.extract(number);
  if (wish.empty()) return;
  for (const auto& [id, moves] : wish.mapped().stood) {
    const Place& place = msgs_.at(id);
    law(place.forgotten || place.moves != moves, "deleted",
        id.text() + " was to be deleted, and is still there");
  }
}

// Dates stand still while a clock that was set back catches up, so rounds tell what came later.
bool Oracle::is_meant(const Wish& wish, const Xid& id, const Place& place) const {
  if (wish.ids) return std::ranges::find(*wish.ids, id) != wish.ids->end();
  if (!wish.taken_at) return false;
  const bool waits = wish.bucket == store::Bucket::queue;
  const core::Instant date = waits ? place.accepted_at : place.ended_at;
  const bool was_there = waits ? place.accepted_in <= wish.round && date <= *wish.taken_at
                               : place.ended_in <= wish.round;
  const std::string name = queue_name(core::shown_queue(place.msg.queue));
  return was_there && (!wish.before || date < *wish.before) &&
         (!wish.queue || *wish.queue == (name.empty() ? core::kDefaultQueueName : name));
}

bool Oracle::is_asked_for(const Xid& id, const Place& place) const {
  const auto bucket = place.left == store::Bucket::later ? store::Bucket::queue : place.left;
  return std::ranges::any_of(wishes_, [&](const auto& one) {
    return one.second.bucket == bucket && is_meant(one.second, id, place);
  });
}

// Whatever its date says, it is older than what ended behind it: the clock may have been set back. And that may be
// a little behind or ahead in the server.
bool Oracle::is_too_old(const Place& ended, const core::Keep& keep) const {
  constexpr core::Duration kClockStep = std::chrono::milliseconds{100};
  return keep.time && std::ranges::any_of(msgs_, [&](const auto& one) {
           const Place& place = one.second;
           return place.settled >= ended.settled &&
                  place.ended_at + *keep.time <= date_ + kClockStep;
         });
}

std::optional<Xid> Oracle::to_be_swept(core::Instant date) const {
  if (report_order_.empty()) return std::nullopt;
  const Xid& oldest = report_order_.begin()->second;
  const bool is_old = keep_reports_.time && msgs_.at(oldest).ended_at + *keep_reports_.time < date;
  return is_old || !is_swept() ? std::optional{oldest} : std::nullopt;
}

// It was somewhere, and is nowhere any more.
void Oracle::forgotten(const Xid& id, Place& place) {
  const bool may = place.left == store::Bucket::report ? may_forget_.reports
                   : place.left == store::Bucket::fail ? may_forget_.fails
                                                       : may_forget_.waiting;
  law(may, "conservation", id.text() + " is gone");
  // Of reports apply() has seen to it.
  const bool is_swept =
      place.left == store::Bucket::report ||
      (place.left == store::Bucket::fail && (keep_fails_.msgs || is_too_old(place, keep_fails_)));
  law(is_swept || is_asked_for(id, place), "deleted",
      id.text() + " is deleted, and nobody asked for it");
  law(place.msg.key.empty() || !keys_.contains({place.msg.queue, place.msg.key}), "keys",
      id.text() + " is forgotten, and its key is not");
  place.forgotten = true;
  ++forgotten_;
  ++ever_forgotten_;
}

// What is swept is the oldest, of so many as may be kept none, and of those that are kept for a time none that
// is younger.
void Oracle::apply(const core::DropReport& drop) {
  Place& place = touch(drop.id);
  law(place.reported, "conservation",
      drop.id.text() + " leaves the bucket report without being in it");
  place.reported = false;
  place.left = store::Bucket::report;
  --reported_;
  const bool was_oldest = report_order_.begin()->second == drop.id;
  report_order_.erase(place.settled);
  if (is_asked_for(drop.id, place)) return;
  law(was_oldest, "retention", drop.id.text() + " is swept, and is not the oldest report");
  const bool is_one_too_many = keep_reports_.msgs && report_order_.size() >= *keep_reports_.msgs;
  law(makes_room_ || is_one_too_many || is_too_old(place, keep_reports_), "retention",
      drop.id.text() + " is swept, and " + std::to_string(report_order_.size()) +
          " reports are left: it may be kept");
}

// By the end of the change set it waits again, with all its attempts, or is forgotten.
void Oracle::apply(const core::DropFail& drop) {
  Place& place = touch(drop.id);
  law(place.failed && (may_retry_ || may_forget_.fails), "conservation",
      drop.id.text() + " is taken out of the bucket fail");
  place.failed = false;
  place.left = store::Bucket::fail;
  --failed_;
  place.retried = true;
  place.earlier += place.grants;
  place.grants = 0;
}

void Oracle::apply(const core::DropKey& drop) {
  const auto at = keys_.find({drop.queue, drop.key});
  law(at != keys_.end(), "keys", "the key " + drop.key + " is taken away, and nobody has it");
  touch(at->second);  // it is to be forgotten by the end of the change set
  law(may_forget_.waiting || may_forget_.reports || may_forget_.fails, "keys",
      "the key " + drop.key + " is taken away");
  keys_.erase(at);
}

}  // namespace pena::sim
