#include <string>
#include <vector>

#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/register.hpp"
#include "cli/run.hpp"

namespace pena::bind {
namespace {

// The command in this process; returns its exit code. It handles signals itself while it runs.
int run_cli(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  return cli::run(static_cast<int>(arguments.size()), argv.data());
}

}  // namespace

void register_cli(py::module_& module) {
  module.def("run_cli", &run_cli, py::arg("arguments"), WithoutGil());
}

}  // namespace pena::bind
