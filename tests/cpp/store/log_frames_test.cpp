// The bytes of a log's segments.
#include "store/log_frames.hpp"

#include <gtest/gtest.h>

namespace pena::store {
namespace {

TEST(LogFrames, AHeaderComesBackAndEveryChangedByteOfItIsSeen) {
  const SegmentHeader header{4, 0x1122334455667788, 9, 1U << 21U};
  const std::string block = encode(header);
  ASSERT_EQ(block.size(), kLogBlock);
  EXPECT_EQ(decode_header(block), header);
  for (std::size_t at = 0; at < 48; ++at) {
    std::string bad = block;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(decode_header(bad), std::nullopt) << at;
  }
  EXPECT_EQ(decode_header(block.substr(0, 40)), std::nullopt);
}

// Raise the format where these change: a log of an older Pena would be taken for damage.
TEST(LogFrames, GoldenBytes) {
  std::string frame;
  encode_frame(7, "abc", salt_of(5, 6), frame);
  const auto hex = [](std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto value = static_cast<std::uint8_t>(byte);
      text += {kDigits[value / 16], kDigits[value % 16]};
    }
    return text;
  };
  EXPECT_EQ(hex(std::string_view{frame}.substr(0, 28)),
            "7066726d030000000700000000000000ca1d45b90ce391a861626300");
  EXPECT_EQ(frame.size(), kLogBlock);
  EXPECT_EQ(hex(encode(SegmentHeader{4, 5, 6, 65536}).substr(0, 48)),
            "70656e61206c6f67010000000400000005000000000000000600000000000000"
            "00000100000000007f0ae9108884d95c");
}

class Segment : public testing::Test {
 protected:
  void add(std::uint64_t number, std::string_view body, std::uint64_t salt) {
    std::string frame;
    encode_frame(number, body, salt, frame);
    bytes_.replace(at_, frame.size(), frame);
    at_ += frame.size();
  }
  [[nodiscard]] std::vector<std::uint64_t> numbers(std::uint64_t salt) const {
    std::vector<std::uint64_t> found;
    FramesOf frames(bytes_, salt);
    while (const auto frame = frames.next()) found.push_back(frame->number);
    return found;
  }

  std::string bytes_ = std::string(16 * kLogBlock, '\0');
  std::size_t at_ = kLogBlock;
};

TEST_F(Segment, FramesAreReadUpToTheFirstBlockThatBeginsNone) {
  add(3, "", 1);
  add(4, std::string(kLogBlock, 'x'), 1);
  add(5, "z", 1);
  EXPECT_EQ(numbers(1), (std::vector<std::uint64_t>{3, 4, 5}));
  FramesOf frames(bytes_, 1);
  while (frames.next()) {
  }
  EXPECT_EQ(frames.at(), 5 * kLogBlock);
  EXPECT_EQ(frames.frame_behind(), std::nullopt);
}

TEST_F(Segment, OfAnotherSaltThereIsNone) {
  for (const std::uint64_t number : {1U, 2U, 3U}) add(number, "old", 1);
  EXPECT_TRUE(numbers(2).empty());
  at_ = kLogBlock;
  add(4, "new", 2);
  EXPECT_EQ(numbers(2), (std::vector<std::uint64_t>{4}));
  FramesOf frames(bytes_, 2);
  (void)frames.next();
  EXPECT_EQ(frames.frame_behind(), std::nullopt) << "the old ones behind it are none";
}

TEST_F(Segment, AFrameBehindTheEndIsFound) {
  add(1, "a", 1);
  add(2, "b", 1);
  add(3, "c", 1);
  bytes_[2 * kLogBlock] ^= 1;
  FramesOf frames(bytes_, 1);
  EXPECT_EQ(frames.next()->number, 1U);
  EXPECT_FALSE(frames.next());
  EXPECT_EQ(frames.frame_behind(), 3 * kLogBlock);
}

TEST_F(Segment, ALengthBeyondTheSegmentIsNoFrame) {
  add(1, "a", 1);
  for (const char byte : {'\xff', '\x7f'}) {
    bytes_[kLogBlock + 7] = byte;
    EXPECT_TRUE(numbers(1).empty());
  }
}

}  // namespace
}  // namespace pena::store
