// What the dispatcher knows between two events, and the rules over it. Of the dispatcher's own sources:
// events and time in dispatcher.cpp, whose turn it is and what a batch holds in grants.cpp, what a
// report settles in reports.cpp.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/clients.hpp"
#include "core/cut_text.hpp"
#include "core/dispatcher.hpp"
#include "core/holders.hpp"
#include "core/leases.hpp"
#include "core/queue.hpp"
#include "core/room.hpp"
#include "core/verdicts.hpp"

namespace pena::core {

struct Dispatcher::State {
  State(const Limits& limits_given, const XidFactory& ids_given, const Snapshot& snapshot)
      : limits(limits_given),
        ids(ids_given),
        queue(limits_given, snapshot.queued),
        largest(snapshot.queued > 0 ? kMsgFields + limits_given.payload_bytes : 0) {}

  Limits limits;
  XidFactory ids;
  Queue queue;
  Clients clients;
  Leases leases;    // by batch
  Holders holding;  // msg → batch
  Supply supply = Supply::none;
  bool draining = false;
  // Since when the client whose turn it is has gone without msgs that were there: they did not fill
  // its batch, or filled another's.
  std::optional<Instant> waits_since;
  std::optional<Xid> overtaken;  // the client whose turn it is, if another was served before it
  // What the client whose turn it is could be sent; made once, until the queue or the turn changes.
  struct Next {
    Xid client;
    std::uint32_t batchsize = 0;
    BatchPlan plan;
    [[nodiscard]] std::size_t lacks() const { return batchsize - plan.size(); }
  };
  std::optional<Next> next;
  std::optional<BatchPlan> bodiless;  // what would be granted if it were in memory whole
  std::vector<Xid> wanted_bodies;     // what of it is not
  bool bodies_came = false;           // in this step, for it
  std::uint64_t steps = 0;            // so far: as of which something is wanted
  Counts counts;                      // but for those as of now, which the others know
  Duration clock_ahead{};             // of the time that steps are given
  Instant latest_date{};              // that a step had
  Effects effects;                    // of the step that runs

  Room room = Room::endless();   // as of the last commit
  Room coming;                   // of what was written since the last round was closed
  Room on_its_way;               // of rounds that the store does not have
  std::optional<Room> short_of;  // what the next msg lacks where none can be granted

  // No msg that waits is longer, as record_bytes() has it.
  std::uint64_t largest;

  // Events, one each.
  void on(Submitted&& event, Instant now);
  void on(Generated&& event, Instant now);
  void on(SupplyChanged&& event, Instant now);
  void on(ClientJoined&& event, Instant now);
  void on(ClientLost&& event, Instant now);
  void on(Reported&& event, Instant now);
  void on(TimeReached&& event, Instant now);
  void on(ClockRead&& event, Instant now);
  void on(Refilled&& event, Instant now);
  void on(BodiesRead&& event, Instant now);
  void on(DrainBegan&& event, Instant now);

  [[nodiscard]] Instant date(Instant now) const { return std::max(latest_date, now + clock_ahead); }
  void accept(std::vector<Msg>&& msgs, bool in_order, Instant now);
  void enqueue(QueuedMsg&& msg);
  void grant_in_turn(Instant now);
  bool overtake(const ClientState& first, Instant now);
  [[nodiscard]] BatchPlan plan_for(const ClientState& client) const;
  [[nodiscard]] const BatchPlan& plan_for_first(const ClientState& first);
  [[nodiscard]] bool ready(const BatchPlan& plan, const ClientState& client, Instant now) const;
  bool has_bodies(BatchPlan& plan);
  bool grant(const ClientState& client, BatchPlan plan, Instant now);
  void send(const ClientState& client, std::vector<QueuedMsg>&& msgs, const Room& need,
            Instant now);
  // Of the store's room, what is not to be had any more.
  [[nodiscard]] Room room_used() const { return leases.room() + coming + on_its_way; }
  [[nodiscard]] bool has_room(const Room& need) const { return room.has(room_used() + need); }
  [[nodiscard]] bool has_room_to_accept(std::span<const Msg> msgs, bool in_order) const;
  // The next msg waits for room: no time makes it come.
  [[nodiscard]] bool lacks_room() const { return short_of && !has_room(*short_of); }
  // So many msgs of a generator, which have no payload, would find room in the queue and in a batch.
  [[nodiscard]] std::size_t most_made() const {
    const std::uint64_t used = room_used().pages + 6 * kPagesOfRecord;
    return used > room.pages ? 0 : (room.pages - used) / (kPagesOfRecord + 2);
  }
  // By what is accepted, of a grant of any one msg: it could never go out otherwise.
  [[nodiscard]] Room kept_for_one(std::uint64_t largest_of_new) const {
    BatchRoom of_one{limits};
    of_one.add(std::max(largest, largest_of_new));
    return of_one.total();
  }
  [[nodiscard]] Room cut_to_room(BatchPlan& plan);
  void note_waiting(Instant now, bool first_served);
  [[nodiscard]] bool holds_back_short() const;

  [[nodiscard]] std::vector<Xid> batches_of(const Reported& report, const Verdicts& verdicts,
                                            std::vector<Xid>& elsewhere) const;
  void send_no_more(const Xid& batch);
  std::uint64_t settle(Lease& lease, Verdicts& verdicts, bool partial, Instant now);
  void keep_rest(Lease& lease, std::vector<QueuedMsg>&& rest, Instant now);
  void end_batch(const Lease& lease);
  void free_client(const Xid& client);
  void report_msg(const Batch& batch, const QueuedMsg& msg, Instant now);
  void miss(const Batch& batch, QueuedMsg msg, MissReason reason, std::string error, Instant now);
  [[nodiscard]] Instant grace_end(Instant now) const { return now + limits.timing.drop_grace; }
  void begin_grace(Lease& lease, Lease::State state, Instant now);
  void expire(Lease& lease, Instant now);
  void end_grace(const Lease& lease, Instant now);
  void count_miss(MissReason reason);
  [[nodiscard]] std::string kept_error(const std::string& said) const {
    return cut_text(said, limits.error_bytes);
  }
};

}  // namespace pena::core
