// The one way through, free of sockets, threads and clocks: event → step → change set → log → sends.
//
//             take(event)          close()                          durable()
//   events ───────────────▶ open ──────────▶ on its way, in order ─────────────▶ what may leave
//                          round             (append → a ticket)   (the log says up to where)
//
// A round is what was taken between two closes: one change set, and the sends that wait for it.
// Several may be on their way to the disk. What they change is known here at once: the dispatcher has
// it, and reads of the store go through turn/overlay.hpp. A round's sends leave when its change set is
// durable, in the order of the rounds, and never wait for a later one.
//
// The server's shell and the simulator run this same code:
//
//   unless turn.is_blocked():
//     turn.note_date(date, now);
//     turn.take(std::move(event), now);                 // any number: they share the round
//     (void)turn.close_if_due(now);
//   for (auto& out : turn.durable(now)) deliver(out);   // again whenever the log has got on
//   wait until turn.next_close(now), for an event, or for the log;
//
// One owner; nothing here is thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/dispatcher.hpp"
#include "store/index.hpp"
#include "store/log.hpp"
#include "turn/admission.hpp"
#include "turn/changed_ids.hpp"
#include "turn/generator.hpp"
#include "turn/known.hpp"
#include "turn/overlay.hpp"
#include "turn/pace.hpp"

namespace pena::turn {

// Nothing of a submission was taken, for the sake of one of its msgs.
struct SubmitRefused {
  enum class Why : std::uint8_t {
    yet_to_make,    // its id, which is known nowhere, is one that the server has yet to make
    other_content,  // it is known by that id, or by `key` and so has that id, and says something else
    too_many_queues,  // its queue would be a new one, and there are as many as may be
  };
  core::RequestId request = 0;
  core::Xid id;
  Why why = Why::yet_to_make;
  std::string key = {};         // by which it is known; empty: by its id
  std::string queue = {};       // its name
  std::string difference = {};  // what of the content is another
};

// What leaves once its round is durable. Whoever answers a report looks its `elsewhere` up, with
// settled() of turn/settled.hpp, in a view of all that is durable then.
using Outgoing =
    std::variant<core::SendBatch, core::CloseStream, core::SubmitReply, SubmitRefused,
                 core::ReportReply, core::BulkReply, core::PauseReply, core::StatusReply>;

class Turn {
 public:
  // Restores the dispatcher from what the index says, and has `ids` begin behind all that the store
  // may have given. `generator`: none where nothing is generated. `log` and `index` are of one store,
  // and outlive the turn.
  Turn(const core::Limits& limits, store::Log& log, store::Index& index,
       std::optional<Generator::Settings> generator, const core::XidFactory& ids,
       core::Instant now);

  // Steps the event. Its effects wait for close(). Of a Submitted, msgs whose id is known already
  // (in the store, in memory, or among the writes on their way) are left out: they are accepted once.
  // Where one of the others is an id that `ids` may yet make, all of it is refused.
  void take(core::Event&& event, core::Instant now);

  // What the wall clock shows, which is set now and then. To be told before the events of a round.
  void note_date(core::Instant date, core::Instant now);

  // Answers what the dispatcher asks of the store, lets the generator fill what free clients lack, and
  // appends all writes as one change set. At most one page of the queue is read, and so many msgs are
  // made: whoever waits for more is not to hold up the others. Throws StoreError: then nothing may
  // leave, and the process must end.
  void close(core::Instant now);

  // Likewise, where it is time or where the round is the `last`. True where it closed.
  [[nodiscard]] bool close_if_due(core::Instant now, bool last = false);

  // What may leave now. Throws StoreError likewise.
  [[nodiscard]] std::vector<Outgoing> durable(core::Instant now);
  // `wake` is called, by any thread, when there may be more of that without a close().
  void when_durable(const std::function<void()>& wake) { log_.when_durable(wake); }

  // When close() wants to be called, though no event comes: at once where something is left to do, a
  // little later where that is but answers to reports (turn/pace.hpp), or for a lease, a grace, the
  // linger, the rate. Nothing where it waits for the log.
  [[nodiscard]] std::optional<core::Instant> next_close(core::Instant now);
  // The open round waits for more to come, for as long as next_close() says.
  [[nodiscard]] bool holds() const { return hold_ && hold_->holds; }

  // As many rounds are on their way as may be: no event is to be taken before durable() got on.
  [[nodiscard]] bool is_blocked() const { return on_their_way() >= limits_.rounds_at_once; }

  // How many change sets were appended so far, and how many rounds are not durable yet.
  [[nodiscard]] std::uint64_t appended() const { return appended_; }
  [[nodiscard]] std::size_t on_their_way() const { return rounds_.size() - released_; }

  // Other than `no`: the store is too full or the queue too long to take more work (503).
  [[nodiscard]] Full full() const { return admission_.full(); }
  [[nodiscard]] bool accepting() const { return full() == Full::no; }
  [[nodiscard]] bool generating() const;
  [[nodiscard]] WaitsFor waits_for() const;
  // Work and clients are there, but the store has no room for what reports may need: none is granted.
  [[nodiscard]] bool waits_for_room() const { return dispatcher_.waits_for_room(); }
  // What whoever runs the server should know, or nothing.
  [[nodiscard]] std::optional<std::string> warning(core::Instant now);
  [[nodiscard]] const core::Dispatcher& dispatcher() const { return dispatcher_; }

 private:
  struct Round {
    store::Ticket ticket = 0;
    std::shared_ptr<store::ChangeSet> writes;  // null: none
    std::vector<core::Send> sends;
    std::vector<SubmitRefused> refusals;
    core::Room coming;  // what the writes take of the store's
    ChangedIds changed;
    core::Instant closed_at;
  };
  // What was decided of the open round, where only answers to reports wait for it.
  struct Hold {
    core::Instant until;
    bool holds = false;
  };

  void step(core::Event&& event, core::Instant now);
  void fill_from_generator(core::Instant now);
  [[nodiscard]] core::Supply supply() const;
  void tell_supply(core::Instant now);
  [[nodiscard]] bool room_runs_out() const;
  void tell_room(core::Instant now);
  void read_for_dispatcher(core::Instant now);
  void read_bodies(core::WantedBodies wanted, core::Instant now);
  void read_due(const core::WantedDue& wanted, core::Instant now);
  void refill(const core::WantedRefill& wanted, core::Instant now);
  void read_bulk(core::WantedBulk wanted, core::Instant now);
  [[nodiscard]] std::vector<const store::ChangeSet*> layers() const;
  [[nodiscard]] std::vector<const store::ChangeSet*> layers_of(std::size_t rounds) const;
  void append(core::Instant now);
  void release(Round& round, std::vector<Outgoing>& out);
  void drop_applied(core::Instant now);
  [[nodiscard]] bool has_open_round() const {
    return !effects_.writes.empty() || !effects_.sends.empty() || !refusals_.empty();
  }
  [[nodiscard]] bool only_answers_reports() const;
  [[nodiscard]] core::Instant open_round_closes_at(core::Instant now);
  [[nodiscard]] std::optional<core::Instant> next_close_without_events(core::Instant now) const;
  [[nodiscard]] bool refused(core::Submitted& submitted);
  [[nodiscard]] Known known();
  void end_generating(const core::Submitted& submitted);
  void note_second();
  [[nodiscard]] bool has_room_for(const core::PauseAsked& pause) const;
  void note_fill(core::Instant now);
  [[nodiscard]] bool note_room();
  void look_for_room(core::Instant now);

  core::Limits limits_;
  store::Log& log_;
  store::Index& index_;
  core::XidFactory ids_;
  std::optional<Generator> generator_;
  core::Dispatcher dispatcher_;
  Admission admission_;
  Pace pace_;
  std::uint64_t appended_ = 0;
  core::Duration clock_ahead_{};      // of `now`, as the dispatcher was told last
  std::uint64_t second_written_ = 0;  // id_second, likewise
  bool room_came_ = false;            // and what waited for it is yet to be granted
  bool reads_put_off_ = false;        // a round of events went first
  // Reports that made room so far, and the change set in which they last did: until the index has it,
  // nobody knows how much.
  std::uint64_t reports_made_room_ = 0;
  std::optional<store::Ticket> room_made_;
  std::optional<std::string> news_;  // for whoever runs the server

  // The open round.
  core::Effects effects_;
  std::vector<SubmitRefused> refusals_;
  ChangedIds changed_;
  std::optional<Hold> hold_;

  // Closed ones, the oldest first: those that are not durable, and before them those that the index
  // does not have. The first `released_` have let go what waited for them.
  std::deque<Round> rounds_;
  std::size_t released_ = 0;
  // The memory of one that is over.
  store::ChangeSet spare_;
  std::vector<core::Send> spare_sends_;
};

// Rounds until nothing is left to do at once: for a log whose change sets are durable when append()
// returns. What leaves, in order.
[[nodiscard]] std::vector<Outgoing> run_rounds(Turn& turn, core::Instant now);

}  // namespace pena::turn
