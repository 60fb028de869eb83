// Where a process gets its ids from. The layout is rs/xid's.
#pragma once

#include <string>

#include "core/xid.hpp"

namespace pena::server {

// Ids of this process: all its servers share them. `problem`: why another process of this machine
// might make the same, or empty.
struct ProcessXids {
  core::XidFactory ids;
  std::string problem;
};

// Machine from /etc/machine-id (else the host's name, else chance). The process's two bytes are a
// number that the process owns until it ends: its pid's low bits, or the next that no other has. A
// process that was forked gets a number of its own. Any thread.
[[nodiscard]] ProcessXids process_xids();

}  // namespace pena::server
