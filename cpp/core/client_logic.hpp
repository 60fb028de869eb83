// The client's machine (R11 to R16): what runs, what is reported, when to stop. Pure: time comes in
// with every event, the jitter from a seed. The shell (client/) has the sockets and timers.
//
// When must a client stop? The server may give a msg to another once the lease is over, counted
// from the grant by the server's clock. The client knows its own clock only, so it counts from an
// instant that is provably not after the grant: it sent a request at its time c, and the answer
// carried the server's time s, so s was stamped at or after c. A grant stamped g > s then happened,
// on the client's clock, at or after c + (g - s)(1 - 2 rho), rho being the bound on either clock's
// drift. The pair (c, s) is the anchor; every answer to a report renews it, so that the drift does
// not add up. From there the client works for Timing::client_stop() at most.
//
// When must it take its stream as lost? Once the server may have: the server's drop grace begins no
// earlier than the last stamp that it wrote. So the silence counts from where the last stamp lies on
// the client's clock, not from when its bytes came: what a proxy held back proves nothing. A server
// that promises neither a silence nor a lease is held to neither.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/client_counts.hpp"
#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/report_outbox.hpp"
#include "core/retry.hpp"
#include "core/say.hpp"
#include "core/stream_watch.hpp"
#include "core/xid.hpp"

namespace pena::core {

struct ClientRules {
  std::uint32_t batchsize = 2;
  std::uint32_t max_running = 2;    // R13
  std::uint32_t panic_above = 800;  // ms, R14
  std::uint32_t end_above = 900;    // ms, R15
  bool report_panicked = true;      // R16: a coroutine that panicked has ended
  RetryRules retry;                 // of streams and of reports
  std::optional<std::uint64_t> max_batches;
  Duration stop_patience = std::chrono::seconds{1};  // for answers to reports, once it is to stop
  std::uint64_t seed = 0;                            // of the jitter
  std::string server = "the server";                 // as it is named in what is said
};

// ---- what happened

// The head of a stream came. `requested_at`: just before its request was sent.
struct StreamOpened {
  Instant requested_at;
  Timing timing;  // as the server's headers tell; the defaults where a foreign server tells nothing
  bool promises_silence = true;  // false: it may say nothing for as long as it likes
  bool promises_lease = true;    // false: a batch may take any time, where its note says no other
};
// A comment of the stream that says something.
struct NoteArrived {
  std::optional<Xid> batch;
  std::uint32_t size = 0;
  std::optional<std::int64_t> at_ms;  // the server's clock
  std::optional<Duration> lease = std::nullopt;
};
struct MsgArrived {
  Xid id;
  std::uint32_t period = 0;
  std::optional<Xid> batch;
};
// An event that is no msg.
struct StrangeArrived {
  std::string data;  // or its beginning
  std::optional<Xid> batch;
};
// Bytes of the stream came, whatever they were.
struct StreamHeard {};
// The stream ended, or could not be opened.
struct StreamClosed {
  std::string why;                      // for a person
  unsigned status = 0;                  // of an answer that was no stream
  std::optional<Duration> retry_after;  // where that asked for it
  bool is_unreadable = false;           // it was given up, for it is no stream to be read on
};
// A stream was asked for, and no answer has come for so long.
struct StreamUnanswered {
  Duration waited{};
  std::string why;  // what the StreamClosed will tell where none comes
};
struct WorkEnded {
  Xid id;
  bool panicked = false;
};
// What a StopWork asked for is done: nobody works on it any more.
struct WorkStopped {
  Xid id;
};
struct StopAsked {};
struct ClientTimeReached {};

using ClientEvent = std::variant<StreamOpened, NoteArrived, MsgArrived, StrangeArrived, StreamHeard,
                                 StreamClosed, StreamUnanswered, WorkEnded, WorkStopped,
                                 ReportTried, StopAsked, ClientTimeReached>;

// ---- what is to be done

struct OpenStream {
  Duration after;
  std::optional<std::uint64_t> batches;  // no more than these are wanted of it
};
// The one that is open, or to be opened.
struct CloseOwnStream {};
struct StartWork {
  Xid id;
  std::uint32_t period = 0;
  bool panics = false;
};
// Work that is stopped ends with a WorkStopped, or with the WorkEnded that was on its way. The report
// of its batch leaves when the last of them is over: it gives the msgs up, so that another client
// may have them at once.
struct StopWork {
  Xid id;
};
enum class ClientEndReason { stopped, period_too_long, batches_done, refused };
struct EndClient {
  ClientEndReason reason = ClientEndReason::stopped;
  std::string text;
  std::optional<Xid> msg;
};

using ClientAction =
    std::variant<OpenStream, CloseOwnStream, StartWork, StopWork, SendReport, Say, EndClient>;

// What was counted since the start; `running` is now.
class ClientLogic {
 public:
  explicit ClientLogic(const ClientRules& rules);

  // The first action is to open the stream.
  [[nodiscard]] std::vector<ClientAction> start();
  [[nodiscard]] std::vector<ClientAction> step(const ClientEvent& event, Instant now);
  // When it wants a ClientTimeReached, if at all.
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  [[nodiscard]] const ClientCounts& counts() const { return counts_; }
  [[nodiscard]] bool ended() const { return ended_; }

  // Uniform in 2..10 (R11).
  [[nodiscard]] static std::uint32_t draw_batchsize(std::uint64_t seed);

 private:
  struct BatchWork {
    std::uint32_t size = 0;  // how many msgs it has
    std::uint32_t arrived = 0;
    std::set<Xid> running;
    Reported report;                 // as far as it is known
    std::optional<Instant> stop_at;  // the end of what the client may use of the lease
    bool given_up = false;           // it is to be reported when what runs has stopped
  };
  struct Anchor {
    Instant client_at;
    std::int64_t server_ms = 0;
  };

  void on(const StreamOpened& event, Instant now);
  void on(const NoteArrived& event, Instant now);
  void on(const MsgArrived& event, Instant now);
  void on(const StrangeArrived& event, Instant now);
  void on(const StreamHeard& event, Instant now);
  void on(const StreamClosed& event, Instant now);
  void on(const StreamUnanswered& event, Instant now);
  void on(const WorkEnded& event, Instant now);
  void on(const WorkStopped& event, Instant now);
  void on(const ReportTried& event, Instant now);
  void on(const StopAsked& event, Instant now);
  void on(const ClientTimeReached& event, Instant now);

  void lose_stream();
  void reconnect(std::optional<Duration> retry_after = std::nullopt);
  void reopen_if_wanted();
  [[nodiscard]] std::optional<std::uint64_t> batches_wanted() const;
  void say(std::optional<Say> line);
  void anchor(Instant client_at, std::int64_t server_ms);
  void anchor_again(Instant sent_at, std::optional<std::int64_t> server_ms);
  [[nodiscard]] Duration anchor_age() const;
  [[nodiscard]] Instant earliest(std::int64_t stamped_ms) const;
  BatchWork& batch_of(const std::optional<Xid>& batch);
  void report_if_whole(const Xid& key);
  void give_up(const Xid& key);  // stops its work, then reports what is done
  void give_up_all();
  void stop_running(const BatchWork& work);
  void forget_running(BatchWork& work);
  void send_report(const Xid& key);
  void report_taken(const ReportTried& event, Instant now);
  [[nodiscard]] bool has_reported_all() const;
  [[nodiscard]] bool is_about_to_end() const;
  void settle_one_report();
  void end_if_settled();
  void begin_stop(ClientEndReason reason, std::string text, Instant now);
  void end(EndClient end);
  [[nodiscard]] std::uint64_t dice();

  ClientRules rules_;
  Timing timing_;
  bool promises_silence_ = true;  // of the stream, as the next
  bool promises_lease_ = true;
  ClientCounts counts_;
  std::vector<ClientAction> actions_;  // of the step that runs
  std::map<Xid, BatchWork> batches_;   // by batch; one without an id stands under the nil id
  std::map<Xid, Xid> batch_of_msg_;    // of msgs that run
  std::optional<Xid> given_up_;        // its msgs that are still on the way are not begun
  std::optional<Anchor> anchor_;
  Instant renew_at_;                     // when the anchor is to be renewed, while there is one
  std::optional<Instant> requested_at_;  // of the stream, until its first stamp comes
  std::optional<Instant> heard_at_;      // of the stream, while it is open: silence counts from it
  bool stamped_ = false;                 // the stream carries stamps
  ReportOutbox outbox_;
  std::uint64_t reports_open_ = 0;
  std::uint64_t batches_reported_ = 0;
  bool has_stream_ = false;  // one is open, or to be opened
  StreamWatch streams_;
  std::uint64_t random_ = 0;
  std::optional<EndClient> stopping_;
  Instant stop_by_;
  bool ended_ = false;
};

}  // namespace pena::core
