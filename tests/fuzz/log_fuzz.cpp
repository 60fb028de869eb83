// The log: a change set that no Pena has written is an error with a sentence, and what is decoded comes back;
// of a segment that was changed anywhere, what is read is the beginning of what was written.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <string>
#include <vector>

#include "property.hpp"
#include "store/change_bytes.hpp"
#include "store/error.hpp"
#include "store/format.hpp"
#include "store/log_frames.hpp"

namespace {

std::string encoded(const pena::store::ChangeSet& changes) {
  std::string out;
  pena::store::encode(changes, out);
  return out;
}

void decode(std::string_view bytes) {
  try {
    const std::string once = encoded(pena::store::decode_changes(bytes));
    PENA_PROPERTY(encoded(pena::store::decode_changes(once)) == once);
  } catch (const pena::store::StoreError& error) {
    PENA_PROPERTY(*error.what() != '\0');
  }
}

// No fuzzer guesses a checksum.
std::string sealed(std::string_view body) {
  std::string value(5, '\0');
  value += body;
  pena::store::seal(value);
  return value;
}

// Each byte is a frame of so many, the last three are what is changed, and where.
void read_changed(std::string_view input) {
  constexpr std::size_t kBlocks = 64;
  constexpr std::uint64_t kSalt = 4711;
  if (input.size() < 4 || input.size() > kBlocks) return;
  std::string segment(pena::store::kLogBlock, '\0');
  std::vector<std::string> bodies;
  std::string frame;
  for (const char length : input.substr(3)) {
    bodies.emplace_back(static_cast<std::uint8_t>(length) * 40U, length);
    pena::store::encode_frame(bodies.size(), bodies.back(), kSalt, frame);
    segment += frame;
  }
  segment.resize(segment.size() + pena::store::kLogBlock);
  const std::size_t at =
      static_cast<std::uint8_t>(input[0]) * 256U + static_cast<std::uint8_t>(input[1]);
  segment[at % segment.size()] = static_cast<char>(segment[at % segment.size()] ^ input[2]);
  pena::store::FramesOf frames(segment, kSalt);
  std::size_t read = 0;
  while (const auto one = frames.next()) {
    PENA_PROPERTY(read < bodies.size());
    PENA_PROPERTY(one->body == bodies[read]);
    PENA_PROPERTY(one->number == ++read);
  }
  if (input[2] == 0) PENA_PROPERTY(read == bodies.size());
  // One frame is hit at most.
  PENA_PROPERTY(frames.frame_behind().has_value() == (read + 1 < bodies.size()));
}

// Frames of bytes as they come end somewhere.
void read_any(std::string_view input) {
  std::string segment(pena::store::kLogBlock, '\0');
  segment += input;
  pena::store::FramesOf frames(segment, 0);
  while (frames.next()) {
  }
  PENA_PROPERTY(frames.at() % pena::store::kLogBlock == 0);
  (void)frames.frame_behind();
  if (const auto header = pena::store::decode_header(input)) {
    PENA_PROPERTY(pena::store::encode(*header).compare(0, 48, input.substr(0, 48)) == 0);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = text_of(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      decode(input);
      decode(sealed(input));
      break;
    case 1:
      read_changed(input);
      break;
    default:
      read_any(input);
  }
  return 0;
}
