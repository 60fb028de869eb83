// Whether the system would execute a file.
#pragma once

#include <string>
#include <system_error>

namespace pena::process {

// What a script that names no interpreter is run by.
inline constexpr const char* kShell = "/bin/sh";
// Whether a file that the system does not know how to execute may be such a script: its first line is text, as that of
// a program of another machine is not.
[[nodiscard]] bool is_for_the_shell(const std::string& file);

// Why the file cannot be executed, found out before anything depends on it: a script whose interpreter is missing,
// a program of another machine. It is executed without arguments and ended before its first instruction. No error:
// it can be, or nobody can tell before it is.
[[nodiscard]] std::error_code execution_problem(const std::string& file);

// Such an error is of the file itself; any other is of the machine, or of the arguments.
[[nodiscard]] bool is_of_the_file(const std::error_code& error);

}  // namespace pena::process
