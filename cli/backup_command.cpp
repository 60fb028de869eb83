#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "store/backup.hpp"

namespace pena::cli {

int run_backup(const BackupCommand& command) {
  const std::uint64_t bytes = store::back_up(command.store, command.to);
  if (command.output.json) {
    print_line(nlohmann::ordered_json{{"to", command.to}, {"bytes", bytes}}.dump());
  } else {
    print_line("backup: " + std::to_string(bytes) + " bytes in " + command.to);
  }
  return kOk;
}

}  // namespace pena::cli
