// The subcommands. Each runs to its end and returns the exit code; failures are the engines'
// exceptions.
#pragma once

#include "cli/options.hpp"

namespace pena::cli {

[[nodiscard]] int run_server(const ServerCommand& command);
[[nodiscard]] int run_client(const ClientCommand& command);
[[nodiscard]] int run_demo(const DemoCommand& command);
[[nodiscard]] int run_sim(const SimCommand& command);
[[nodiscard]] int run_check(const CheckCommand& command);
[[nodiscard]] int run_backup(const BackupCommand& command);
[[nodiscard]] int run_bench(const BenchCommand& command);
[[nodiscard]] int run_put(const PutCommand& command);
[[nodiscard]] int run_work(const WorkCommand& command);

}  // namespace pena::cli
