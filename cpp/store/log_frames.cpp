#include "store/log_frames.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstring>

namespace pena::store {
namespace {

constexpr std::string_view kLogMagic = "pena log";
constexpr std::uint32_t kLogFormat = 1;
constexpr std::uint32_t kFrameMagic = 0x6d726670;  // "pfrm"
constexpr std::size_t kFrameHead = 24;
constexpr std::size_t kHeaderBytes = 48;

template <class Number>
void put(std::string& out, std::size_t at, Number number) {
  std::memcpy(out.data() + at, &number, sizeof number);
}
template <class Number>
Number get(std::string_view from, std::size_t at) {
  Number number{};
  std::memcpy(&number, from.data() + at, sizeof number);
  return number;
}

std::uint64_t hash(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// Length and number lie in front of the checksum, and the body behind it: so they seed its seed.
std::uint64_t checksum_of(std::string_view length_and_number, std::string_view body,
                          std::uint64_t salt) {
  return hash(body, hash(length_and_number, salt));
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string block(kLogBlock, '\0');
  block.replace(0, kLogMagic.size(), kLogMagic);
  put(block, 8, kLogFormat);
  put(block, 12, header.segments);
  put(block, 16, header.log);
  put(block, 24, header.generation);
  put(block, 32, header.bytes);
  put(block, 40, hash(std::string_view{block}.substr(0, 40), 0));
  return block;
}

std::optional<SegmentHeader> decode_header(std::string_view block) {
  if (block.size() < kHeaderBytes || block.substr(0, kLogMagic.size()) != kLogMagic)
    return std::nullopt;
  if (get<std::uint32_t>(block, 8) != kLogFormat) return std::nullopt;
  if (get<std::uint64_t>(block, 40) != hash(block.substr(0, 40), 0)) return std::nullopt;
  return SegmentHeader{get<std::uint32_t>(block, 12), get<std::uint64_t>(block, 16),
                       get<std::uint64_t>(block, 24), get<std::uint64_t>(block, 32)};
}

std::uint64_t salt_of(std::uint64_t log, std::uint64_t generation) {
  std::array<char, sizeof generation> bytes{};
  std::memcpy(bytes.data(), &generation, sizeof generation);
  return hash({bytes.data(), bytes.size()}, log);
}

std::size_t frame_bytes(std::size_t body) {
  return (kFrameHead + body + kLogBlock - 1) / kLogBlock * kLogBlock;
}

void encode_frame(std::uint64_t number, std::string_view body, std::uint64_t salt,
                  std::string& out) {
  out.clear();
  out.reserve(frame_bytes(body.size()));
  out.resize(kFrameHead);
  put(out, 0, kFrameMagic);
  put(out, 4, static_cast<std::uint32_t>(body.size()));
  put(out, 8, number);
  put(out, 16, checksum_of(std::string_view{out}.substr(4, 12), body, salt));
  out.append(body);
  out.resize(frame_bytes(body.size()));
}

std::optional<Frame> frame_at(std::string_view segment, std::size_t at, std::uint64_t salt) {
  if (at >= segment.size() || segment.size() - at < kFrameHead) return std::nullopt;
  const std::string_view rest = segment.substr(at);
  if (get<std::uint32_t>(rest, 0) != kFrameMagic) return std::nullopt;
  const std::size_t length = get<std::uint32_t>(rest, 4);
  if (length > rest.size() - kFrameHead) return std::nullopt;
  const std::string_view body = rest.substr(kFrameHead, length);
  if (get<std::uint64_t>(rest, 16) != checksum_of(rest.substr(4, 12), body, salt)) {
    return std::nullopt;
  }
  return Frame{get<std::uint64_t>(rest, 8), body};
}

std::optional<Frame> FramesOf::next() {
  const auto frame = frame_at(segment_, at_, salt_);
  if (frame) at_ += frame_bytes(frame->body.size());
  return frame;
}

std::optional<std::size_t> FramesOf::frame_behind() const {
  for (std::size_t at = at_; at < segment_.size(); at += kLogBlock) {
    if (frame_at(segment_, at, salt_)) return at;
  }
  return std::nullopt;
}

}  // namespace pena::store
