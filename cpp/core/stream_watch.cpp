#include "core/stream_watch.hpp"

#include <utility>

namespace pena::core {
namespace {

constexpr Duration kAtOnce = std::chrono::seconds{1};
constexpr unsigned kVainToTell = 2;  // that one stream is cut may happen

}  // namespace

std::optional<Say> StreamWatch::opened(Instant now) {
  opened_at_ = now;
  brought_msg_ = false;
  if (told_ != Trouble::no_stream) return std::nullopt;
  told_ = Trouble::none;
  return Say{LogLevel::info, "there is a stream from " + server_};
}

std::optional<Say> StreamWatch::brought_msg() {
  brought_msg_ = true;
  if (told_ != Trouble::vain) return std::nullopt;
  told_ = Trouble::none;
  return Say{LogLevel::info, "a stream from " + server_ + " brings msgs"};
}

std::optional<Say> StreamWatch::unanswered(Duration waited, std::string_view why) {
  if (told_ == Trouble::no_stream || !is_news(Trouble::no_stream, std::string{why})) {
    return std::nullopt;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(waited).count();
  return Say{LogLevel::warning, "no stream from " + server_ + ": no answer for " +
                                    std::to_string(seconds) + " s; trying again where there is " +
                                    std::string{why}};
}

Say StreamWatch::ended(std::string_view why, unsigned status, bool is_unreadable, Instant now) {
  const Trouble trouble = trouble_of(is_unreadable, now);
  opened_at_.reset();
  const std::string reason{why};
  Say usual{LogLevel::debug, "the stream is over: " + reason};
  switch (trouble) {
    case Trouble::none:
      failures_ = vain_ = 0;
      told_ = Trouble::none;
      return usual;
    case Trouble::vain:
      if (++vain_ < kVainToTell || !is_news(trouble, {})) return usual;
      return {LogLevel::warning, "the streams from " + server_ + " end at once and bring no msg: " +
                                     reason + "; trying again until one does"};
    case Trouble::no_stream:
    case Trouble::unreadable:
      break;
  }
  // Of an answer the status tells: its words may be others each time.
  if (!is_news(trouble, status == 0 ? reason : std::to_string(status))) return usual;
  return {LogLevel::warning,
          "no stream from " + server_ + ": " + reason + "; trying again until there is one"};
}

void StreamWatch::left() {
  opened_at_.reset();
  failures_ = vain_ = 0;
}

StreamWatch::Trouble StreamWatch::trouble_of(bool is_unreadable, Instant now) const {
  if (!opened_at_) return Trouble::no_stream;
  if (is_unreadable) return Trouble::unreadable;
  return brought_msg_ || now >= *opened_at_ + kAtOnce ? Trouble::none : Trouble::vain;
}

bool StreamWatch::is_news(Trouble trouble, std::string what) {
  if (told_ == trouble && told_what_ == what) return false;
  told_ = trouble;
  told_what_ = std::move(what);
  return true;
}

}  // namespace pena::core
