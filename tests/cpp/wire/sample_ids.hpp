// Two ids, and their texts, for the tests of whatever has ids in it.
#pragma once

#include <string>

#include "core/xid.hpp"

namespace pena::wire::test {

inline const std::string kA = "9m4e2mr0ui3e8a215n4g";
inline const std::string kB = "cbvrr5s3r49lpu0cbt60";
inline const core::Xid kIdA = *core::Xid::parse(kA);
inline const core::Xid kIdB = *core::Xid::parse(kB);

}  // namespace pena::wire::test
