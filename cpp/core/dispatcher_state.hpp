// What the dispatcher knows between two events, and the rules over it. Of the dispatcher's own sources:
// clients and time in dispatcher.cpp, how msgs come to wait in arrivals.cpp, whose turn it is and what a
// batch holds in grants.cpp, what a report settles in reports.cpp.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/bulk_jobs.hpp"
#include "core/clients.hpp"
#include "core/cut_text.hpp"
#include "core/dispatcher.hpp"
#include "core/held_back.hpp"
#include "core/holders.hpp"
#include "core/leases.hpp"
#include "core/queues.hpp"
#include "core/rates.hpp"
#include "core/retention.hpp"
#include "core/room.hpp"
#include "core/verdicts.hpp"

namespace pena::core {

struct Dispatcher::State {
  State(const Limits& limits_given, const XidFactory& ids_given, const Snapshot& snapshot)
      : limits(limits_given),
        ids(ids_given),
        names(snapshot.queues),
        queues(limits_given, snapshot.queues),
        later(snapshot.later),
        next_due(snapshot.next_due),
        reports_kept(limits_given.keep_reports, limits_given.read_writes, snapshot.reports),
        fails_kept(limits_given.keep_fails, limits_given.read_writes, snapshot.fails),
        largest(queues.size() + later > 0 ? kMsgFields + limits_given.payload_bytes : 0) {
    for (const StoredQueue& queue : snapshot.queues) {
      if (names.is_paused(queue.number)) held_back.note(queue.number, queue.queued, false);
    }
  }

  static constexpr std::size_t kBytesOfSweep = std::size_t{4} << 20U;  // of a page, as stored

  Limits limits;
  XidFactory ids;
  QueueNames names;
  Queues queues;
  HeldBack held_back;               // as of the end of a step
  std::uint64_t later;              // msgs that are not due yet, in the store alone
  std::optional<Instant> next_due;  // when the first of them is, by date
  BulkJobs bulk_jobs;
  bool bulk_goes_first = false;  // what they want goes before a refill, for that went before it
  Retention reports_kept, fails_kept;
  bool sweep_goes_first = false;  // of what they want, and what somebody waits for
  bool room_runs_out = false;     // so that a page of the oldest reports is to make room
  Clients clients;
  Leases leases;    // by batch
  Holders holding;  // msg → batch
  Supply supply = Supply::none;
  // Of that, what clients may count on: while the queue `default` is paused nothing is made.
  [[nodiscard]] Supply granted_supply() const {
    return names.is_paused(kGeneratedQueue) ? Supply::none : supply;
  }
  bool draining = false;
  // Queues of which the msgs or the clients changed: whoever is the first there is to be looked at. Some of
  // them may stand here twice.
  std::vector<QueueNumber> touched;
  // Queues whose first client would be granted msgs that are not in memory whole.
  std::set<QueueNumber> bodiless;
  QueueNumber bodies_of = kDefaultQueue;  // one of those queues, behind
  QueueNumber bodies_read_last = kNoQueueYet;
  std::vector<Xid> wanted_bodies;          // and what of it is not in memory
  std::optional<QueueNumber> bodies_came;  // in this step, for it
  bool counts_on_supply = false;  // the first in kGeneratedQueue waits for what will be made:
  [[nodiscard]] bool supply_failed() const {  // which will not be
    const ClientState* const first = clients.first_free(kGeneratedQueue);
    return counts_on_supply && first != nullptr && first->plan && !waits_for_made(*first);
  }
  bool due_waits = false;   // for room
  std::uint64_t steps = 0;  // so far: as of which something is wanted
  Counts counts;            // but for those as of now, which the others know
  RateWindow rates;
  Duration clock_ahead{};  // of the time that steps are given
  Instant latest_date{};   // that a step had
  // The wall clock as of the last step. Due dates are by it and not by the dates of records, which stand
  // still while a clock that was set back catches up: a wait of a second is not to take an hour then.
  Instant clock{};
  Effects effects;  // of the step that runs

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
  void on(DueRead&& event, Instant now);
  void on(BulkAsked&& event, Instant now);
  void on(BulkRead&& event, Instant now);
  void on(BodiesRead&& event, Instant now);
  void on(DrainBegan&& event, Instant now);
  void stop_job(BulkReply&& reply);
  void on(PauseAsked&& event, Instant now);
  void on(StatusAsked&& event, Instant now);
  void on(RoomRunsOut&& event, Instant now);

  [[nodiscard]] Instant date(Instant now) const { return std::max(latest_date, now + clock_ahead); }
  // The first of these queues that may have no name any more, or none.
  [[nodiscard]] std::optional<std::string> is_too_many(
      const std::vector<std::string>& wanted) const;
  // Of a submission, whose queues have names.
  void number_queues(Submitted& submitted);
  void put_off(Submitted& submitted, Instant now);
  void accept(std::vector<Msg>&& msgs, bool in_order, Instant now);
  void add_fresh(QueueNumber queue, std::vector<Msg>&& msgs, Instant now);
  void enqueue(QueuedMsg&& msg);
  void put_later(QueuedMsg&& msg, Instant due_at);
  // What is to be read next of msgs that are to be tried again or forgotten.
  enum class NextBulk : std::uint8_t { none, make_room, job, sweep_reports, sweep_fails };
  [[nodiscard]] NextBulk next_bulk() const;
  [[nodiscard]] std::optional<WantedBulk> wanted_bulk() const;
  [[nodiscard]] BulkJobs::There there(Instant now) const;
  void do_job(BulkRead&& event, Instant now);
  template <class Record>
  std::uint64_t sweep(Retention& kept, std::vector<Record>&& page, bool room_made);
  // Of msgs that have ended; `now` is a date.
  [[nodiscard]] std::size_t most_forgotten() const;
  [[nodiscard]] bool has_room_to_retry(const std::vector<FailRecord>& fails) const;
  void retry(std::vector<FailRecord>&& fails, Instant now);
  void forget(const std::vector<FailRecord>& fails);
  void forget(const std::vector<ReportRecord>& reports);
  void forget(std::vector<WaitingMsg>&& waiting);
  void drop_key(QueueNumber queue, const std::string& key) {
    if (!key.empty()) effects.writes.emplace_back(DropKey{queue, key});
  }
  // Its msgs or its clients changed.
  void touch(QueueNumber queue);
  void touch(const std::vector<QueueNumber>& all) {
    for (const QueueNumber queue : all) touch(queue);
  }
  // It takes from them no longer, or stands in them anew.
  void leave(const Xid& client);
  void make_free(const Xid& client);

  void grant_in_turn(Instant now);
  void serve(QueueNumber queue, Instant now);
  void look_again(const ClientState& client);
  bool overtake(ClientState& first, Instant now);
  // `instead_of`: whose turn it would be, if others may take its place.
  [[nodiscard]] BatchPlan plan_for(const ClientState& client,
                                   const ClientState* instead_of = nullptr) const;
  [[nodiscard]] bool takes_generated(const ClientState& client) const {
    return clients.first_free(kGeneratedQueue) == &client;
  }
  [[nodiscard]] bool ready(const ClientState& client, Instant now) const;
  bool has_bodies(BatchPlan& plan);
  bool grant(ClientState& client, Instant now);
  void send(const ClientState& client, std::vector<QueuedMsg>&& msgs, const Room& need,
            Instant now);
  [[nodiscard]] std::vector<std::pair<QueueNumber, std::string>> names_of(const Batch& batch) const;
  [[nodiscard]] bool is_planned(QueueNumber queue) const;
  // So many more of its msgs could go now, to whoever is the first there.
  [[nodiscard]] std::size_t lack_of(QueueNumber queue) const;
  // At the end of a step.
  void settle_queues(Instant now);
  void settle_touched();
  void note_held_back(QueueNumber queue);
  void keep_to_window(Instant now);
  void look_for_bodiless();
  // The first msg that is not to be sent before a date is due.
  [[nodiscard]] bool is_due() const { return !draining && next_due && *next_due <= clock; }
  // Of the store's room, what is not to be had any more.
  [[nodiscard]] Room room_used() const { return leases.room() + coming + on_its_way; }
  [[nodiscard]] bool has_room(const Room& need) const { return room.has(room_used() + need); }
  [[nodiscard]] bool has_room_to_accept(std::span<const Msg> msgs, const Arrival& as) const;
  // The next msg waits for room: no time makes it come.
  [[nodiscard]] bool lacks_room() const { return short_of && !has_room(*short_of); }
  // So many msgs of a generator, which have no payload, would find room in the queue and in a batch.
  [[nodiscard]] std::size_t most_made() const {
    const std::uint64_t used = room_used().pages + 6 * kPagesOfRecord;
    return used > room.pages ? 0 : (room.pages - used) / (kPagesOfHeld + 1);
  }
  // Of a msg that is due: its record in a queue, and where it is.
  [[nodiscard]] static Room room_of_due(std::uint64_t record_bytes) {
    Room of_one = room_of_record(record_bytes);
    of_one.pages += kPagesOfPlace;
    return of_one;
  }
  // So many of them would find room now, however large.
  [[nodiscard]] std::size_t most_due() const {
    const Room used = room_used();
    const Room of_one = room_of_due(largest);
    if (!room.has(used + of_one)) return 0;
    const std::uint64_t by_pages = (room.pages - used.pages) / of_one.pages;
    const std::uint64_t by_runs =
        of_one.side_by_side == 0 ? by_pages
                                 : (room.side_by_side - used.side_by_side) / of_one.side_by_side;
    return std::min<std::size_t>({limits.missed_msgs, by_pages, by_runs});
  }
  // By what is accepted, of a grant of any one msg: it could never go out otherwise.
  [[nodiscard]] Room kept_for_one(std::uint64_t largest_of_new) const {
    BatchRoom of_one{limits};
    of_one.add(std::max(largest, largest_of_new));
    return of_one.total();
  }
  [[nodiscard]] std::size_t lack_of_made(const ClientState& first) const;
  [[nodiscard]] Room room_for(const BatchPlan& plan) const;
  [[nodiscard]] Room cut_to_room(BatchPlan& plan);
  void note_waiting(ClientState& first, Instant now);
  // Whether msgs that will come soon may fill its batch: those in the store, and what will be made.
  [[nodiscard]] bool waits_for_store(const ClientState& client) const;
  [[nodiscard]] bool waits_for_made(const ClientState& client) const {
    return granted_supply() == Supply::open && takes_generated(client) &&
           most_made() >= client.lacks();
  }

  [[nodiscard]] std::vector<Xid> batches_of(const Reported& report, const Verdicts& verdicts,
                                            std::vector<NamedId>& elsewhere) const;
  void note_held(const Xid& batch, std::vector<NamedId>& elsewhere) const;
  void send_no_more(const Xid& batch);
  std::uint64_t settle(Lease& lease, Verdicts& verdicts, bool partial, Instant now);
  void keep_rest(Lease& lease, std::vector<QueuedMsg>&& rest, Instant now);
  void end_batch(const Lease& lease);
  void free_client(const Xid& client);
  void see_off(RequestId request, const Xid& client);
  void end_well(const Xid& client, const std::string& reason);
  void report_msg(const std::shared_ptr<const Batch>& batch, const QueuedMsg& msg,
                  const Result* result, Instant now);
  // What a report said of a msg that was not processed, or that its batch was lost.
  struct Missed {
    MissReason reason = MissReason::omitted;
    std::string error = {};
    std::optional<Duration> retry_in = std::nullopt;
    bool final = false;
  };
  void miss(const Batch& batch, QueuedMsg msg, Missed&& missed, Instant now);
  [[nodiscard]] Instant grace_end(Instant now) const { return now + limits.timing.drop_grace; }
  // What is told to people.
  [[nodiscard]] bool is_asked(const StatusAsked& asked, QueueNumber queue) const;
  [[nodiscard]] Duration left_of(const Xid& batch, Instant now) const;
  void list_clients(const StatusAsked& asked, Instant now, Status& into) const;
  void list_batches(const StatusAsked& asked, Instant now, Status& into) const;
  void list_holders(const StatusAsked& asked, Status& into) const;
  void sum_up(const StatusAsked& asked, Instant now, Status& into) const;
  [[nodiscard]] Counts counts_now() const;
  void begin_grace(Lease& lease, Lease::State state, Instant now);
  void expire(Lease& lease, Instant now);
  void end_grace(const Lease& lease, Instant now);
  void count_miss(MissReason reason);
  [[nodiscard]] std::string kept_error(const std::string& said) const {
    return cut_text(said, limits.error_bytes);
  }
};

}  // namespace pena::core
