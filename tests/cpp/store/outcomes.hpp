// Work that is to fail, or that another process does.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "store/store.hpp"

namespace pena::store::test {

// Runs `work` in a forked child; its exit code.
template <class Work>
int in_a_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const StoreError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace pena::store::test
