#include "process/fork.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>

#include "process/standard_files.hpp"

namespace {

using namespace pena;

bool is_open(int file) {
  return fcntl(file, F_GETFD) != -1;
}

// What a forked child answers.
int in_a_child(const std::function<int()>& answer) {
  const pid_t child = fork();
  if (child == 0) std::_Exit(answer());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int temporary_file() {
  std::string name = "/tmp/pena-fork-XXXXXX";
  const int file = mkstemp(name.data());
  unlink(name.c_str());
  return file;
}

TEST(Fork, AChildClosesWhatItWasToldOf) {
  const int mine = temporary_file();
  const int shared = temporary_file();
  process::close_in_forked_children(mine);
  EXPECT_EQ(in_a_child([&] { return (is_open(mine) ? 1 : 0) + (is_open(shared) ? 2 : 0); }), 2);
  EXPECT_TRUE(is_open(mine));
  close(mine);
  close(shared);
}

TEST(Fork, AChildKeepsWhatHasTheNumberNow) {
  const int before = temporary_file();
  process::close_in_forked_children(before);
  const int other = temporary_file();
  ASSERT_EQ(dup2(other, before), before);
  EXPECT_EQ(in_a_child([&] { return is_open(before) ? 7 : 8; }), 7);
  close(before);
  close(other);
}

TEST(Fork, AGrandchildIsFreeToUseTheNumber) {
  const int mine = temporary_file();
  process::close_in_forked_children(mine);
  EXPECT_EQ(in_a_child([&] {
              const int own = temporary_file();  // gets the number
              return own == mine ? in_a_child([&] { return is_open(own) ? 7 : 8; }) : 9;
            }),
            7);
  close(mine);
}

TEST(Fork, ALockEndsWithItsProcessAndNotWithItsChild) {
  std::string name = "/tmp/pena-fork-XXXXXX";
  const int mine = mkstemp(name.data());
  process::close_in_forked_children(mine);
  ASSERT_EQ(flock(mine, LOCK_EX | LOCK_NB), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {  // lives until the pipe is closed
    close(ends[1]);
    char byte = 0;
    std::_Exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  close(ends[0]);
  // A process that has the number still would have the lock, so wait until it has run.
  close(mine);
  const int other = open(name.c_str(), O_RDWR | O_CLOEXEC);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  bool locked = false;
  while (!locked && std::chrono::steady_clock::now() < deadline) {
    locked = flock(other, LOCK_EX | LOCK_NB) == 0;
  }
  EXPECT_TRUE(locked);
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "the child lives";
  close(ends[1]);
  waitpid(child, nullptr, 0);
  close(other);
  unlink(name.c_str());
}

TEST(StandardFiles, WhatIsClosedBecomesDevNull) {
  EXPECT_EQ(in_a_child([] {
              close(0);
              close(2);
              process::secure_standard_files();
              const bool all = is_open(0) && is_open(1) && is_open(2);
              return all && write(2, "x", 1) == 1 && temporary_file() > 2 ? 7 : 8;
            }),
            7);
}

}  // namespace
