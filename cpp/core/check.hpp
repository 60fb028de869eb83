// PENA_CHECK(condition): what must hold whatever a peer or a user does. On in release too: a
// dispatcher whose state is wrong stops before it harms what the disk still has right.
#pragma once

namespace pena::core {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

// While one lives, a check that fails on its thread throws std::logic_error instead: the simulator is
// to name the seed, and to make it smaller.
class ThrowingChecks {
 public:
  ThrowingChecks();
  ~ThrowingChecks();
  ThrowingChecks(const ThrowingChecks&) = delete;
  ThrowingChecks& operator=(const ThrowingChecks&) = delete;

 private:
  bool before_;
};

}  // namespace pena::core

#define PENA_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::pena::core::check_failed(#condition, __FILE__, __LINE__))
