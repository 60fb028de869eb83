#include "sim/round_watch.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "sim/law.hpp"

namespace pena::sim {

// What is to be sent again is read in the round after the one that wants it, at the latest, however much
// work comes in meanwhile.
void RoundWatch::look_for_hunger(const core::Wanted& wanted) {
  constexpr int kMost = 2;
  const auto* const bodies = std::get_if<core::WantedBodies>(&wanted);
  if (bodies == nullptr || !std::ranges::equal(bodies->ids, unread_)) unread_for_ = 0;
  unread_.clear();
  if (bodies == nullptr) return;
  unread_.assign(bodies->ids.begin(), bodies->ids.end());
  if (++unread_for_ > kMost) {
    throw LawBroken("reads", "what a batch waits for is not read, round after round");
  }
}

// Rounds that change nothing, one behind the other at one instant, would keep a core busy for nothing.
void RoundWatch::look_for_spin(bool wrote, TrueTime now) {
  constexpr int kMost = 100;
  if (wrote || now != std::exchange(idle_at_, now)) idle_ = 0;
  if (!wrote && ++idle_ > kMost) throw LawBroken("spins", "the server wants a round for nothing");
}

}  // namespace pena::sim
