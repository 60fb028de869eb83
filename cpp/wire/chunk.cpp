#include "wire/chunk.hpp"

#include "core/check.hpp"

namespace pena::wire {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kMostSizeDigits = kChunkRoom - kChunkEnd.size();

}  // namespace

std::string_view as_chunk(std::string& bytes) {
  const std::size_t end = bytes.size();
  bytes += kChunkEnd;
  return as_chunk(bytes, kChunkRoom, end);
}

std::string_view as_chunk(std::string& bytes, std::size_t begin, std::size_t end) {
  const std::size_t size = end - begin;
  PENA_CHECK(begin >= kChunkRoom && begin < end && end + kChunkEnd.size() <= bytes.size() &&
             size >> (4 * kMostSizeDigits) == 0);
  kChunkEnd.copy(bytes.data() + end, kChunkEnd.size());
  // From behind, for no zero may stand in front.
  std::size_t at = begin - kChunkEnd.size();
  kChunkEnd.copy(bytes.data() + at, kChunkEnd.size());
  for (std::size_t rest = size; rest > 0; rest >>= 4U) bytes[--at] = kDigits[rest & 15U];
  return std::string_view{bytes}.substr(at, end + kChunkEnd.size() - at);
}

}  // namespace pena::wire
