#include "sim/submitter.hpp"

#include <algorithm>
#include <utility>

namespace pena::sim {

using namespace std::chrono_literals;

Submitter::Submitter(Environment& environment, Way way, std::uint64_t msgs)
    : environment_(environment),
      way_(std::move(way)),
      dice_(environment.scenario.seed, 3),
      ids_({9, 9, 9}, 9),
      left_(msgs),
      gap_(environment.scenario.calm_at / static_cast<core::Duration::rep>(msgs / 4 + 1)) {}

void Submitter::start() {
  submit();
}

void Submitter::submit() {
  if (left_ == 0) return;
  const std::uint64_t size = std::min(left_, dice_.between(1, 8));
  left_ -= size;
  std::string body = "[";
  for (std::uint64_t i = 0; i < size; ++i) {
    const core::Instant date = core::from_us(1'700'000'000'000'000) + environment_.timeline.now();
    if (i > 0) body += ',';
    body += R"({"id":")" + ids_.next(date).text() + R"(","period":)" +
            std::to_string(dice_.between(1, environment_.scenario.longest_period));
    if (dice_.chance(0.2)) body += R"(,"payload":{"n":)" + std::to_string(i) + "}";
    body += '}';
  }
  // One that the server made, as a retry: it is known, and nothing new.
  const auto made = environment_.oracle.last_made();
  if (made && dice_.chance(0.2)) body += R"(,{"id":")" + made->text() + R"("})";
  body += ']';
  waiting_ = true;
  send(body);
}

void Submitter::send(const std::string& body) {
  const std::uint64_t number = ++try_;
  const auto again = [this, number, body] {
    if (number == try_) send(body);
  };
  const auto link = static_cast<std::uint32_t>(environment_.scenario.clients.size());
  way_.post(
      link, "/task", body, [this, self = weak_from_this(), number, again](const Reply& reply) {
        const auto lives = self.lock();
        if (!lives || number != try_) return;
        if (reply.status >= 400 && reply.status < 500) {
          throw LawBroken("no_refusal", "a submission is refused with " +
                                            std::to_string(reply.status) + ": " + reply.body);
        }
        if (reply.status != 201) {
          environment_.timeline.at(environment_.timeline.now() + 500ms, shared_from_this(), again);
          return;
        }
        ++try_;
        waiting_ = false;
        environment_.timeline.at(environment_.timeline.now() + dice_.between(0us, gap_ * 2),
                                 shared_from_this(), [this] { submit(); });
      });
  environment_.timeline.at(environment_.timeline.now() + 10s, shared_from_this(), again);
}

}  // namespace pena::sim
