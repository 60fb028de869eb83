#include "cli/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace pena::cli {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

LineReader::Came LineReader::next(std::string& line, std::chrono::milliseconds patience) {
  while (!take_line(line)) {
    if (is_over_) return Came::end;
    pollfd file{file_, POLLIN, 0};
    const int ready = ::poll(&file, 1, static_cast<int>(patience.count()));
    if (ready <= 0) return Came::nothing;  // or a signal came, which somebody else looks for
    read_some();
  }
  ++number_;
  return Came::line;
}

bool LineReader::take_line(std::string& line) {
  const std::size_t end = read_.find('\n', looked_);
  looked_ = std::min(end, read_.size());
  const std::size_t size = looked_ - taken_;
  if (size > longest_) {
    throw std::runtime_error("line " + std::to_string(number_ + 1) + " has more than " +
                             std::to_string(longest_) + " bytes; expected at most as many");
  }
  const bool is_rest = end == std::string::npos && is_over_ && size > 0;
  if (end == std::string::npos && !is_rest) return false;
  line.assign(read_, taken_, size);
  if (line.ends_with('\r')) line.pop_back();
  taken_ = looked_ = is_rest ? read_.size() : end + 1;
  return true;
}

void LineReader::read_some() {
  read_.erase(0, taken_);
  looked_ -= taken_;
  taken_ = 0;
  const std::size_t before = read_.size();
  read_.resize(before + kPiece);
  const ssize_t size = ::read(file_, read_.data() + before, kPiece);
  read_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size == 0) is_over_ = true;
  if (size < 0 && errno != EINTR && errno != EAGAIN) {
    throw std::system_error(errno, std::generic_category());
  }
}

}  // namespace pena::cli
