// PENA_CHECK(condition): what must hold whatever a peer or a user does. On in release too: a
// dispatcher whose state is wrong stops before it harms what the disk still has right.
#pragma once

namespace pena::core {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace pena::core

#define PENA_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::pena::core::check_failed(#condition, __FILE__, __LINE__))
