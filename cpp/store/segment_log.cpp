#include "store/segment_log.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "store/error.hpp"
#include "store/log_frames.hpp"

namespace pena::store {
namespace {

[[noreturn]] void damaged(const std::string& file, const std::string& how) {
  throw StoreError("the log of the store is damaged: " + file + " " + how +
                   "; the store was not closed, so msgs that were acknowledged may be there and "
                   "nowhere else; expected the folder log as the store's last server left it");
}

struct FoundSegment {
  std::size_t index = 0;
  SegmentHeader header;
};

std::optional<SegmentHeader> header_of(const LogFiles& files, std::size_t index) {
  const auto block = files.read(index, kLogBlock);
  return block ? decode_header(*block) : std::nullopt;
}

// In the order in which they were used.
std::vector<FoundSegment> segments_of(const LogFiles& files, std::uint64_t id,
                                      std::uint32_t segments) {
  std::vector<FoundSegment> found;
  for (std::size_t index = 0; index < segments; ++index) {
    const std::string name = files.name(index);
    const auto bytes = files.bytes(index);
    if (!bytes) damaged(name, "is missing");
    const auto header = header_of(files, index);
    if (!header) damaged(name, "has no header of a log");
    if (header->log != id || header->segments != segments) damaged(name, "is of another log");
    if (header->bytes != bytes) damaged(name, "has another length than its header says");
    found.push_back({index, *header});
  }
  std::ranges::sort(found, {}, [](const FoundSegment& one) { return one.header.generation; });
  return found;
}

}  // namespace

SegmentLog::SegmentLog(LogFiles& files, LogShape shape, std::uint64_t id)
    : files_(files), shape_(shape), id_(id), segments_(shape.segments) {}

// The one that is being filled, or the oldest that is ready.
SegmentLog::Segment* SegmentLog::segment_for(std::size_t bytes) {
  Segment* filling = nullptr;
  Segment* next = nullptr;
  for (Segment& segment : segments_) {
    if (segment.state == State::filling) filling = &segment;
    if (segment.state != State::ready) continue;
    if (next == nullptr || segment.generation < next->generation) next = &segment;
  }
  if (filling != nullptr && bytes <= shape_.segment_bytes - filling->at) return filling;
  if (next == nullptr || bytes > shape_.segment_bytes - kLogBlock) return nullptr;
  if (filling != nullptr) filling->state = State::full;
  next->state = State::filling;
  next->at = kLogBlock;
  next->last = 0;
  return next;
}

bool SegmentLog::append(std::uint64_t number, std::string_view body) {
  const std::size_t bytes = frame_bytes(body.size());
  Segment* segment = nullptr;
  {
    const std::lock_guard lock(mutex_);
    segment = segment_for(bytes);
    if (segment == nullptr) return false;
    segment->last = number;
  }
  encode_frame(number, body, salt_of(id_, segment->generation), frame_);
  files_.write(index_of(*segment), segment->at, frame_);
  files_.sync(index_of(*segment));
  segment->at += bytes;
  return true;
}

bool SegmentLog::make_ready() {
  Segment* segment = nullptr;
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    // The oldest first: what stays of an older one would have a gap behind it.
    for (Segment& one : segments_) {
      if (one.state != State::unmade && one.state != State::free) continue;
      if (segment == nullptr || one.generation < segment->generation) segment = &one;
    }
    if (segment == nullptr) return false;
    segment->state = State::in_work;
    generation = ++generation_;
  }
  const std::size_t index = index_of(*segment);
  if (!std::exchange(segment->made, true)) files_.make(index, shape_.segment_bytes);
  const SegmentHeader header{shape_.segments, id_, generation, shape_.segment_bytes};
  files_.write(index, 0, encode(header));
  files_.sync(index);
  const std::lock_guard lock(mutex_);
  segment->generation = generation;
  segment->state = State::ready;
  return true;
}

void SegmentLog::release(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  for (Segment& segment : segments_) {
    if (segment.state == State::full && segment.last <= number) segment.state = State::free;
  }
}

void read_log(const LogFiles& files, std::uint64_t id, std::uint32_t segments,
              std::uint64_t applied,
              const std::function<void(std::uint64_t, std::string_view)>& take) {
  std::uint64_t last = 0;
  std::uint64_t generation = 0;
  for (const FoundSegment& found : segments_of(files, id, segments)) {
    const std::string name = files.name(found.index);
    if (found.header.generation == generation) damaged(name, "is there twice");
    generation = found.header.generation;
    const std::string bytes = files.read(found.index, SIZE_MAX).value_or("");
    FramesOf frames(bytes, salt_of(found.header));
    while (const auto frame = frames.next()) {
      const std::uint64_t expected = last == 0 ? std::min(frame->number, applied + 1) : last + 1;
      if (frame->number != expected) {
        damaged(name, "goes on with record " + std::to_string(frame->number) + " where " +
                          std::to_string(expected) + " was expected");
      }
      last = frame->number;
      if (frame->number > applied) take(frame->number, frame->body);
    }
    if (const auto at = frames.frame_behind()) {
      damaged(name, "has no record at byte " + std::to_string(frames.at()) +
                        ", and one behind it, at byte " + std::to_string(*at));
    }
  }
}

// Numbers go up with the generations, and within one. A segment may be written meanwhile, or anew: then what it
// had is in the store.
std::uint64_t last_of_log(const LogFiles& files, std::uint64_t id) {
  std::vector<FoundSegment> found;
  for (std::size_t index = 0; files.bytes(index); ++index) {
    const auto header = header_of(files, index);
    if (header && header->log == id) found.push_back({index, *header});
  }
  std::ranges::sort(found, std::greater{},
                    [](const FoundSegment& one) { return one.header.generation; });
  for (const auto& [index, header] : found) {
    std::uint64_t last = 0;
    const std::string bytes = files.read(index, SIZE_MAX).value_or("");
    FramesOf frames(bytes, salt_of(header));
    while (const auto frame = frames.next()) last = frame->number;
    if (last > 0) return last;
  }
  return 0;
}

}  // namespace pena::store
