// A long text that goes out in pieces of whole events, each framed where it stands: nothing is copied.
//
//   room  e v e n t \n\n  e v e n t \n\n  e v e n t \n\n  CRLF
//   └──────┬───────────┘ └─────┬───────────────────┘
//        a piece             the next: its frame covers the end of the one before, which is written,
//                            and two bytes of the one behind, which are put back
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/chunk.hpp"

namespace pena::turn {

// How a body goes over HTTP: in chunks, or to HTTP/1.0 as it is.
enum class Framing : std::uint8_t { chunks, plain };

// What stands behind wire::kChunkRoom in `text`, as it goes out: a view into it.
[[nodiscard]] std::string_view framed(std::string& text, Framing framing);

class Pieces {
 public:
  // `piece`: a piece ends with the event that reaches so many bytes.
  Pieces(Framing framing, std::size_t piece) : piece_(piece), framing_(framing) {}

  // A text with wire::kChunkRoom in front. The one before is to be over.
  void begin(std::string text);
  [[nodiscard]] bool is_over() const { return done_ == size_; }
  // The next piece, framed. It stands until it is said to be written.
  [[nodiscard]] std::string_view next();
  // The piece that is out, if one is, is written.
  void written();
  // Keeps no memory.
  void drop();

 private:
  std::string text_;
  std::size_t size_ = 0;  // without what a frame needs behind it
  std::size_t done_ = 0;  // is written up to here,
  std::size_t end_ = 0;   // and the piece ends here
  std::size_t piece_;
  std::array<char, wire::kChunkEnd.size()> covered_{};  // by the frame, behind the piece
  Framing framing_;
};

}  // namespace pena::turn
