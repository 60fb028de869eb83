// The bytes of a log's segments. Pure: no file.
//
//   segment  = header frame*                  each begins at a block of 4 KiB, so no block that has an
//                                             acknowledged frame is written again while the frame counts
//   header   = magic:"pena log" format:u32 segments:u32 log:u64 generation:u64 bytes:u64 checksum:u64, zeros
//              segments: of the log; log: its id; bytes: of a segment, the header's block with it
//              checksum: XXH3-64 of what stands before it
//   frame    = magic:u32 length:u32 number:u64 checksum:u64 body, zeros
//              checksum: XXH3-64 of length, number and body, seeded with the salt
//   salt     = XXH3-64 of the generation, seeded with the log's id
//   All little endian. The body is a change set (change_bytes.hpp).
//
// A segment is written from its header on, and over again once all that it has is in the store. Each time its
// generation is another, greater than all before it; so a frame of an earlier generation, which lies behind
// the last new one, has another salt and is no frame. Numbers go up by one from frame to frame, on into the
// segment of the next generation.
//
//   what ends the log      the first block that begins no frame, for an append that was not answered may be
//                          there in part or not at all
//   what is damage         a frame behind that block, in this segment or in one of a later generation; a number
//                          that does not go on; a header that is none
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pena::store {

inline constexpr std::size_t kLogBlock = 4096;

struct SegmentHeader {
  std::uint32_t segments = 0;
  std::uint64_t log = 0;
  std::uint64_t generation = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const SegmentHeader&, const SegmentHeader&) = default;
};
// A block.
[[nodiscard]] std::string encode(const SegmentHeader& header);
// Of the first block of a segment; none: it is no header that this program reads.
[[nodiscard]] std::optional<SegmentHeader> decode_header(std::string_view block);

[[nodiscard]] std::uint64_t salt_of(std::uint64_t log, std::uint64_t generation);
[[nodiscard]] inline std::uint64_t salt_of(const SegmentHeader& header) {
  return salt_of(header.log, header.generation);
}

// Of a frame with such a body: whole blocks.
[[nodiscard]] std::size_t frame_bytes(std::size_t body);
// Replaces `out` by the blocks of a frame.
void encode_frame(std::uint64_t number, std::string_view body, std::uint64_t salt,
                  std::string& out);

struct Frame {
  std::uint64_t number = 0;
  std::string_view body;
};
// The one that begins there; none: there is none. `segment`: all of it.
[[nodiscard]] std::optional<Frame> frame_at(std::string_view segment, std::size_t at,
                                            std::uint64_t salt);

// The frames of one segment, in order.
class FramesOf {
 public:
  // `segment`: all of it, with its header.
  FramesOf(std::string_view segment, std::uint64_t salt) : segment_(segment), salt_(salt) {}
  // None at the end.
  [[nodiscard]] std::optional<Frame> next();
  // Behind the end: whether there is a frame all the same, which is damage; and where.
  [[nodiscard]] std::optional<std::size_t> frame_behind() const;
  // Where the next one begins, or would.
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  std::string_view segment_;
  std::uint64_t salt_;
  std::size_t at_ = kLogBlock;
};

}  // namespace pena::store
