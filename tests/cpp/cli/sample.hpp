#pragma once

#include <cstdint>

#include "core/xid.hpp"

namespace pena::cli::test {

inline core::Xid xid(std::uint32_t number) {
  core::Xid::Bytes bytes{};
  bytes[10] = static_cast<std::uint8_t>(number >> 8U);
  bytes[11] = static_cast<std::uint8_t>(number);
  return core::Xid{bytes};
}

}  // namespace pena::cli::test
