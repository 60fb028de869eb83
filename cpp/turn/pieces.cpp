#include "turn/pieces.hpp"

#include <utility>

#include "core/check.hpp"

namespace pena::turn {

std::string_view framed(std::string& text, Framing framing) {
  return framing == Framing::chunks ? wire::as_chunk(text)
                                    : std::string_view{text}.substr(wire::kChunkRoom);
}

void Pieces::begin(std::string text) {
  PENA_CHECK(is_over() && text.size() > wire::kChunkRoom);
  text_ = std::move(text);
  size_ = text_.size();
  text_ += wire::kChunkEnd;
  done_ = end_ = wire::kChunkRoom;
}

std::string_view Pieces::next() {
  PENA_CHECK(!is_over() && end_ == done_);
  const std::string_view text = std::string_view{text_}.substr(0, size_);
  const std::size_t last =
      size_ - done_ > piece_ ? text.find("\n\n", done_ + piece_) : std::string_view::npos;
  end_ = last == std::string_view::npos ? size_ : last + 2;
  text_.copy(covered_.data(), covered_.size(), end_);
  return framing_ == Framing::chunks ? wire::as_chunk(text_, done_, end_)
                                     : text.substr(done_, end_ - done_);
}

void Pieces::written() {
  if (end_ == done_) return;
  text_.replace(end_, covered_.size(), covered_.data(), covered_.size());
  done_ = end_;
}

void Pieces::drop() {
  std::string{}.swap(text_);
  size_ = done_ = end_ = 0;
}

}  // namespace pena::turn
