// What the turn knows of the room in the store, and when reports are to make some.
#include "turn/turn.hpp"

namespace pena::turn {

void Turn::note_fill(core::Instant now) {
  if (room_made_ && *room_made_ <= index_.applied()) room_made_.reset();
  admission_.note(
      {index_.fill(), index_.disk_is_low(), dispatcher_.waiting(), dispatcher_.reports_kept()},
      now);
}

bool Turn::note_room() {
  core::Room on_its_way;
  for (const Round& round : rounds_) {
    if (round.ticket > index_.applied()) on_its_way += round.coming;
  }
  const bool came = dispatcher_.note_room(index_.room(), on_its_way);
  admission_.note_room(dispatcher_.has_room_for_any());
  return came;
}

// At the beginning of a round: others may have filled the disk meanwhile.
void Turn::look_for_room(core::Instant now) {
  if (!effects_.writes.empty() || !effects_.sends.empty()) return;
  if (admission_.is_stale(now)) note_fill(now);
  if (note_room()) step(core::TimeReached{}, now);
}

// Before the first submission is refused. Not for what is kept free for held msgs, nor where others fill
// the disk: then no report makes room.
bool Turn::room_runs_out() const {
  if (room_made_ || admission_.full() == Full::disk) return false;
  return admission_.is_filled() || !dispatcher_.has_room_to_spare();
}

// A queue that has no name yet is to get one. Whatever else is full, a queue that is there can be paused.
bool Turn::has_room_for(const core::PauseAsked& pause) const {
  const bool is_full = full() != Full::no && full() != Full::queue;
  return !is_full || !pause.paused || dispatcher_.keeps_name(pause.queue);
}

void Turn::tell_room(core::Instant now) {
  if (room_runs_out() != dispatcher_.makes_room()) step(core::RoomRunsOut{room_runs_out()}, now);
}

}  // namespace pena::turn
