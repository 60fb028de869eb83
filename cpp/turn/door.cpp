#include "turn/door.hpp"

#include <utility>

namespace pena::turn {

namespace {

constexpr std::size_t kRefusedAtOnce = 64;

}  // namespace

Door::Knock Door::knock(std::size_t connections) {
  if (connections < most_) {
    told_ = false;
    return {};
  }
  const Entry entry = connections - most_ < kRefusedAtOnce ? Entry::refuse : Entry::drop;
  return {entry, failed("there are " + std::to_string(most_) +
                        " connections, as many as may be: more are refused")};
}

std::string Door::failed(std::string why) {
  return std::exchange(told_, true) ? std::string{} : std::move(why);
}

wire::Refusal Door::refusal() {
  return {503, "the server has as many connections as it may; try again later"};
}

}  // namespace pena::turn
