// The one way through, free of sockets and threads: event → step → writes → commit → sends. The
// server's commit loop and the simulator run this same code. One owner; nothing here is
// thread-safe.
//
//   committer.take(event, now);            // any number of them: they share the commit
//   for (auto& send : committer.commit(now)) deliver(send);
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/generator.hpp"
#include "store/store.hpp"

namespace pena::store {

// Nothing of a submission was taken: `id`, which is known nowhere, is one that the server has yet to
// make.
struct SubmitRefused {
  core::RequestId request = 0;
  core::Xid id;
};

// What leaves after a commit. Whoever answers a report looks its `elsewhere` up, with `settled`.
using Outgoing = std::variant<core::SendBatch, core::CloseStream, core::SubmitReply, SubmitRefused,
                              core::ReportReply>;

// An answer to POST /report with the store's word on the ids that no batch held: in the bucket
// `report` they are duplicates, otherwise unknown. Any thread, after the commit; throws StoreError.
struct SettledReply {
  core::RequestId request = 0;
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;
};
[[nodiscard]] SettledReply settled(const core::ReportReply& reply, const BucketView& buckets);

// What must come before anything moves on, though somebody waits.
enum class WaitsFor : std::uint8_t {
  nothing,     // all moves, or there is nothing to do
  store_room,  // a client is free, but the store is too full to take or make msgs
  client,      // msgs wait, but no client is connected
  rate,        // a client is free, but the rate lets the next msg be made later
};
// "", "room in the store", "a client", "the rate".
[[nodiscard]] std::string_view word(WaitsFor what);

// Why no new msgs are taken.
enum class Full : std::uint8_t {
  no,
  queue,  // it has as many msgs as it may
  store,  // it is as large as it may be
  disk,   // the store's disk has hardly anything left
  room,   // what the store or its disk has left is kept for msgs that are held
};
// A sentence without its full stop, with the limit that was met; empty where it is `no`.
[[nodiscard]] std::string sentence(Full what, const core::Limits& limits);

class Committer {
 public:
  // Restores the dispatcher from what `store` holds, and has `ids` begin behind all that the store
  // may have given. `generator`: none where nothing is generated.
  Committer(const core::Limits& limits, Store& store,
            std::optional<core::Generator::Settings> generator, const core::XidFactory& ids,
            core::Instant now);

  // Steps the event. Its effects wait for commit(). Of a Submitted, msgs whose id is known already
  // (in the store, in memory, or among the writes that wait) are left out: they are accepted once.
  // Where one of the others is an id that `ids` may yet make, all of it is refused.
  void take(core::Event&& event, core::Instant now);

  // Lets the generator fill what free clients lack, makes everything durable in one change set, and
  // returns what may leave now. Throws StoreError: then nothing may leave and the process must end.
  [[nodiscard]] std::vector<Outgoing> commit(core::Instant now);

  // True where the next commit() makes something durable, and only answers to reports wait for it: no
  // batch, and no answer to who submits.
  [[nodiscard]] bool only_answers_reports() const;

  // How many change sets were made durable so far.
  [[nodiscard]] std::uint64_t commits() const { return commits_; }

  // When commit() wants to be called without an event: a lease, a grace, the linger, the rate.
  [[nodiscard]] std::optional<core::Instant> next_timeout(core::Instant now) const;

  // False where the store is too full or the queue too long to take more work (503).
  [[nodiscard]] bool accepting() const { return full() == Full::no; }
  [[nodiscard]] Full full() const {
    return full_ == Full::no && !has_room_for_any_ ? Full::room : full_;
  }
  [[nodiscard]] bool generating() const;
  // As of the last commit.
  [[nodiscard]] WaitsFor waits_for() const;
  // Work and clients are there, but the store has no room for what reports may need: none is granted.
  [[nodiscard]] bool waits_for_room() const { return dispatcher_.waits_for_room(); }
  // What whoever runs the server should know, or nothing: where something has stood still for a second,
  // once, and the same not again within a minute.
  [[nodiscard]] std::optional<std::string> warning(core::Instant now);
  [[nodiscard]] const core::Dispatcher& dispatcher() const { return dispatcher_; }

 private:
  void step(core::Event&& event, core::Instant now);
  void fill_from_generator(core::Instant now);
  [[nodiscard]] core::Supply supply() const;
  void tell_supply(core::Instant now);
  void write(std::vector<Outgoing>& out, core::Instant now);
  void answer_dispatcher(std::vector<Outgoing>& out, core::Instant now);
  void leave_out_known(core::Submitted& submitted);
  [[nodiscard]] bool refused(core::Submitted& submitted);
  void note_second();
  void note_written();
  void refresh_accepting(core::Instant now);
  // What does not move for want of room: new msgs, or grants, for their reports would have none.
  enum class Standstill : std::uint8_t { none, queue, store, disk, room, reports };
  [[nodiscard]] Standstill standstill() const;
  void look_for_room(core::Instant now);
  [[nodiscard]] bool note_room();
  void grant_where_room_came(std::vector<Outgoing>& out, core::Instant now);

  core::Limits limits_;
  Store& store_;
  core::XidFactory ids_;
  std::optional<core::Generator> generator_;
  core::Supply told_;  // what the dispatcher knows of supply()
  core::Dispatcher dispatcher_;
  core::Instant looked_at_{};  // when fill() was asked last
  Full full_ = Full::no;
  bool has_room_for_any_ = true;
  Standstill still_ = Standstill::none;  // for how long: since
  core::Instant still_since_{};
  std::array<std::optional<core::Instant>, 6> told_at_;  // by what stands still
  std::uint64_t queued_in_store_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t second_written_ = 0;       // the store's id_second
  core::Effects effects_;                  // what waits for the commit
  std::vector<SubmitRefused> refusals_;    // likewise
  std::unordered_set<core::Xid> written_;  // ids that the writes put somewhere, as far as noted
  std::size_t noted_ = 0;                  // how many of the writes are
};

}  // namespace pena::store
