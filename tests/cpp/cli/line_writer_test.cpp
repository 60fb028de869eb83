#include "cli/line_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

namespace {

using namespace std::chrono_literals;
using pena::cli::LineWriter;
using testing::HasSubstr;

constexpr auto kEver = std::chrono::hours{1};

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_.data()) != 0) std::abort();
  }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int in() const { return ends_[1]; }
  // Puts in as much as there is room for: whoever writes now waits for who reads.
  void fill() const {
    const std::string bytes(1 << 12, 'y');
    fcntl(in(), F_SETFL, O_NONBLOCK);
    while (write(in(), bytes.data(), bytes.size()) > 0) {
    }
    fcntl(in(), F_SETFL, 0);
  }
  // Waits for something to read.
  [[nodiscard]] std::string read(std::size_t most = std::size_t{1} << 16U) const {
    std::array<char, 1 << 16> bytes{};
    const ssize_t size = ::read(ends_[0], bytes.data(), most);
    return {bytes.data(), static_cast<std::size_t>(size < 0 ? 0 : size)};
  }
  [[nodiscard]] std::string read_until(const std::string& text) const {
    std::string all;
    while (all.find(text) == std::string::npos) all += read();
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

// Whether fewer bytes wait before long.
bool falls_below(LineWriter& writer, std::size_t bytes) {
  for (int looks = 0; looks < 10'000 && writer.waiting() >= bytes; ++looks) {
    (void)writer.flush(1ms);
  }
  return writer.waiting() < bytes;
}

TEST(LineWriter, WritesInOrder) {
  const Pipe pipe;
  LineWriter writer{pipe.in()};
  writer.put("one\n");
  writer.put("two\n");
  EXPECT_TRUE(writer.flush(kEver));
  EXPECT_EQ(pipe.read_until("two\n"), "one\ntwo\n");
}

TEST(LineWriter, WhoDoesNotReadHoldsNobodyUpAndIsToldWhatWasLost) {
  const Pipe pipe;
  pipe.fill();
  const std::string line(1023, 'x');
  LineWriter writer{pipe.in(), 16 * 1024};
  writer.tell_dropped_by([](const std::string& sentence) { return "warning " + sentence + "\n"; });
  // Far more than the writer holds. That this ends at all is the test.
  for (int i = 0; i < 1000; ++i) writer.put(line + "\n");
  EXPECT_FALSE(writer.flush(0ms));
  const std::string all = pipe.read_until("were dropped\n");
  EXPECT_THAT(all, HasSubstr("\nwarning "));
  EXPECT_THAT(all, HasSubstr(" lines of the log were dropped\n"));
  EXPECT_TRUE(writer.flush(kEver));
}

TEST(LineWriter, AnEndThatNobodyReadsIsGivenUp) {
  const Pipe pipe;
  {
    LineWriter writer{pipe.in()};
    writer.put(std::string(1 << 20, 'x') + "\n");
    EXPECT_FALSE(writer.flush(kEver, [] { return false; }));
  }
  EXPECT_THAT(pipe.read_until("\n"), HasSubstr("x\n"));  // its thread ends
}

TEST(LineWriter, WhatIsReadDoesNotWaitUntilAllIs) {
  const Pipe pipe;
  const std::string text(1 << 20, 'x');
  LineWriter writer{pipe.in()};
  writer.put(text + "\n");
  std::size_t read = 0;
  while (read < 300'000) read += pipe.read().size();
  // But for what is in the pipe and in the write that waits.
  EXPECT_TRUE(falls_below(writer, text.size() - 200'000));
  EXPECT_GT(writer.waiting(), 0U);
  while (read <= text.size()) read += pipe.read().size();
  EXPECT_TRUE(writer.flush(kEver));
}

TEST(LineWriter, AReaderIsSeenHoweverLittleHeTakes) {
  const Pipe pipe;
  LineWriter writer{pipe.in()};
  writer.put(std::string(1 << 20, 'x') + "\n");
  const auto is_full = [&] {
    const std::size_t before = writer.waiting();
    (void)writer.flush(50ms);
    return writer.waiting() == before;
  };
  while (!is_full()) {
  }
  for (int reads = 0; reads < 20; ++reads) {
    const std::size_t before = writer.waiting();
    EXPECT_EQ(pipe.read(8192).size(), 8192U);
    ASSERT_TRUE(falls_below(writer, before)) << reads;
  }
  (void)pipe.read_until("\n");  // its thread ends
}

TEST(LineWriter, AFailedWriteIsNoted) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  LineWriter writer{full};
  writer.put("x\n");
  EXPECT_FALSE(writer.flush(kEver));
  EXPECT_EQ(writer.failure(), ENOSPC);
  close(full);
}

TEST(LineWriter, ADescriptorThatDoesNotBlockLosesNothing) {
  const Pipe pipe;
  fcntl(pipe.in(), F_SETFL, O_NONBLOCK);
  LineWriter writer{pipe.in()};
  const std::string text(1 << 20, 'x');
  writer.put(text + "\n");
  EXPECT_EQ(pipe.read_until("\n"), text + "\n");
  EXPECT_TRUE(writer.flush(kEver));
}

}  // namespace
