// Somebody who looks after the server: has what failed tried again, pauses queues and lets them go on, deletes
// what waits and what has ended, and asks how it stands.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "sim/environment.hpp"
#include "sim/network.hpp"

namespace pena::sim {

class Caretaker : public std::enable_shared_from_this<Caretaker> {
 public:
  using Send = std::function<void(const std::string& method, const std::string& path,
                                  const std::string& body, const OnReply& on_reply)>;
  Caretaker(Environment& environment, Send send);
  void start();

 private:
  void act();
  void retry();
  void pause();
  void resume(const std::string& queue);
  void forget();
  [[nodiscard]] std::string any_queue();
  [[nodiscard]] std::optional<core::Instant> any_date(store::Bucket bucket);
  void after(TrueTime time, std::function<void()> then);

  Environment& environment_;
  Send send_;
  Dice dice_;
};

}  // namespace pena::sim
