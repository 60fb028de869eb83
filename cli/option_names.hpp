// The engines name a setting as Python does, `error_bytes`, and tell sizes in bytes; on the command line it is an
// option, and a size has its unit.
#pragma once

#include <string>

namespace pena::cli {

// The sentence with the names of options for those of settings, and sizes as one types them: "--max-error must be
// at most 64KiB, …".
[[nodiscard]] std::string as_typed(const std::string& sentence);

}  // namespace pena::cli
