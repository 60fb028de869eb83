#include "turn/settled.hpp"

#include <algorithm>
#include <unordered_map>

namespace pena::turn {
namespace {

using core::Xid;

// Of msgs that are in batches now. All batches are read for it, once.
class Held {
 public:
  explicit Held(const store::View& view) : view_(view) {}
  // Null where no batch has it.
  const core::QueuedMsg* find(const Xid& id) {
    if (!batches_) read();
    const auto found = msgs_.find(id);
    return found == msgs_.end() ? nullptr : found->second;
  }

 private:
  void read() {
    batches_ = view_.batches();
    for (const core::Batch& batch : *batches_) {
      for (const core::QueuedMsg& msg : batch.msgs) msgs_.emplace(msg.msg.id, &msg);
    }
  }

  const store::View& view_;
  std::optional<std::vector<core::Batch>> batches_;
  std::unordered_map<Xid, const core::QueuedMsg*> msgs_;
};

// What became of msgs under a batch that is over. One that was dropped or expired was not settled.
class Under {
 public:
  Under(const Xid& batch, const store::View& view) : batch_(batch), view_(view), held_(view) {}

  bool has_taken(const core::NamedId& named, std::optional<store::Bucket> bucket) {
    const auto tells = [&](const auto& story) {
      return taken_under(batch_, named.processed, story);
    };
    // It may have gone on since it was found there.
    if (bucket == store::Bucket::report) {
      if (const auto record = view_.report(named.id)) return tells(*record);
    }
    if (bucket == store::Bucket::fail) {
      if (const auto record = view_.fail(named.id)) return tells(record->misses);
    }
    if (bucket) {
      if (const auto msg = view_.waiting(named.id)) return tells(msg->misses);
    }
    const core::QueuedMsg* const msg = held_.find(named.id);
    return msg != nullptr && tells(msg->misses);
  }

 private:
  Xid batch_;
  const store::View& view_;
  Held held_;
};

}  // namespace

SettledReply settled_so_far(const core::ReportReply& reply) {
  SettledReply answer{reply.request, reply.reported, reply.duplicate, 0};
  if (reply.batch) answer.held = reply.held;
  answer.not_taken = reply.not_taken;
  answer.not_kept = reply.not_kept;
  return answer;
}

SettledReply settled(const core::ReportReply& reply, const store::View& view) {
  SettledReply answer = settled_so_far(reply);
  if (reply.elsewhere.empty()) return answer;
  std::vector<Xid> ids;
  ids.reserve(reply.elsewhere.size());
  for (const core::NamedId& named : reply.elsewhere) ids.push_back(named.id);
  const auto buckets = view.find_all(ids);
  for (const auto& bucket : buckets) {
    ++(bucket == store::Bucket::report ? answer.duplicate : answer.unknown);
  }
  if (!reply.batch || !reply.batch_gone) return answer;
  Under under{*reply.batch, view};
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (!under.has_taken(reply.elsewhere[i], buckets[i])) ++answer.not_taken;
  }
  return answer;
}

}  // namespace pena::turn
