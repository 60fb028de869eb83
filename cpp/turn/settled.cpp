#include "turn/settled.hpp"

namespace pena::turn {

SettledReply settled(const core::ReportReply& reply, const store::View& view) {
  SettledReply answer{reply.request, reply.reported, reply.duplicate, 0};
  if (reply.elsewhere.empty()) return answer;
  for (const auto& bucket : view.find_all(reply.elsewhere)) {
    ++(bucket == store::Bucket::report ? answer.duplicate : answer.unknown);
  }
  return answer;
}

}  // namespace pena::turn
