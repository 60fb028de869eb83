#include "turn/reply.hpp"

#include "turn/settled.hpp"
#include "wire/json.hpp"

namespace pena::turn {
namespace {

Answer success(const SettledReply& counts, std::int64_t came_at_ms) {
  return {200, wire::report_success_json(counts.reported, counts.duplicate, counts.unknown),
          "Pena-At: " + std::to_string(came_at_ms) + "\r\n"};
}

using Answered = std::variant<Answer, LookUp>;

struct Answering {
  const core::Limits& limits;

  Answered operator()(const UnknownOutcome& /*unknown*/) const {
    return busy(
        "the server ended before its disk had answered: the outcome is unknown, it may have been "
        "accepted",
        "send it again with the same ids");
  }
  Answered operator()(const Accepted& accepted) const {
    return Answer{201, wire::ids_json(accepted.ids), {}};
  }
  Answered operator()(const SubmitRefused& refused) const {
    return refuse({400, "the id " + refused.id.text() +
                            " is one that this server has yet to make; expected an id of your own, "
                            "or none"});
  }
  Answered operator()(const NoRoom& /*refused*/) const {
    return busy("the store, of " + std::to_string(limits.map_bytes) +
                " bytes, or its disk has no room for these msgs beside what held ones may need");
  }
  Answered operator()(const Settled& report) const {
    if (!report.reply.elsewhere.empty()) return LookUp{report};
    return success(settled_so_far(report.reply), report.came_at_ms);
  }
};

}  // namespace

std::variant<Answer, LookUp> answer(const Reply& reply, const core::Limits& limits) {
  return std::visit(Answering{limits}, reply.outcome);
}

Answer answer(const LookUp& asked, const store::View& view) {
  return success(settled(asked.report.reply, view), asked.report.came_at_ms);
}

std::string describe(const Reply& reply, const Answer& answer) {
  if (const auto* const accepted = std::get_if<Accepted>(&reply.outcome)) {
    return "accepted " + std::to_string(accepted->ids.size()) + " msgs";
  }
  return std::holds_alternative<Settled>(reply.outcome) ? answer.body : "";
}

}  // namespace pena::turn
