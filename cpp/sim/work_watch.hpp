// The laws of what a server does by itself while nothing is in its way: it grants, makes and sweeps.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/environment.hpp"

namespace pena::sim {

class ServerProcess;

class WorkWatch {
 public:
  explicit WorkWatch(Environment& environment) : environment_(environment) {}

  // A generator begins anew, with the first msg when its rate allows one.
  void booted() { lies_since_ = lacks_since_ = environment_.timeline.now(); }
  // Looks now and then. Null: none runs. Throws LawBroken.
  void look(const ServerProcess* server);

 private:
  void look_for_work(const ServerProcess* server, TrueTime now);
  void look_for_sweeps(const ServerProcess* server, TrueTime now);

  Environment& environment_;
  std::uint64_t grants_seen_ = 0;
  TrueTime lies_since_{}, lacks_since_{}, stays_since_{};
  std::optional<core::Xid> to_sweep_;
};

}  // namespace pena::sim
