#include "cli/run.hpp"

int main(int argc, char** argv) {
  return pena::cli::run(argc, argv);
}
