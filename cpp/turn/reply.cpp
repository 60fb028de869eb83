#include "turn/reply.hpp"

#include "turn/settled.hpp"
#include "wire/json.hpp"

namespace pena::turn {
namespace {

struct Answering {
  const store::View& view;
  const core::Limits& limits;

  Answer operator()(const UnknownOutcome& /*unknown*/) const {
    return busy(
        "the server ended before its disk had answered: the outcome is unknown, it may have been "
        "accepted",
        "send it again with the same ids");
  }
  Answer operator()(const Accepted& accepted) const {
    return {201, wire::ids_json(accepted.ids), {}};
  }
  Answer operator()(const SubmitRefused& refused) const {
    return refuse({400, "the id " + refused.id.text() +
                            " is one that this server has yet to make; expected an id of your own, "
                            "or none"});
  }
  Answer operator()(const NoRoom& /*refused*/) const {
    return busy("the store, of " + std::to_string(limits.map_bytes) +
                " bytes, or its disk has no room for these msgs beside what held ones may need");
  }
  Answer operator()(const Settled& report) const {
    const SettledReply counts = settled(report.reply, view);
    return {200, wire::report_success_json(counts.reported, counts.duplicate, counts.unknown),
            "Pena-At: " + std::to_string(report.came_at_ms) + "\r\n"};
  }
};

}  // namespace

bool reads_store(const Reply& reply) {
  const auto* const report = std::get_if<Settled>(&reply.outcome);
  return report != nullptr && !report->reply.elsewhere.empty();
}

Answer answer(const Reply& reply, const store::View& view, const core::Limits& limits) {
  return std::visit(Answering{view, limits}, reply.outcome);
}

std::string describe(const Reply& reply, const Answer& answer) {
  if (const auto* const accepted = std::get_if<Accepted>(&reply.outcome)) {
    return "accepted " + std::to_string(accepted->ids.size()) + " msgs";
  }
  return std::holds_alternative<Settled>(reply.outcome) ? answer.body : "";
}

}  // namespace pena::turn
