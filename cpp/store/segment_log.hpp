// A log in a few files of fixed size, which are overwritten in turn. Their bytes: log_frames.hpp.
//
//            make_ready()         append()                    append() goes on to the next
//   free ───────────────▶ ready ───────────▶ being filled ──────────────────────────────▶ full
//    ▲                                                                                     │
//    └──────────────────────────────── release(): all in it is in the store ◀──────────────┘
//
// A file that grows, or whose blocks were never written, costs a sync twice the time, for the file system's own
// journal: so each is made of zeros once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/log_files.hpp"

namespace pena::store {

struct LogShape {
  std::uint32_t segments = 0;     // none: no log
  std::size_t segment_bytes = 0;  // whole blocks
};

// Of one owner, who appends; another thread may make segments ready and release. Errors: StoreError, and then
// what the files hold is unknown.
class SegmentLog {
 public:
  // `id`: one that no log in these files had. Files that are there are used again, whatever they have. Makes none
  // yet. `files` outlive it.
  SegmentLog(LogFiles& files, LogShape shape, std::uint64_t id);

  // Durable when it returns true. False where no segment is ready for it: then nothing was written.
  // `number`: one more than that of the record before it.
  [[nodiscard]] bool append(std::uint64_t number, std::string_view body);

  // The other thread's. Makes one more ready, or makes it first; false where none is to be.
  [[nodiscard]] bool make_ready();
  // All up to that number is durable in the store.
  void release(std::uint64_t number);

 private:
  enum class State : std::uint8_t { unmade, free, in_work, ready, filling, full };
  struct Segment {
    State state = State::unmade;
    bool made = false;
    std::uint64_t generation = 0;
    std::uint64_t last = 0;  // number in it
    std::size_t at = 0;      // where the next frame begins
  };
  [[nodiscard]] Segment* segment_for(std::size_t bytes);
  [[nodiscard]] std::size_t index_of(const Segment& segment) const {
    return static_cast<std::size_t>(&segment - segments_.data());
  }

  LogFiles& files_;
  LogShape shape_;
  std::uint64_t id_;
  std::string frame_;  // kept for its memory

  std::mutex mutex_;              // guards what follows
  std::uint64_t generation_ = 0;  // the last one
  std::vector<Segment> segments_;
};

// Hands `take` all records of the log behind `applied`, in order. `segments`: so many has it. Changes nothing.
// Throws StoreError where it is damaged, is another log, or does not go on where the store ends.
void read_log(const LogFiles& files, std::uint64_t id, std::uint32_t segments,
              std::uint64_t applied,
              const std::function<void(std::uint64_t number, std::string_view body)>& take);

// The last number in whatever is there of a log with that id, also while it is in use; 0: none.
[[nodiscard]] std::uint64_t last_of_log(const LogFiles& files, std::uint64_t id);

}  // namespace pena::store
