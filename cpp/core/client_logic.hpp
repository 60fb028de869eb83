// The client's machine (R11 to R16): what runs, what is reported, when to stop. Pure: time comes in
// with every event, the jitter from a seed. It decides how long anything is waited for and when it is
// tried again, so a shell (client/, sim/) opens and closes connections, sets one timer and hands on
// what it hears.
//
//   client_stream    the stream that it has, or is about to have
//   server_clock     where the server's instants lie on this clock
//   client_batches   what it works on
//   report_outbox    what it has to bring in
//
// This file ties them: what a lost stream does to the work, how many batches are wanted, the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/client_batches.hpp"
#include "core/client_counts.hpp"
#include "core/client_event.hpp"
#include "core/client_rules.hpp"
#include "core/client_stream.hpp"
#include "core/instant.hpp"
#include "core/report_outbox.hpp"
#include "core/server_clock.hpp"

namespace pena::core {

class ClientLogic {
 public:
  explicit ClientLogic(const ClientRules& rules);

  // The first action is to open the stream.
  [[nodiscard]] std::vector<ClientAction> start(Instant now);
  [[nodiscard]] std::vector<ClientAction> step(const ClientEvent& event, Instant now);
  // Of the stream with that number. What one says that is not the client's own any more is ignored: so
  // a shell may tell all that it hears.
  [[nodiscard]] std::vector<ClientAction> step(std::uint64_t stream, const StreamEvent& event,
                                               Instant now);
  // When it wants a ClientTimeReached, if at all.
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] const ClientCounts& counts() const { return out_.counts; }
  [[nodiscard]] bool ended() const { return ended_; }

  // Uniform in 2..10 (R11).
  [[nodiscard]] static std::uint32_t draw_batchsize(std::uint64_t seed);

 private:
  void on(const StreamAsked& event, Instant now) { stream_.on(event, now); }
  void on(const StreamOpened& event, Instant now);
  void on(const StreamRefused& event, Instant now) { stream_.on(event, now); }
  void on(const NoteArrived& event, Instant now);
  void on(const MsgArrived& event, Instant now);
  void on(const StrangeArrived& event, Instant now);
  void on(const StreamHeard& event, Instant now);
  void on(const StreamClosed& event, Instant now);
  void on(const WorkEnded& event, Instant now);
  void on(const WorkStopped& event, Instant now);
  void on(const ReportTried& event, Instant now);
  void on(const StopAsked& event, Instant now);
  void on(const ClientTimeReached& event, Instant now);

  template <class Event>
  [[nodiscard]] std::vector<ClientAction> step_with(const Event& event, Instant now);
  void open_stream(Instant now);
  void look_at_stream(Instant now);
  void lose_stream(Instant now);
  void reconnect(Instant now, std::optional<Duration> retry_after = std::nullopt);
  void reopen_if_wanted(Instant now);
  [[nodiscard]] std::optional<std::uint64_t> batches_wanted() const;
  void renew_anchor(const ReportTried& report);
  void send_reports(Instant now);  // of the batches that are whole
  void settle(ReportOutbox::Outcome outcome, const ReportTried& report, Instant now);
  void report_accepted(const ReportTried& report, Instant now);
  [[nodiscard]] bool has_reported_all() const;
  [[nodiscard]] bool is_about_to_end() const;
  [[nodiscard]] bool wants_work() const;
  void settle_one_report();
  void end_if_settled();
  void begin_stop(ClientEndReason reason, std::string text, Instant now);
  void end(EndClient end);
  [[nodiscard]] std::uint64_t dice();

  ClientRules rules_;
  ClientOutput out_;
  ClientStream stream_;
  std::uint64_t streams_opened_ = 0;
  ServerClock clock_;
  Timing timing_;  // of the stream, as the next
  bool promises_lease_ = true;
  ClientBatches batches_;
  ReportOutbox outbox_;
  std::uint64_t reports_open_ = 0;
  std::uint64_t batches_reported_ = 0;
  std::uint64_t random_ = 0;
  std::optional<EndClient> stopping_;
  Instant stop_by_;
  bool ended_ = false;
};

}  // namespace pena::core
