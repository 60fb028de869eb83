// The laws of one round after the other, in one run of a server.
#pragma once

#include <vector>

#include "core/effect.hpp"
#include "sim/timeline.hpp"

namespace pena::sim {

class RoundWatch {
 public:
  // A round was closed. `wanted`: what the dispatcher asks for behind it. Throws LawBroken.
  void closed(const core::Wanted& wanted, bool wrote, TrueTime now) {
    look_for_hunger(wanted);
    look_for_spin(wrote, now);
  }

 private:
  void look_for_hunger(const core::Wanted& wanted);
  void look_for_spin(bool wrote, TrueTime now);

  std::vector<core::Xid> unread_;  // what was asked for when a round was closed,
  int unread_for_ = 0;             // and in how many that follow one another
  int idle_ = 0;                   // rounds that changed nothing, one behind the other
  TrueTime idle_at_{};             // when the last of them was
};

}  // namespace pena::sim
