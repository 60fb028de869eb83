#include "turn/reply.hpp"

#include <utility>

#include "core/number_text.hpp"
#include "turn/status_text.hpp"
#include "wire/bulk_body.hpp"
#include "wire/json.hpp"
#include "wire/names.hpp"
#include "wire/status_json.hpp"

namespace pena::turn {
namespace {

// What a late report is told, in whose place others work or have worked.
std::string too_late(const SettledReply& settled) {
  const std::uint64_t named = settled.reported + settled.duplicate + settled.unknown;
  return "the report came too late for " + core::msgs_text(settled.not_taken) + " of the " +
         std::to_string(named) +
         " that it names: its batch was over; such a msg is sent again, or somebody else has done "
         "it; keep a batch that takes long with partial reports, or give it a longer lease";
}

// What is told to whoever would keep a batch that is lost.
std::string not_kept(const SettledReply& settled) {
  if (settled.held.value_or(0) == 0) {
    return "the batch is over, so it is not kept: its msgs are settled, or are sent again; stop "
           "the "
           "work on it";
  }
  return "the batch is not kept, for its stream or its lease is over, and the grace runs: report "
         "at "
         "once what is done, and stop the rest, which is sent again";
}

Answer told(const SettledReply& settled, std::int64_t came_at_ms) {
  const wire::ReportAnswer counts{settled.reported, settled.duplicate, settled.unknown,
                                  settled.held};
  std::string at = "Pena-At: " + std::to_string(came_at_ms) + "\r\n";
  if (settled.not_kept) {
    return {409, wire::report_error_json(not_kept(settled), counts), std::move(at)};
  }
  if (settled.not_taken == 0) return {200, wire::report_success_json(counts), std::move(at)};
  return {409, wire::report_error_json(too_late(settled), counts), std::move(at)};
}

// The msg that the id or key of a submission is known by says something else.
wire::Refusal other_content(const SubmitRefused& refused) {
  const std::string has_another = ", which has another " + refused.difference +
                                  "; expected what it was accepted with, or another ";
  if (refused.key.empty()) {
    return {409,
            "the id " + refused.id.text() + " is that of a msg that is known" + has_another + "id"};
  }
  return {409, "the key " + wire::shown_key(refused.key) + " is in the queue " +
                   std::string{wire::full_queue_name(refused.queue)} + " that of the msg " +
                   refused.id.text() + has_another + "key"};
}

Answer too_many_queues(const std::string& queue, const core::Limits& limits) {
  return busy("there are " + std::to_string(limits.queues) +
                  " queues (--max-queues), and none is called " + queue,
              "expected the name of one that is there");
}

Answer no_room(const std::string& what, const core::Limits& limits) {
  return busy("the store, of " + std::to_string(limits.map_bytes) +
              " bytes, or its disk has no room for " + what + " beside what held ones may need");
}

Answer refusal(const SubmitRefused& refused, const core::Limits& limits) {
  switch (refused.why) {
    case SubmitRefused::Why::other_content:
      return refuse(other_content(refused));
    case SubmitRefused::Why::too_many_queues:
      return too_many_queues(refused.queue, limits);
    case SubmitRefused::Why::yet_to_make:
      break;
  }
  return refuse({400, "the id " + refused.id.text() +
                          " is one that this server has yet to make; expected an id of your own, "
                          "or none"});
}

// Of what was asked of a turn that is no more.
Answer unknown(UnknownOutcome::Of of) {
  const std::string ended = "the server ended before its disk had answered: ";
  switch (of) {
    case UnknownOutcome::Of::bulk:
      return busy(ended + "some of these msgs may be done, and what is done stays done",
                  "send it again, and it goes on with those that are left");
    case UnknownOutcome::Of::pause:
      return busy(ended + "the outcome is unknown, it may be done", "send it again");
    case UnknownOutcome::Of::status:
      return busy("the server ended before it had answered");
    case UnknownOutcome::Of::msgs:
      break;
  }
  return busy(ended + "the outcome is unknown, it may have been accepted",
              "send it again with the same ids");
}

using Answered = std::variant<Answer, LookUp>;

struct Answering {
  const core::Limits& limits;

  Answered operator()(const UnknownOutcome& outcome) const { return unknown(outcome.of); }
  Answered operator()(const Accepted& accepted) const {
    return Answer{201, wire::accepted_json(accepted.ids, accepted.known), {}};
  }
  Answered operator()(const SubmitRefused& refused) const { return refusal(refused, limits); }
  Answered operator()(const NoRoom& /*refused*/) const { return no_room("these msgs", limits); }
  Answered operator()(const BulkDone& ended) const {
    const bool retried = ended.what == core::BulkAsked::What::retry;
    if (ended.reply.stopped) {
      return busy("the server is about to stop: of these msgs " + std::to_string(ended.reply.done) +
                      (ended.dry_run ? " were counted"
                       : retried     ? " are tried again"
                                     : " are deleted"),
                  "send it again");
    }
    if (ended.reply.refused) {
      return busy("the store, of " + std::to_string(limits.map_bytes) +
                  " bytes, or its disk has room for " + std::to_string(ended.reply.done) +
                  " of these msgs to be tried again, and no more beside what held ones may need");
    }
    return Answer{
        200, wire::bulk_json(retried ? "retried" : "deleted", ended.reply, ended.dry_run), {}};
  }
  Answered operator()(const Settled& report) const {
    if (report.reply.refused) {
      return busy("the store, of " + std::to_string(limits.map_bytes) +
                      " bytes, or its disk has no room for these results beside what held msgs may "
                      "need, and nothing of the report is settled",
                  "report without results, or try again later");
    }
    if (!report.reply.elsewhere.empty()) return LookUp{report};
    return told(settled_so_far(report.reply), report.came_at_ms);
  }
  Answered operator()(const Paused& paused) const {
    switch (paused.refused) {
      case core::NameRefused::too_many_queues:
        return too_many_queues(paused.queue, limits);
      case core::NameRefused::no_room:
        return no_room("the name of the queue " + paused.queue + ", which is new,", limits);
      case core::NameRefused::no:
        break;
    }
    return Answer{200, wire::paused_json(paused.queue, paused.paused, paused.unknown), {}};
  }
  Answered operator()(const Standing& standing) const { return LookUp{standing}; }
  Answered operator()(const FindMsg& asked) const { return LookUp{asked}; }
  Answered operator()(const LateReport& report) const { return LookUp{report}; }
};

struct LookingUp {
  const store::View& view;
  using LookedUp = std::variant<Answer, Unfound>;

  static LookedUp verdict(Verdict&& verdict, std::int64_t came_at_ms) {
    if (auto* const open = std::get_if<OpenReport>(&verdict)) {
      return Unfound{LateReport{std::move(*open), came_at_ms}};
    }
    return told(std::get<SettledReply>(verdict), came_at_ms);
  }

  LookedUp operator()(const Settled& report) const {
    return verdict(settled(report.reply, view), report.came_at_ms);
  }
  LookedUp operator()(const LateReport& late) const {
    return verdict(settled(late.report, view), late.came_at_ms);
  }
  LookedUp operator()(const Standing& standing) const {
    return Answer{200, status_text(*standing.status, standing.queue, view), {}};
  }
  LookedUp operator()(const FindMsg& asked) const {
    auto looked_up = answer(asked, view);
    if (auto* const unfound = std::get_if<FindMsg>(&looked_up)) return Unfound{std::move(*unfound)};
    return std::get<Answer>(std::move(looked_up));
  }
};

}  // namespace

std::variant<Answer, LookUp> answer(const Reply& reply, const core::Limits& limits) {
  return std::visit(Answering{limits}, reply.outcome);
}

std::variant<Answer, Unfound> answer(const LookUp& asked, const store::View& view) {
  return std::visit(LookingUp{view}, asked);
}

std::string describe(const Reply& reply, const Answer& answer) {
  if (const auto* const accepted = std::get_if<Accepted>(&reply.outcome)) {
    std::string told = "accepted " + core::msgs_text(accepted->ids.size());
    if (accepted->known.empty()) return told;
    return told + ", " + std::to_string(accepted->known.size()) + " of them before";
  }
  const bool says_it = std::holds_alternative<Settled>(reply.outcome) ||
                       std::holds_alternative<BulkDone>(reply.outcome) ||
                       std::holds_alternative<Paused>(reply.outcome);
  return says_it ? answer.body : "";
}

}  // namespace pena::turn
