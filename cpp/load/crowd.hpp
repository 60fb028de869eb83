// Who works and who submits, and what was counted meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "load/latencies.hpp"
#include "load/load.hpp"
#include "load/requests.hpp"

namespace pena::load {

// One for the whole crowd; a measurement is the difference of two.
struct Tally {
  std::uint64_t submitted = 0;  // answered
  std::uint64_t reported = 0;   // as the answers count them
  std::uint64_t batches = 0, repeated = 0, heartbeats = 0;
  std::uint64_t streams = 0;  // that have been heard from
  Latencies answers;
  Latencies waits;
  bool takes_waits = false;  // the payloads say when their msgs were due
};

// A stream, and the connection for its POSTs: one that only idles makes that when it needs it.
class Worker {
 public:
  // `poller`, `address` and `tally` outlive it.
  Worker(Poller& poller, const client::ServerAddress& address, const LoadSettings& settings,
         Tally& tally);

  // From here on it asks for nothing more: once it has a batch whole, it reports that as its last. A
  // batch that it left behind would make suspects of its msgs, and slow down the next load. True when
  // it has left; asked again until then.
  [[nodiscard]] bool leave();

 private:
  class Reading final : public Stream {
   public:
    Reading(Worker& worker, Poller& poller, const client::ServerAddress& address,
            std::uint32_t batchsize)
        : Stream(poller, address, batchsize), worker_(worker) {}

   private:
    void on_batch(std::string_view id, std::uint32_t size) override { worker_.begin(id, size); }
    void on_msg(std::string_view json) override { worker_.take(json); }
    void on_heartbeat() override { worker_.beat(); }
    Worker& worker_;
  };
  class Posting final : public Poster {
   public:
    Posting(Worker& worker, Poller& poller, const client::ServerAddress& address)
        : Poster(poller, address), worker_(worker) {}

   private:
    void on_answer(const PostAnswer& answer) override { worker_.answered(answer); }
    Worker& worker_;
  };

  void begin(std::string_view batch, std::uint32_t size);
  void take(std::string_view json);
  void beat();
  void answered(const PostAnswer& answer);
  void post(std::string_view path, std::string_view body);

  Poller& poller_;
  const client::ServerAddress& address_;
  Tally& tally_;
  std::string submission_;  // empty: this one does not submit
  std::optional<Posting> posting_;
  std::optional<Reading> reading_;
  bool heard_ = false;
  bool leaving_ = false;
  bool said_last_ = false;
  std::uint32_t asked_ = 0;        // POSTs that are not answered
  Clock::time_point quiet_since_;  // nothing has come since
  std::string report_;
  std::uint32_t left_ = 0;  // msgs of the batch that are still to come
};

// One that submits: a msg when it is due, or chunks as fast as they are answered.
class Producer final : public Poster {
 public:
  Producer(Poller& poller, const client::ServerAddress& address, Tally& tally)
      : Poster(poller, address), tally_(tally) {}

  [[nodiscard]] bool busy() const { return msgs_ > 0; }
  void submit(std::uint32_t msgs, std::string_view body);

 private:
  void on_answer(const PostAnswer& answer) override;

  Tally& tally_;
  std::uint32_t msgs_ = 0;  // of the POST that is on its way
};

// [{"period":0},…], each with a payload of that shape.
[[nodiscard]] std::string submission_of(std::uint32_t msgs, Payload payload);
// One msg, whose payload is when it is due.
[[nodiscard]] std::string submission_due(Clock::time_point due);

}  // namespace pena::load
