// What a client owes a server for its reports, judged by what passes its shell and nothing that its
// machine says of itself.
//
//   reports_arrive   one report is under way at a time, and it has ten seconds for its answer. Where that
//                    is 408, 429, 503 or none, the next report is the same one again, soon; where it is
//                    400, the next is the same one in a later form.
//   retry_after      not before the server asked for
//
// All times are of the client's own clock.
#pragma once

#include <optional>
#include <string>

#include "core/instant.hpp"
#include "core/report_outbox.hpp"
#include "core/retry.hpp"
#include "sim/network.hpp"

namespace pena::sim {

class ReportLaw {
 public:
  // `who`: for the sentence. `late`: how late the client's timers may be.
  ReportLaw(std::string who, const core::RetryRules& rules, core::Duration late)
      : who_(std::move(who)), rules_(rules), late_(late) {}

  // Each throws LawBroken.
  void sends(const core::SendReport& send, core::Instant now);
  void abandons(core::Instant now);
  // An answer that came to the client's door, be it one that nobody waits for any more.
  void answered(std::uint64_t number, const Reply& reply, core::Instant now);
  // By now something should have followed.
  void look(core::Instant now) const;
  // When it is worth a look.
  [[nodiscard]] core::Duration longest_wait() const;

 private:
  struct Owed {
    core::SendReport report;
    Reply reply;
    core::Instant since;
  };
  void owe(const Reply& reply, core::Instant now);
  void pay(const core::SendReport& send, core::Instant now);
  void breaks(bool is_broken, const char* law, const std::string& what) const;

  std::string who_;
  core::RetryRules rules_;
  core::Duration late_;
  std::optional<core::SendReport> under_way_;
  core::Instant sent_at_;
  std::optional<Owed> owed_;
};

}  // namespace pena::sim
