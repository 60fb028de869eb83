// How busy the load generator itself is.
#pragma once

namespace pena::load {

// CPU seconds that this process has used so far, of all its threads.
[[nodiscard]] double cpu_seconds();

}  // namespace pena::load
