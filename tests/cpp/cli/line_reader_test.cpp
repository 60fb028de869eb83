// Lines as they come.
#include "cli/line_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace pena::cli {
namespace {

using namespace std::chrono_literals;

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    reading = ends[0];
    writing = ends[1];
  }
  ~Pipe() {
    ::close(reading);
    end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void write(const std::string& text) const {
    EXPECT_EQ(::write(writing, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (writing >= 0) ::close(std::exchange(writing, -1));
  }
  int reading = -1, writing = -1;
};

class LineReaderTest : public testing::Test {
 protected:
  // The next line; "-" where none came, "." at the end.
  std::string next() {
    std::string line;
    const auto came = reader_.next(line, 0ms);
    if (came == LineReader::Came::line) return line;
    return came == LineReader::Came::nothing ? "-" : ".";
  }

  Pipe pipe_;
  LineReader reader_{pipe_.reading, 10};
};

TEST_F(LineReaderTest, LinesComeWithoutTheirEnds) {
  pipe_.write("a\n\nbc\r\n");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "");
  EXPECT_EQ(next(), "bc");
  EXPECT_EQ(reader_.number(), 3U);
  EXPECT_EQ(next(), "-");
  pipe_.end();
  EXPECT_EQ(next(), ".");
  EXPECT_EQ(next(), ".");
}

TEST_F(LineReaderTest, ALineMayComeInPieces) {
  pipe_.write("ab");
  EXPECT_EQ(next(), "-");
  pipe_.write("c\nd");
  EXPECT_EQ(next(), "abc");
  EXPECT_EQ(next(), "-");
  pipe_.end();
  EXPECT_EQ(next(), "d") << "the last one needs no end";
  EXPECT_EQ(next(), ".");
}

TEST_F(LineReaderTest, OneThatIsTooLongIsNamedByItsNumber) {
  pipe_.write("a\n0123456789\n0123456789b");
  EXPECT_EQ(next(), "a");
  EXPECT_EQ(next(), "0123456789");
  try {
    (void)next();
    FAIL() << "it was taken";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "line 3 has more than 10 bytes; expected at most as many");
  }
}

TEST(LineReader, WhatCannotBeReadIsAnError) {
  std::string line;
  const int folder = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  LineReader reader{folder, 10};
  try {
    (void)reader.next(line, 0ms);
    ADD_FAILURE() << "it was read";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::is_a_directory);
  }
  ::close(folder);
}

}  // namespace
}  // namespace pena::cli
