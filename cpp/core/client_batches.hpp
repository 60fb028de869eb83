// The batches that a client works on (R12 to R16). Pure.
//
// A batch is reported as soon as nobody works on any of its msgs and either all have come or it was
// given up: because its stream is lost, the end of its lease is near, or the client is to end. One that
// is given up waits for the work that was told to stop, for its report hands the msgs to others. As
// many msgs as its note says belong to it; where none came, as many as were asked for.
//
// A server that names no batches has them all under the nil id, one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/client_event.hpp"
#include "core/client_rules.hpp"
#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pena::core {

// `out` gets what is to be begun and to be stopped, and the counts.
class ClientBatches {
 public:
  explicit ClientBatches(const ClientRules& rules) : rules_(rules) {}

  // How many are not whole.
  [[nodiscard]] std::size_t size() const { return batches_.size(); }
  [[nodiscard]] std::size_t running() const { return batch_of_msg_.size(); }

  // A batch begins. `size`: 0 where the note does not say. `stop_at`: the end of what the client may
  // use of its lease, where that is known.
  void begin(const Xid& batch, std::uint32_t size, std::optional<Instant> stop_at);
  // False where it ends the client (R15).
  [[nodiscard]] bool add(const MsgArrived& msg, ClientOutput& out);
  // An event that is no msg: what its batch has of it is left out of the report, so that the rest does
  // not wait for it.
  void pass_over(const std::optional<Xid>& batch);
  void ended(const WorkEnded& work, ClientOutput& out);
  void stopped(const WorkStopped& work);

  // Stops the work of all, or of those whose time is over.
  void give_up_all(ClientOutput& out);
  void give_up_due(Instant now, ClientOutput& out);
  // The client ends: what runs is stopped, and nothing is reported.
  void drop_all(ClientOutput& out);
  // When the time of one is over.
  [[nodiscard]] std::optional<Instant> next_timeout() const;

  // Those that are whole since the last call.
  [[nodiscard]] std::vector<Reported> hand_over_whole() { return std::exchange(whole_, {}); }

 private:
  struct Batch {
    std::uint32_t size = 0;  // how many msgs it has
    std::uint32_t arrived = 0;
    std::set<Xid> running;
    Reported report;  // as far as it is known
    std::optional<Instant> stop_at;
    bool given_up = false;  // it is to be reported when what runs has stopped
  };
  Batch& of(const std::optional<Xid>& batch);
  void forget_msg(const Xid& batch, const Xid& msg);
  void move_if_whole(const Xid& batch);
  void give_up(const Xid& batch, ClientOutput& out);
  static void stop_running(const Batch& batch, ClientOutput& out);
  void forget_running(Batch& batch);

  ClientRules rules_;
  std::map<Xid, Batch> batches_;
  std::map<Xid, Xid> batch_of_msg_;  // of msgs that run
  std::optional<Xid> given_up_;      // its msgs that are still on the way are not begun
  std::vector<Reported> whole_;
};

}  // namespace pena::core
