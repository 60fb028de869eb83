// The laws of what is forgotten: because somebody has it deleted, because it was kept for long enough, or to
// make room.
#include <string>
#include <utility>

#include "sim/oracle.hpp"

namespace pena::sim {

using core::Xid;

void Oracle::forget_asked(const MayForget& what) {
  may_forget_.waiting = may_forget_.waiting || what.waiting;
  may_forget_.reports = may_forget_.reports || what.reports;
  may_forget_.fails = may_forget_.fails || what.fails;
  deletes_reports_ = deletes_reports_ || what.reports;
}

// It was somewhere, and is nowhere any more.
void Oracle::forgotten(const Xid& id, Place& place) {
  const bool may = place.left == store::Bucket::report ? may_forget_.reports
                   : place.left == store::Bucket::fail ? may_forget_.fails
                                                       : may_forget_.waiting;
  law(may, "conservation", id.text() + " is gone");
  law(place.msg.key.empty() || !keys_.contains({place.msg.queue, place.msg.key}), "keys",
      id.text() + " is forgotten, and its key is not");
  place.forgotten = true;
  ++forgotten_;
  ++ever_forgotten_;
}

// What is swept is the oldest, and of so many as may be kept none.
void Oracle::apply(const core::DropReport& drop) {
  Place& place = touch(drop.id);
  law(place.reported, "conservation",
      drop.id.text() + " leaves the bucket report without being in it");
  place.reported = false;
  place.left = store::Bucket::report;
  --reported_;
  law(deletes_reports_ || report_order_.begin()->second == drop.id, "retention",
      drop.id.text() + " is swept, and is not the oldest report");
  report_order_.erase(place.report_place);
  law(deletes_reports_ || makes_room_ || !keep_reports_ || report_order_.size() >= *keep_reports_,
      "retention",
      std::to_string(report_order_.size()) + " reports are left, and more may be kept");
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
