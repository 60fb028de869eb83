// Whether the system would execute a file.
#pragma once

#include <string>
#include <system_error>

namespace pena::process {

// Why the file cannot be executed, found out before anything depends on it: a script whose interpreter is missing,
// a program of another machine. It is executed without arguments and ended before its first instruction. No error:
// it can be, or nobody can tell before it is.
[[nodiscard]] std::error_code execution_problem(const std::string& file);

// Such an error is of the file itself; any other is of the machine, or of the arguments.
[[nodiscard]] bool is_of_the_file(const std::error_code& error);

}  // namespace pena::process
