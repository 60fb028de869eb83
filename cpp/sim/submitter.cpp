#include "sim/submitter.hpp"

#include <algorithm>
#include <utility>

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

// As it would be handed in once more.
std::string as_json(const core::Msg& msg, const std::string& queue) {
  std::string json = R"({"id":")" + msg.id.text() + R"(","period":)" + std::to_string(msg.period);
  if (!msg.payload.empty()) json += R"(,"payload":)" + std::string{msg.payload.view()};
  if (!queue.empty()) json += R"(,"queue":")" + queue + '"';
  if (!msg.key.empty()) json += R"(,"key":")" + std::string{msg.key.view()} + '"';
  if (msg.max_resends) json += R"(,"max_resends":)" + std::to_string(*msg.max_resends);
  return json + '}';
}

}  // namespace

Submitter::Submitter(Environment& environment, Way way, std::uint64_t msgs)
    : environment_(environment),
      way_(std::move(way)),
      dice_(environment.scenario.seed, 3),
      wishes_(environment.scenario.seed, 11),
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
  unnamed_ = dice_.chance(0.2) ? size : 0;
  std::string body = "[";
  for (std::uint64_t i = 0; i < size; ++i) {
    const core::Instant date = core::from_us(1'700'000'000'000'000) + environment_.timeline.now();
    if (i > 0) body += ',';
    body += '{';
    // A few of one request may have ids nevertheless.
    if (unnamed_ == 0 || dice_.chance(0.2)) body += R"("id":")" + ids_.next(date).text() + R"(",)";
    body += R"("period":)" + std::to_string(dice_.between(1, environment_.scenario.longest_period));
    if (dice_.chance(0.2)) body += R"(,"payload":{"n":)" + std::to_string(i) + "}";
    body += wishes();
    body += '}';
  }
  // One that the server made, as a retry: it is known, and nothing new.
  const core::Msg* const made = environment_.oracle.last_made();
  if (made != nullptr && dice_.chance(0.2)) {
    body += ',' + as_json(*made, environment_.oracle.queue_name(made->queue));
  }
  body += ']';
  waiting_ = true;
  send(body, size);
}

// Where it is to wait, until when, and what it is called.
std::string Submitter::wishes() {
  const Scenario& scenario = environment_.scenario;
  const std::string& queue = scenario.queues.at(wishes_.below(scenario.queues.size()));
  std::string json = queue.empty() ? "" : R"(,"queue":")" + queue + '"';
  if (!scenario.wishes) return json;
  if (wishes_.chance(0.3)) json += R"(,"key":"order )" + std::to_string(++keys_) + '"';
  if (wishes_.chance(0.2)) {
    const auto most = static_cast<std::uint64_t>(core::to_ms(kLongestDelay));
    json += R"(,"delay":)" + std::to_string(wishes_.below(most));
  }
  if (wishes_.chance(0.2)) {
    json += R"(,"max_resends":)" + std::to_string(wishes_.below(kMostOwnResends + 1));
  }
  return json;
}

// Whoever names no ids cannot hand the same in again: what became of it stays unknown where no answer
// comes.
void Submitter::send(const std::string& body, std::uint64_t size) {
  const std::uint64_t number = ++try_;
  const auto link = static_cast<std::uint32_t>(environment_.scenario.clients.size());
  way_.post(link, "/task", body,
            [this, self = weak_from_this(), number, body, size](const Reply& reply) {
              const auto lives = self.lock();
              if (!lives || number != try_) return;
              if (reply.status >= 400 && reply.status < 500) {
                throw LawBroken("no_refusal", "a submission is refused with " +
                                                  std::to_string(reply.status) + ": " + reply.body);
              }
              if (reply.status == 201) return taken(size, 0);
              const bool is_unknown = reply.body.find("outcome is unknown") != std::string::npos;
              if (unnamed_ > 0 && (reply.status == 0 || is_unknown)) return taken(0, size);
              after(500ms, [this, number, body, size] {
                if (number == try_) send(body, size);
              });
            });
  after(10s, [this, number, body, size] {
    if (number != try_) return;
    unnamed_ > 0 ? taken(0, size) : send(body, size);
  });
}

void Submitter::taken(std::uint64_t surely, std::uint64_t perhaps) {
  ++try_;
  waiting_ = false;
  least_ += surely;
  // Somebody on the way may have repeated what has no ids.
  const bool repeats = unnamed_ > 0 && environment_.has(FaultKind::duplicate_report);
  most_ += (surely + perhaps) * (repeats ? 2 : 1);
  after(dice_.between(0us, gap_ * 2), [this] { submit(); });
}

void Submitter::after(core::Duration wait, Timeline::Action action) {
  environment_.timeline.at(environment_.timeline.now() + wait, shared_from_this(),
                           std::move(action));
}

}  // namespace pena::sim
