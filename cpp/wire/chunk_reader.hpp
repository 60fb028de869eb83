// Strips the chunked coding off a body (RFC 9112, 7.1), byte by byte as they come: it keeps none of
// them, and counts all.
//
//   body    = *chunk last-chunk *trailer CRLF
//   chunk   = 1*HEXDIG [ *WS ";" extension ] CRLF data CRLF
//   trailer = token ":" value CRLF
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/limits.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

class ChunkReader {
 public:
  explicit ChunkReader(const core::Limits& limits)
      : body_bytes_(limits.body_bytes), framing_bytes_(limits.framing_bytes) {}

  struct Step {
    std::size_t fed = 0;    // bytes that are dealt with
    std::string_view data;  // of the body, the last of those that were fed
  };
  // Reads bytes up to the end of the next piece of data, of `bytes`, or of the body. Extensions and
  // trailers are read and forgotten. 400 where it is no chunked body, 413 beyond a limit.
  Outcome<Step> feed(std::string_view bytes);

  [[nodiscard]] bool done() const { return state_ == State::done; }

 private:
  enum class State : std::uint8_t {
    size_first,   // the first digit of a chunk's size
    size,         // the rest of it
    blank,        // between size and extension
    extension,    //
    size_end,     // the LF behind size and extension
    data,         //
    data_cr,      // the CRLF behind the data
    data_lf,      //
    line_first,   // the first letter of a trailer, or the CR of the last line
    name,         // of a trailer
    value,        //
    trailer_end,  // the LF behind a trailer
    last_lf,      // of the whole body
    done,
  };

  // One byte that is not data. False where it cannot stand there.
  bool read_framing(char letter);
  bool read_digit(char letter);

  std::size_t body_bytes_, framing_bytes_;
  State state_ = State::size_first;
  std::uint64_t size_ = 0;   // of this chunk, as far as it was read; then: what is still to come
  std::size_t body_ = 0;     // so many bytes have the chunks up to this one
  std::size_t framing_ = 0;  // so many bytes were not data
  bool too_long_ = false;
};

}  // namespace pena::wire
