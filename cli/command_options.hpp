// Which options each command has. Brings CLI11 with it: for the two sources that read options alone.
#pragma once

#include "cli/option_adder.hpp"
#include "cli/options.hpp"

namespace pena::cli {

void add_server(OptionAdder& add, ServerCommand& command);
void add_client(OptionAdder& add, ClientCommand& command);
void add_demo(OptionAdder& add, DemoCommand& command);
void add_sim(OptionAdder& add, SimCommand& command);
void add_check(OptionAdder& add, CheckCommand& command);
void add_backup(OptionAdder& add, BackupCommand& command);
void add_bench(OptionAdder& add, BenchCommand& command);
void add_put(OptionAdder& add, PutCommand& command);
void add_work(OptionAdder& add, WorkCommand& command);

}  // namespace pena::cli
