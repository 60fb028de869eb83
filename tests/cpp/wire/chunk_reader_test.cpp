#include "wire/chunk_reader.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pena::wire {
namespace {

struct Read {
  unsigned status = 0;  // of the refusal; 0: none
  bool done = false;
  std::string body;
  std::size_t taken = 0;

  friend bool operator==(const Read&, const Read&) = default;
};

Read read_in_pieces(const std::string& bytes, std::size_t size, const core::Limits& limits) {
  ChunkReader reader{limits};
  Read read;
  while (read.taken < bytes.size() && !reader.done()) {
    const auto step = reader.feed(std::string_view{bytes}.substr(read.taken, size));
    if (!step) {
      read.status = step.refusal().status;
      return read;
    }
    read.body += step->data;
    read.taken += step->fed;
  }
  read.done = reader.done();
  return read;
}

// However the bytes are cut, the outcome is one.
Read read_chunks(const std::string& bytes, const core::Limits& limits = {}) {
  const Read whole = read_in_pieces(bytes, bytes.size(), limits);
  Read drops = read_in_pieces(bytes, 1, limits);
  EXPECT_EQ(drops.status, whole.status) << bytes;
  EXPECT_EQ(drops.done, whole.done) << bytes;
  if (whole.status == 0) {
    EXPECT_EQ(drops, whole) << bytes;
  }
  return whole;
}

TEST(ChunkReader, TakesTheCodingOff) {
  const Read read = read_chunks("5\r\nhello\r\n00006\r\n world\r\n0\r\n\r\nGET /");
  EXPECT_TRUE(read.done);
  EXPECT_EQ(read.body, "hello world");
  EXPECT_EQ(read.taken, 30U);  // what follows is the next request's
  EXPECT_EQ(read_chunks("1A\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n").body.size(), 26U);
  EXPECT_EQ(read_chunks("1;a=b;c=\"d\\\"e\"\r\nx\r\n0 ;last\r\nX-Sum: 1\r\nY:\r\n\r\n").body, "x");
  EXPECT_TRUE(read_chunks("0\r\nContent-Length: 5\r\n\r\n").done);  // a trailer is no header
  EXPECT_FALSE(read_chunks("5\r\nhell").done);
}

TEST(ChunkReader, RefusesWhatIsNone) {
  for (const char* bad : {"\r\n",
                          "x\r\n",
                          "-1\r\n",
                          "0x5\r\nhello\r\n",
                          "5\nhello\r\n",
                          "5\r\nhello0\r\n\r\n",
                          "5\r\nhello\n0\r\n\r\n",
                          "5 \r\nhello\r\n",
                          "5 x\r\nhello\r\n",
                          "5;a\nb\r\n",
                          "5;\x01\r\n",
                          "5\rx",
                          "0\r\n folded: 1\r\n\r\n",
                          "0\r\nX\r\n\r\n",
                          "0\r\nX : 1\r\n\r\n",
                          "0\r\n: 1\r\n\r\n",
                          "0\r\nX: a\n\r\n",
                          "0\r\n\rx",
                          "+5\r\n",
                          " 5\r\n"}) {
    EXPECT_EQ(read_chunks(bad).status, 400U) << bad;
  }
}

TEST(ChunkReader, TheBodyHasALimit) {
  core::Limits limits;
  limits.body_bytes = 10;
  EXPECT_EQ(read_chunks("a\r\n0123456789\r\n0\r\n\r\n", limits).status, 0U);
  EXPECT_EQ(read_chunks("b\r\n", limits).status, 413U);
  EXPECT_EQ(read_chunks("6\r\n012345\r\n5\r\n", limits).status, 413U);
  EXPECT_EQ(read_chunks("ffffffffffffffff\r\n", limits).status, 413U);
  EXPECT_EQ(read_chunks("10000000000000005\r\n", limits).status, 413U);
}

// Each of these went on for ever, and each of its bytes was kept.
TEST(ChunkReader, EveryByteOfTheFramingCounts) {
  core::Limits limits;
  limits.framing_bytes = 100;
  const std::string much(101, 'x');
  EXPECT_EQ(read_chunks("1;" + much, limits).status, 413U);
  EXPECT_EQ(read_chunks(std::string(101, '0'), limits).status, 413U);
  EXPECT_EQ(read_chunks("1" + std::string(101, ' '), limits).status, 413U);
  EXPECT_EQ(read_chunks("0\r\nX: " + much, limits).status, 413U);
  EXPECT_EQ(read_chunks("0\r\n" + much, limits).status, 413U);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 50; ++i) trailers += "X:\r\n";
  EXPECT_EQ(read_chunks(trailers, limits).status, 413U);
  std::string chunks;
  for (int i = 0; i < 50; ++i) chunks += "1\r\nx\r\n";
  EXPECT_EQ(read_chunks(chunks, limits).status, 413U);
  EXPECT_EQ(read_chunks("32\r\n" + std::string(50, 'x') + "\r\n0\r\n\r\n", limits).status, 0U);
}

}  // namespace
}  // namespace pena::wire
