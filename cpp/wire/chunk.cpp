#include "wire/chunk.hpp"

#include "core/check.hpp"

namespace pena::wire {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kMostDigits = kChunkRoom - kLineEnd.size();

}  // namespace

std::string_view as_chunk(std::string& bytes) {
  const std::size_t size = bytes.size() - kChunkRoom;
  PENA_CHECK(bytes.size() > kChunkRoom && size >> (4 * kMostDigits) == 0);
  // From behind, for no zero may stand in front.
  std::size_t at = kChunkRoom - kLineEnd.size();
  kLineEnd.copy(bytes.data() + at, kLineEnd.size());
  for (std::size_t rest = size; rest > 0; rest >>= 4U) bytes[--at] = kDigits[rest & 15U];
  bytes += kLineEnd;
  return std::string_view{bytes}.substr(at);
}

}  // namespace pena::wire
