// The streams of a worker: how many there are, of which size, and which are to end. Pure.
//
// A stream is free until it has a batch. What all free streams ask for together is never more than the worker
// has room for: so each msg that comes is begun at once, and none waits here while another worker is idle.
// Where there is more room for a moment, another stream is opened; for many slots not for each one of them,
// until some were idle for a second. When a batch is settled its stream stays if what it asks for still fits.
//
// One is opened at a time, and none while a free one has brought nothing yet: so a server that is away, or ends
// each stream at once, is tried, and spoken of, once and not once a slot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/client_event.hpp"
#include "core/client_stream.hpp"
#include "core/instant.hpp"
#include "core/server_clock.hpp"
#include "core/worker_batches.hpp"
#include "core/worker_event.hpp"
#include "core/worker_rules.hpp"
#include "core/xid.hpp"

namespace pena::core {

class WorkerStreams {
 public:
  explicit WorkerStreams(const WorkerRules& rules) : rules_(rules) {}

  // Whether a stream with that number is there.
  [[nodiscard]] bool has(std::uint64_t stream) const;
  [[nodiscard]] bool empty() const { return !opener_ && open_.empty(); }
  // Opens another where `room`, for so many msgs more than the worker has, is beyond what is asked for: by
  // `least` for a moment, or by less for a second. To be told after each step.
  void fill(std::size_t room, std::size_t least, Instant now, WorkerOutput& out);

  // Of a stream that is there.
  void on(std::uint64_t stream, const StreamAsked& event, Instant now);
  void on(std::uint64_t stream, const StreamOpened& event, Instant now, WorkerOutput& out);
  void on(std::uint64_t stream, const StreamRefused& event, Instant now);
  void heard(std::uint64_t stream, Instant now);
  // A batch of it begins; nothing where the note is of none.
  [[nodiscard]] std::optional<WorkerBatches::Begun> noted(std::uint64_t stream,
                                                          const NoteArrived& note, Instant now);
  void brought_msg(std::uint64_t stream, WorkerOutput& out);
  // It ended, or could not be opened. Returns the batch that is lost with it.
  [[nodiscard]] std::optional<Xid> closed(std::uint64_t stream, const StreamClosed& event,
                                          Instant now, std::uint64_t chance, WorkerOutput& out);

  // The last report of its batch leaves. False: it is to be the stream's last, for what it asks for
  // does not fit into the room.
  [[nodiscard]] bool keeps(std::uint64_t stream, std::size_t room);
  // Its batch is settled. `heard`: what the last report said of the stream was surely heard.
  void settled(std::uint64_t stream, bool heard);
  // An answer of the server, which tells its time.
  void told_time(std::uint64_t stream, const PostTried& answer);

  // No more batches: those that are free leave, the others when their batch is settled.
  void stop(WorkerOutput& out);
  // Those that are free, are to take no more and have not said so.
  [[nodiscard]] std::vector<std::uint64_t> to_leave(Instant now) const;
  // How the server calls it.
  [[nodiscard]] std::optional<Xid> client(std::uint64_t stream) const;
  void leaves(std::uint64_t stream);
  void leave_failed(std::uint64_t stream, const PostTried& event, Instant now,
                    std::uint64_t chance);
  // It cannot be said. One that has got a batch meanwhile says it with the last report of that.
  void cannot_leave(std::uint64_t stream, WorkerOutput& out);
  void hang_up_all(WorkerOutput& out);

  // What is due by now: a stream is opened, or given up. Returns the batches that are lost.
  [[nodiscard]] std::vector<Xid> look_at_time(std::size_t room, Instant now, std::uint64_t chance,
                                              WorkerOutput& out);
  [[nodiscard]] std::optional<Instant> next_timeout() const;
  // One whose server is to be asked for its time.
  [[nodiscard]] std::optional<std::uint64_t> wants_time(Instant now);

 private:
  struct Stream {
    explicit Stream(const WorkerRules& rules) : machine(rules.retry, rules.server) {}
    std::uint64_t number = 0;
    std::uint32_t batchsize = 1;
    ClientStream machine;
    ServerClock clock;
    Timing timing;
    bool promises_lease = true;
    std::optional<Xid> client;
    std::optional<Xid> batch;
    bool had_batch = false;
    bool settles = false;  // the last report of its batch is under way, and the stream stays
    bool ends = false;     // it is to take no more,
    bool leaves = false;   // and that has been said
    unsigned leave_failures = 0;
    std::optional<Instant> leave_at;  // not before
    [[nodiscard]] bool is_free() const { return !ends && (!batch || settles); }
  };
  template <class Self>
  [[nodiscard]] static auto find_in(Self& self, std::uint64_t stream);
  [[nodiscard]] Stream* find(std::uint64_t stream);
  [[nodiscard]] const Stream* find(std::uint64_t stream) const;
  // By the free streams. One that waits to be opened asks for what there is room for by then.
  [[nodiscard]] std::size_t asked_for() const;
  [[nodiscard]] bool has_unproven() const;
  [[nodiscard]] bool is_to_leave(const Stream& stream) const {
    return (stopping_ || stream.ends) && !stream.leaves && !stream.batch;
  }
  void open(Stream& stream, std::size_t room, Instant now, WorkerOutput& out);
  [[nodiscard]] std::optional<Xid> lost(Stream& stream, Instant now,
                                        std::optional<Duration> retry_after, std::uint64_t chance);
  [[nodiscard]] std::optional<Xid> look_at(Stream& stream, std::size_t room, Instant now,
                                           std::uint64_t chance, WorkerOutput& out);

  WorkerRules rules_;
  std::optional<Stream> opener_;          // the one that is about to be opened
  std::map<std::uint64_t, Stream> open_;  // by number
  std::uint64_t last_number_ = 0;
  std::optional<Instant> idle_since_;  // there is more room than is asked for,
  std::optional<Instant> opens_at_;    // and another stream is opened then, if there still is
  bool stopping_ = false;
};

}  // namespace pena::core
