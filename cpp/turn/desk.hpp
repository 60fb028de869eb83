// Where requests are taken in, and where it stands who waits for which answer. The desk knows no peer: a
// request that waits has a number, and the shell knows whose it is. What is to be done about a request
// is one closed value; the shell does it and decides nothing:
//
//   Asked asked = desk.ask(request, moment);
//     Answer       say it
//     OpenStream   open a stream, and tell the turn who joined; or send its head alone
//     ReadPage     read a page of a bucket: it is the answer
//     FindMsg      a LookUp
//     Waits        hand `event` to the turn, and remember whose `request` is
//   for what the turn lets go:  if (auto reply = desk.resolve(std::move(what)))
//     answer(*reply, limits) is what that request is answered with (turn/reply.hpp): an Answer, or a
//     LookUp
//   a LookUp: answer(look_up, view), by a thread that may wait for the disk, is an Answer or
//     Unfound      desk.ask(unfound) is an Answer, or Waits: as above
//
//               drain()               give_up()
//   all is taken ────▶ reports, pages ────────▶ pages
//
// While it drains no work is taken in nor handed out, but what was done may still be reported. Once it
// gave up nothing is durable any more, so nothing is asked of the turn.
//
// Pure: time comes in. One owner, the I/O side of a shell.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/limits.hpp"
#include "core/xid.hpp"
#include "store/records.hpp"
#include "turn/admission.hpp"
#include "turn/answer.hpp"
#include "turn/msg_story.hpp"
#include "turn/reply.hpp"
#include "wire/query.hpp"

namespace pena::turn {

// A whole one. The query stands without its '?'.
struct Request {
  std::string method, path, query, body;
};

// When a request came, and what the turn had published last.
struct Moment {
  core::Instant now;   // steady
  core::Instant date;  // by the wall clock
  Full full = Full::no;
  WaitsFor waits_for = WaitsFor::nothing;
};

struct OpenStream {
  core::ClientJoined joined;
  bool head_only = false;  // nobody joins, and the client's id is nil
};
struct ReadPage {
  store::Bucket bucket = store::Bucket::report;
  wire::PageQuery query;
};
struct Waits {
  core::RequestId request = 0;  // the one in the event
  core::Event event;
};
using Asked = std::variant<Answer, OpenStream, ReadPage, FindMsg, Waits>;

class Desk {
 public:
  // Requests to retry or delete msgs, which the turn has one after the other.
  static constexpr std::size_t kMostBulkAtOnce = 16;
  // Requests of how it stands, each of which may make a long list.
  static constexpr std::size_t kMostStatusAtOnce = 64;

  // `ids` shares its number with the turn's. `version` is what GET /healthz says.
  Desk(const core::Limits& limits, core::XidFactory ids, std::string version);

  [[nodiscard]] Asked ask(const Request& request, const Moment& moment);
  // Who holds what a look at the store did not find.
  [[nodiscard]] std::variant<Answer, Waits> ask(Unfound&& unfound);

  // What became of a request, from what the turn let go. Nothing where none of that number waits: it has
  // been given up.
  [[nodiscard]] std::optional<Reply> resolve(const core::SubmitReply& reply);
  [[nodiscard]] std::optional<Reply> resolve(const SubmitRefused& refusal);
  [[nodiscard]] std::optional<Reply> resolve(core::ReportReply&& reply);
  [[nodiscard]] std::optional<Reply> resolve(const core::BulkReply& reply);
  [[nodiscard]] std::optional<Reply> resolve(const core::PauseReply& reply);
  [[nodiscard]] std::optional<Reply> resolve(const core::StatusReply& reply);

  void drain();
  // Nothing is asked of the turn from here on. Gives up one of those that still wait, in the order in
  // which they came: to be called until there is none. Allocates nothing, for the memory may be out.
  [[nodiscard]] std::optional<Reply> give_up();
  [[nodiscard]] bool draining() const { return stage_ != Stage::open; }
  // A connection may bring another request behind the one that is answered.
  [[nodiscard]] bool keeps_alive() const { return !draining(); }
  // How many wait for the turn.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  enum class Stage : std::uint8_t { open, draining, gave_up };
  // What an answer says beside what the turn replies.
  struct OfMsgs {
    std::vector<core::Xid> ids;   // of a submission
    std::int64_t came_at_ms = 0;  // of a report
  };
  struct OfBulk {
    core::BulkAsked::What what = core::BulkAsked::What::retry;
    bool dry_run = false;
  };
  struct OfPause {
    std::string queue;
    bool paused = true;
  };
  struct OfStatus {
    std::optional<std::string> queue;
  };
  using Waiting = std::variant<OfMsgs, OfBulk, OfPause, OfStatus, FindMsg, LateReport>;

  Asked open_stream(const Request& request, const Moment& moment);
  Asked submit(const Request& request, const Moment& moment);
  Asked report(const Request& request, const Moment& moment);
  Asked bulk(const Request& request, core::BulkAsked::What what);
  Asked pause(const Request& request, bool paused);
  Asked status(const Request& request, core::StatusAsked::What what);
  [[nodiscard]] Asked read_page(const Request& request, store::Bucket bucket) const;
  [[nodiscard]] static Asked find_msg(const Request& request);
  [[nodiscard]] Answer health(const Moment& moment) const;
  Waits wait(core::RequestId request, Waiting waiting, core::Event event);
  template <class Of>
  std::optional<Of> extract(core::RequestId request);

  core::Limits limits_;
  core::XidFactory ids_;
  std::string version_;
  Stage stage_ = Stage::open;
  core::RequestId next_request_ = 1;
  std::size_t bulk_waiting_ = 0;    // requests to retry or delete that the turn has,
  std::size_t status_waiting_ = 0;  // and of how it stands
  std::map<core::RequestId, Waiting> waiting_;
};

}  // namespace pena::turn
