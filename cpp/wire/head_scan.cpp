#include "wire/head_scan.hpp"

#include <algorithm>
#include <string>

#include "wire/digit.hpp"
#include "wire/http_text.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

constexpr char kTlsHandshake = 0x16;
constexpr std::size_t kVersionSize = 8;  // HTTP/1.1

// A CR is no part of a line, but may be the first half of its end.
std::string_view without_cr(std::string_view piece) {
  if (!piece.empty() && piece.back() == '\r') piece.remove_suffix(1);
  return piece;
}

}  // namespace

Outcome<bool> HeadScan::look(std::string_view all) {
  // What lies beyond the limit must not matter, or the outcome would hang on how the bytes came.
  const std::string_view bytes = all.substr(0, header_bytes_ + 1);
  while (seen_ < bytes.size()) {
    const auto line_feed = bytes.find('\n', seen_);
    const std::string_view piece = bytes.substr(seen_, line_feed - seen_);
    if (bytes.front() == kTlsHandshake) {
      return Refusal{400, "this is TLS, it seems; expected HTTP/1.1 without it"};
    }
    if (has_control(without_cr(piece))) {
      return Refusal{400,
                     "the head has a control character in it; expected lines of HTTP/1.1, each "
                     "with CR and LF at its end"};
    }
    if (line_feed == std::string_view::npos) {
      // A CR at the end is looked at again, with what follows it.
      seen_ = bytes.size() - (piece.back() == '\r' ? 1 : 0);
      break;
    }
    if (line_feed == line_ || bytes[line_feed - 1] != '\r') {
      return Refusal{400, "a line of the head ends in LF alone; expected CR and LF"};
    }
    const std::string_view line = bytes.substr(line_, line_feed - 1 - line_);
    seen_ = line_ = line_feed + 1;
    if (line_ > header_bytes_) return too_long(bytes);
    if (!line.empty()) {
      if (auto refusal = read_line(line)) return *std::move(refusal);
    } else if (method_size_ == 0) {
      begin_ = line_;
    } else {
      end_ = line_;
      return true;
    }
  }
  if (bytes.size() > header_bytes_) return too_long(bytes);
  return false;
}

std::optional<Refusal> HeadScan::read_line(std::string_view line) {
  if (method_size_ == 0) return read_request_line(line);
  if (line.front() == ' ' || line.front() == '\t') {
    return Refusal{400, "the header line " + quote(line) +
                            " goes on with the one before; expected each field on one line"};
  }
  return std::nullopt;
}

std::optional<Refusal> HeadScan::read_request_line(std::string_view line) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  const std::string_view method = line.substr(0, first);
  const std::string_view version = last == std::string_view::npos ? "" : line.substr(last + 1);
  const bool has_version = version.size() == kVersionSize && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  const bool has_target = first != std::string_view::npos && last > first + 1;
  if (!is_token(method) || !has_target || !has_version) {
    return Refusal{400, "the request line is " + quote(line) +
                            "; expected a method, a target and HTTP/1.1, a space between each"};
  }
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (target.find_first_of(" \t") != std::string_view::npos) {
    return Refusal{400, "the target " + quote(target) + " has a space in it; expected %20"};
  }
  if (version[5] != '1') {
    return Refusal{505, "the version is " + quote(version) + "; expected HTTP/1.1 or HTTP/1.0"};
  }
  if (target.size() > target_bytes_) {
    return Refusal{414, "the target has " + std::to_string(target.size()) +
                            " bytes; expected at most " + std::to_string(target_bytes_)};
  }
  method_size_ = method.size();
  target_size_ = target.size();
  minor_version_ = version[7] - '0';
  return std::nullopt;
}

Refusal HeadScan::too_long(std::string_view bytes) const {
  const std::string has_more =
      " has more than " + std::to_string(header_bytes_) + " bytes; expected at most as many";
  const bool in_target =
      method_size_ == 0 && bytes.substr(begin_).find(' ') != std::string_view::npos;
  if (in_target) return {414, "the request line" + has_more};
  return {431, "the header" + has_more};
}

bool HeadScan::has_begun(std::string_view bytes) const {
  const std::string_view rest = bytes.substr(std::min(begin_, bytes.size()));
  return !rest.empty() && rest != "\r";
}

std::optional<RequestLine> HeadScan::request_line(std::string_view bytes) const {
  if (method_size_ == 0) return std::nullopt;
  const std::string_view line = bytes.substr(begin_);
  return RequestLine{line.substr(0, method_size_), line.substr(method_size_ + 1, target_size_),
                     minor_version_};
}

}  // namespace pena::wire
