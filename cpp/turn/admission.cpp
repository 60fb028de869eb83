#include "turn/admission.hpp"

#include <chrono>
#include <utility>

#include "core/number_text.hpp"

namespace pena::turn {
namespace {

constexpr core::Duration kBetweenWarnings = std::chrono::minutes{1};
// New msgs are taken while reports make room for them, as long as the store is beyond its limit by no more than
// this share of its size.
constexpr double kAwaitedRoom = 0.05;
constexpr core::Duration kStaleAfter = std::chrono::milliseconds{100};

}  // namespace

void Admission::note(const Fill& is, core::Instant now) {
  noted_at_ = now;
  is_filled_ = is.fill >= limits_.store_fill;
  const bool awaits_room = is.reports > 0 && is.fill < limits_.store_fill + kAwaitedRoom;
  full_ = is.disk_is_low                    ? Full::disk
          : is_filled_ && !awaits_room      ? Full::store
          : is.queued >= limits_.queue_msgs ? Full::queue
                                            : Full::no;
}

std::optional<std::string> Admission::room_made(std::uint64_t reports, core::Instant now) {
  const bool is_told = room_told_at_ && now < *room_told_at_ + kBetweenWarnings;
  if (reports == room_told_ || is_told) return std::nullopt;
  room_told_ = reports;
  room_told_at_ = now;
  return "the store is full: the oldest reports make room for new msgs, " +
         std::to_string(reports) +
         " so far; what they were of is no longer known (--keep-reports, --map-size)";
}

bool Admission::is_stale(core::Instant now) const {
  return now >= noted_at_ + kStaleAfter;
}

std::optional<std::string> Admission::warning(bool reports_lack_room, WaitsFor what,
                                              core::Instant now) {
  const Standstill is = standstill(reports_lack_room);
  if (std::exchange(still_, is) != is) still_since_ = now;
  std::optional<core::Instant>& told_at = told_at_.at(static_cast<std::size_t>(is));
  const bool lasts = is != Standstill::none && now >= still_since_ + kLookAgain;
  const bool is_told = told_at && (*told_at >= still_since_ || now < *told_at + kBetweenWarnings);
  if (!lasts || is_told) return std::nullopt;
  told_at = now;
  if (is == Standstill::reports) {
    return "the store has no room for the reports of more msgs, be it in its size or on its disk: "
           "none is granted until there is more, or msgs that are held are reported";
  }
  return sentence(full(), limits_) +
         (what == WaitsFor::store_room ? ": clients are free, but no msg is taken or made until "
                                         "there is room"
          : what == WaitsFor::client   ? ": new msgs are refused, and no client is connected"
                                       : ": new msgs are refused");
}

Admission::Standstill Admission::standstill(bool reports_lack_room) const {
  if (full_ == Full::disk) return Standstill::disk;
  if (reports_lack_room) return Standstill::reports;
  switch (full()) {
    case Full::no:
      break;
    case Full::queue:
      return Standstill::queue;
    case Full::store:
      return Standstill::store;
    case Full::disk:
      return Standstill::disk;
    case Full::room:
      return Standstill::room;
  }
  return Standstill::none;
}

std::string sentence(Full what, const core::Limits& limits) {
  switch (what) {
    case Full::no:
      break;
    case Full::queue:
      return "the queue is full: it has " + core::msgs_text(limits.queue_msgs) +
             ", as many as it may";
    case Full::store:
      return "the store is full: " + core::number_text(limits.store_fill) + " of its " +
             std::to_string(limits.map_bytes) + " bytes are in use, as many as new msgs may take";
    case Full::disk:
      return "the disk of the store is full: it has less than " +
             std::to_string(limits.disk_bytes) + " bytes left, which it should have for new msgs";
    case Full::room:
      return "the store, of " + std::to_string(limits.map_bytes) +
             " bytes, or its disk has no room for new msgs beside what held ones may need";
  }
  return {};
}

std::string_view word(WaitsFor what) {
  switch (what) {
    case WaitsFor::nothing:
      break;
    case WaitsFor::store_room:
      return "room in the store";
    case WaitsFor::client:
      return "a client";
    case WaitsFor::resume:
      return "a resume";
    case WaitsFor::rate:
      return "the rate";
  }
  return "";
}

}  // namespace pena::turn
