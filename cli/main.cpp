#include "cli/run.hpp"
#include "process/mapped_file.hpp"

int main(int argc, char** argv) {
  pena::process::tell_of_bad_maps();
  return pena::cli::run(argc, argv);
}
