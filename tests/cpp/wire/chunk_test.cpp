#include "wire/chunk.hpp"

#include <gtest/gtest.h>

#include "wire/chunk_reader.hpp"

namespace pena::wire {
namespace {

std::string chunk_of(const std::string& bytes) {
  std::string text(kChunkRoom, '?');
  text += bytes;
  return std::string{as_chunk(text)};
}

TEST(Chunk, IsPutTogetherInPlace) {
  EXPECT_EQ(chunk_of("a"), "1\r\na\r\n");
  EXPECT_EQ(chunk_of(std::string(16, 'x')), "10\r\n" + std::string(16, 'x') + "\r\n");
  EXPECT_EQ(chunk_of(std::string(0xabcde, 'x')).substr(0, 7), "abcde\r\n");
}

TEST(Chunk, IsReadBack) {
  ChunkReader reader{core::Limits{}};
  const std::string text =
      chunk_of("one\n") + chunk_of(std::string(300, 'x')) + std::string{kLastChunk};
  std::string all;
  for (std::string_view left = text; !left.empty();) {
    const auto step = reader.feed(left);
    ASSERT_TRUE(step);
    all += step->data;
    left.remove_prefix(step->fed);
  }
  EXPECT_EQ(all, "one\n" + std::string(300, 'x'));
  EXPECT_TRUE(reader.done());
}

}  // namespace
}  // namespace pena::wire
