// The engines name a setting as Python does, `error_bytes`; on the command line it is an option.
#pragma once

#include <string>

namespace pena::cli {

// The sentence with the names of options for those of settings: "--max-error must be …".
[[nodiscard]] std::string with_option_names(const std::string& sentence);

}  // namespace pena::cli
