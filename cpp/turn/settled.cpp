#include "turn/settled.hpp"

#include <algorithm>
#include <utility>

namespace pena::turn {
namespace {

using core::NamedId;
using core::Xid;

// What became of a msg under a batch that is over. One that was dropped or expired was not settled.
struct Under {
  const Xid& batch;
  bool as_processed;

  bool operator()(const core::ReportRecord& record) const {
    return taken_under(batch, as_processed, record);
  }
  bool operator()(const core::FailRecord& record) const {
    return taken_under(batch, as_processed, record.misses);
  }
  bool operator()(const core::WaitingMsg& waiting) const {
    return taken_under(batch, as_processed, waiting.msg.misses);
  }
  bool operator()(const core::Batch& holder, const Xid& id) const {
    const auto msg =
        std::ranges::find(holder.msgs, id, [](const core::QueuedMsg& one) { return one.msg.id; });
    return taken_under(batch, as_processed, msg->misses);
  }
};

}  // namespace

SettledReply settled_so_far(const core::ReportReply& reply) {
  SettledReply answer{reply.request, reply.reported, reply.duplicate, 0};
  answer.held = reply.held;
  answer.not_taken = reply.not_taken;
  answer.not_kept = reply.not_kept;
  return answer;
}

Verdict settled(const core::ReportReply& reply, const store::View& view) {
  SettledReply answer = settled_so_far(reply);
  if (reply.elsewhere.empty()) return answer;
  std::vector<Xid> ids;
  ids.reserve(reply.elsewhere.size());
  for (const NamedId& named : reply.elsewhere) ids.push_back(named.id);
  for (const auto& bucket : view.find_all(ids)) {
    ++(bucket == store::Bucket::report ? answer.duplicate : answer.unknown);
  }
  if (!reply.batch || !reply.batch_gone) return answer;
  // What was held then has its story, whatever became of it since.
  OpenReport report{answer, *reply.batch, {}, Search{reply.batches_granted}};
  for (const NamedId& named : reply.elsewhere) {
    if (named.held == NamedId::Held::no) report.left.push_back(named);
    if (named.held == NamedId::Held::not_taken) ++report.so_far.not_taken;
  }
  return settled(std::move(report), view);
}

Verdict settled(OpenReport report, const store::View& view) {
  std::vector<NamedId> left;
  for (std::size_t at = 0; at < report.left.size(); ++at) {
    const NamedId& named = report.left[at];
    const Under under{report.batch, named.processed};
    if (const core::Batch* const holder = report.search.holder(at)) {
      if (!under(*holder, named.id)) ++report.so_far.not_taken;
    } else if (const auto record = view.record(named.id)) {
      if (!std::visit(under, *record)) ++report.so_far.not_taken;
    } else {
      left.push_back(named);
    }
  }
  // A story that says that it was processed would be in `report`.
  const auto is_processed = [](const NamedId& named) {
    return named.processed;
  };
  report.so_far.not_taken += std::erase_if(left, is_processed);
  report.left = std::move(left);
  if (!report.left.empty() && !report.search.over()) return report;
  report.so_far.not_taken += report.left.size();
  return report.so_far;
}

}  // namespace pena::turn
