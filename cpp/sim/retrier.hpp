// Who has what failed tried again, now and then: all of it, what was said to have failed, or some by name.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/environment.hpp"

namespace pena::sim {

class Retrier : public std::enable_shared_from_this<Retrier> {
 public:
  // To POST /fail/retry; what is answered is nobody's.
  using Post = std::function<void(const std::string& body)>;
  Retrier(Environment& environment, Post post);
  void start();

 private:
  [[nodiscard]] std::string body();

  Environment& environment_;
  Post post_;
  Dice dice_;
};

}  // namespace pena::sim
