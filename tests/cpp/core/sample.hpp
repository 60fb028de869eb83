// Ids that a test can tell apart, and the clock of a server.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/xid.hpp"

namespace pena::core::test {

// `number` below 2^24.
inline Xid id_of(std::uint8_t kind, std::size_t number) {
  return Xid{Xid::Bytes{0, 0, 0, 0, kind, 0, 0, 0, 0, static_cast<std::uint8_t>(number >> 16U),
                        static_cast<std::uint8_t>(number >> 8U & 0xffU),
                        static_cast<std::uint8_t>(number & 0xffU)}};
}

inline Xid id_of(std::size_t number) {
  return id_of(0, number);
}

// The server's clock has nothing to do with the client's.
inline constexpr std::int64_t kServerMs = 9'000'000;

}  // namespace pena::core::test
