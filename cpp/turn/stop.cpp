#include "turn/stop.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace pena::turn {

namespace {

// Nobody says that a connection is gone: it is looked for.
constexpr core::Duration kLook = std::chrono::milliseconds{5};

}  // namespace

bool Stop::begin() {
  if (stage_ != Stage::running) return false;
  stage_ = Stage::begun;
  return true;
}

void Stop::fail() {
  if (stage_ < Stage::failed) stage_ = Stage::failed;
}

Stop::Next Stop::next(core::Instant now, std::size_t connections) {
  PENA_CHECK(stage_ != Stage::running);
  if (stage_ == Stage::begun) return enter(Stage::draining, Step::drain, now, drain_time_);
  if (stage_ == Stage::failed) return enter(Stage::last_words, Step::give_up, now, kLastWords);
  if (connections == 0) stage_ = Stage::over;
  if (stage_ == Stage::over) return {Step::finish, now};
  if (now < until_) return {Step::nothing, std::min(now + kLook, until_)};
  if (stage_ == Stage::draining) return enter(Stage::last_words, Step::give_up, now, kLastWords);
  stage_ = Stage::over;
  return {Step::finish, now};
}

// Asked again at once, for what was done may have been all.
Stop::Next Stop::enter(Stage stage, Step step, core::Instant now, core::Duration longest) {
  stage_ = stage;
  until_ = now + longest;
  return {step, now};
}

}  // namespace pena::turn
