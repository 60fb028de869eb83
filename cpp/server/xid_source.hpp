// Where a process gets its ids from, as rs/xid does it.
#pragma once

#include "core/xid.hpp"

namespace pena::server {

// Machine from /etc/machine-id (else the host's name, else chance), process from the pid, the
// counter from a random start. To be made after a fork, not before.
[[nodiscard]] core::XidFactory make_process_xids();

}  // namespace pena::server
