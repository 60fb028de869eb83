#include "turn/settled.hpp"

namespace pena::turn {

SettledReply settled_so_far(const core::ReportReply& reply) {
  return {reply.request, reply.reported, reply.duplicate, 0};
}

SettledReply settled(const core::ReportReply& reply, const store::View& view) {
  SettledReply answer = settled_so_far(reply);
  if (reply.elsewhere.empty()) return answer;
  for (const auto& bucket : view.find_all(reply.elsewhere)) {
    ++(bucket == store::Bucket::report ? answer.duplicate : answer.unknown);
  }
  return answer;
}

}  // namespace pena::turn
