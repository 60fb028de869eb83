#include "wire/chunk_reader.hpp"

#include <algorithm>
#include <string>

#include "wire/hex_digit.hpp"
#include "wire/http_text.hpp"

namespace pena::wire {

Outcome<ChunkReader::Step> ChunkReader::feed(std::string_view bytes) {
  Step step;
  while (step.fed < bytes.size() && !done()) {
    if (state_ == State::data) {
      const auto most = static_cast<std::size_t>(size_);
      step.data = bytes.substr(step.fed, most);
      step.fed += step.data.size();
      size_ -= step.data.size();
      if (size_ == 0) state_ = State::data_cr;
      return step;
    }
    if (!read_framing(bytes[step.fed])) {
      return Refusal{400, "the body is no chunked one: its framing is broken"};
    }
    if (too_long_) {
      return Refusal{413, "the body has more than " + std::to_string(body_bytes_) +
                              " bytes; expected at most as many"};
    }
    if (++framing_ > framing_bytes_) {
      return Refusal{413, "the sizes, extensions and trailers of the chunks have more than " +
                              std::to_string(framing_bytes_) + " bytes; expected at most as many"};
    }
    ++step.fed;
  }
  return step;
}

bool ChunkReader::read_digit(char letter) {
  const std::uint32_t digit = hex_value(letter);
  if (digit == kNoHexDigit) return false;
  size_ = size_ * 16 + digit;
  too_long_ = size_ > body_bytes_ - body_;  // at once, and so the size never overflows
  return true;
}

bool ChunkReader::read_framing(char letter) {
  const bool is_blank = letter == ' ' || letter == '\t';
  switch (state_) {
    case State::size_first:
      size_ = 0;
      state_ = State::size;
      return read_digit(letter);
    case State::size:
      if (read_digit(letter)) return true;
      [[fallthrough]];
    case State::blank:
      if (letter == '\r' && state_ == State::size) {
        state_ = State::size_end;
      } else if (letter == ';') {
        state_ = State::extension;
      } else {
        state_ = State::blank;
        return is_blank;
      }
      return true;
    case State::extension:
      if (letter == '\r') state_ = State::size_end;
      return letter == '\r' || !is_control(letter);
    case State::size_end:
      body_ += static_cast<std::size_t>(size_);
      state_ = size_ == 0 ? State::line_first : State::data;
      return letter == '\n';
    case State::data_cr:
      state_ = State::data_lf;
      return letter == '\r';
    case State::data_lf:
      state_ = State::size_first;
      return letter == '\n';
    case State::line_first:
      state_ = letter == '\r' ? State::last_lf : State::name;
      return letter == '\r' || is_token(letter);
    case State::name:
      if (letter == ':') state_ = State::value;
      return letter == ':' || is_token(letter);
    case State::value:
      if (letter == '\r') state_ = State::trailer_end;
      return letter == '\r' || !is_control(letter);
    case State::trailer_end:
      state_ = State::line_first;
      return letter == '\n';
    case State::last_lf:
      state_ = State::done;
      return letter == '\n';
    case State::data:
    case State::done:
      break;
  }
  return false;
}

}  // namespace pena::wire
