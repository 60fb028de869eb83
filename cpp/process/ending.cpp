#include "process/ending.hpp"

#include <csignal>

namespace pena::process {

Ending::Ending(Time began, std::optional<Milliseconds> timeout, Milliseconds patience)
    : patience_(patience) {
  if (timeout) terminates_at_ = began + *timeout;
}

void Ending::ask(Time now) {
  if (has_begun()) return;
  asked_ = true;
  terminates_at_ = now;
}

int Ending::due(Time now) {
  if (terminates_at_ && now >= *terminates_at_) {
    terminates_at_.reset();
    kills_at_ = now + patience_;
    timed_out_ = !asked_;
    return SIGTERM;
  }
  if (kills_at_ && now >= *kills_at_) {
    kills_at_.reset();
    return SIGKILL;
  }
  return 0;
}

std::optional<Ending::Time> Ending::next() const {
  return terminates_at_ ? terminates_at_ : kills_at_;
}

}  // namespace pena::process
