// Whether a client can have streams, and whether they bring anything: how many failed in a row, from
// which the wait before the next grows (core/retry), and which line of the log that is worth. Pure.
//
//   a stream that                                is a failure   is told
//   could not be had                             yes            at once
//   could not be read on                         yes            at once
//   ended at once and brought no msg             yes            when that is so a second time
//   ended otherwise                              no             no
//
// What was told is not told again until it is another trouble, or none.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/instant.hpp"
#include "core/say.hpp"

namespace pena::core {

class StreamWatch {
 public:
  // `server`: as it is named in what is said.
  explicit StreamWatch(std::string server) : server_(std::move(server)) {}

  [[nodiscard]] std::optional<Say> opened(Instant now);
  [[nodiscard]] std::optional<Say> brought_msg();
  // No answer for so long. `why`: what `ended` will be told where none comes.
  [[nodiscard]] std::optional<Say> unanswered(Duration waited, std::string_view why);
  // It ended, or could not be opened. `status`: of an answer that was no stream. `is_unreadable`: it
  // could not be read on.
  [[nodiscard]] Say ended(std::string_view why, unsigned status, bool is_unreadable, Instant now);
  // It was given up here, or is not missed.
  void left();

  // How often in a row there was no stream, as another one is wanted: 1 behind a good one.
  [[nodiscard]] unsigned next_failure() { return ++failures_; }

 private:
  enum class Trouble { none, no_stream, unreadable, vain };
  [[nodiscard]] Trouble trouble_of(bool is_unreadable, Instant now) const;
  // Whether that has not been told yet; from now on it has.
  [[nodiscard]] bool is_news(Trouble trouble, std::string what);

  std::string server_;
  std::optional<Instant> opened_at_;
  bool brought_msg_ = false;
  unsigned failures_ = 0;
  unsigned vain_ = 0;             // streams in a row that brought nothing
  Trouble told_ = Trouble::none;  // and not over yet, as far as is known
  std::string told_what_;
};

}  // namespace pena::core
