// Finds where a request's head ends, in the raw bytes as they come, and refuses what no later
// reader should see: a parser joins folded lines, and forgives what a proxy may read otherwise.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/limits.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

struct RequestLine {
  std::string_view method, target;
  int minor_version = 1;  // of HTTP/1.x
};

// For one request. RFC 9112, 2.2 to 5.2:
// * empty lines before the request line are skipped; they count against `header_bytes`;
// * 400: a line that ends in LF or CR alone, a control character, a line that goes on in a second
//   one, a request line that is not three words;
// * 505: a version other than HTTP/1.x; 414 and 431: target or head too long.
class HeadScan {
 public:
  explicit HeadScan(const core::Limits& limits)
      : header_bytes_(limits.header_bytes), target_bytes_(limits.target_bytes) {}

  // `bytes` is all that came since the scan began. True once the head is whole.
  Outcome<bool> look(std::string_view bytes);

  // Something other than empty lines has come.
  [[nodiscard]] bool has_begun(std::string_view bytes) const;
  // Once the head is whole: where it begins, and what comes behind its last line.
  [[nodiscard]] std::size_t begin() const { return begin_; }
  [[nodiscard]] std::size_t end() const { return end_; }
  // The request line, once it is whole and good. It looks into the same bytes.
  [[nodiscard]] std::optional<RequestLine> request_line(std::string_view bytes) const;

 private:
  std::optional<Refusal> read_line(std::string_view line);
  std::optional<Refusal> read_request_line(std::string_view line);
  [[nodiscard]] Refusal too_long(std::string_view bytes) const;

  std::size_t header_bytes_, target_bytes_;
  std::size_t seen_ = 0;   // so many bytes were looked at
  std::size_t line_ = 0;   // where the line begins that is being read
  std::size_t begin_ = 0;  // of the request line
  std::size_t end_ = 0;
  std::size_t method_size_ = 0, target_size_ = 0;  // 0 until the request line is whole
  int minor_version_ = 1;
};

}  // namespace pena::wire
