// Whether a file can be executed, without a step of it being run.
#include "process/executable.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace pena::process {
namespace {

namespace fs = std::filesystem;

// A script, removed at the end.
class Script {
 public:
  explicit Script(const std::string& text)
      : path_(fs::temp_directory_path() / ("pena-script-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << text;
    fs::permissions(path_, fs::perms::owner_all);
  }
  ~Script() { fs::remove(path_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  [[nodiscard]] std::string path() const { return path_; }

 private:
  fs::path path_;
};

int problem(const std::string& file) {
  return execution_problem(file).value();
}

TEST(Executable, AProgramIs) {
  EXPECT_EQ(problem("/bin/sh"), 0);
}

TEST(Executable, WhatIsMissingOrForbiddenOrNoProgramIsNot) {
  EXPECT_EQ(problem("/no/such/command"), ENOENT);
  EXPECT_EQ(problem("/etc/passwd"), EACCES);
  EXPECT_EQ(problem("/etc"), EACCES);
  EXPECT_EQ(problem(Script{std::string{"\x7f"
                                       "ELF\0\n",
                                       6}}
                        .path()),
            ENOEXEC);
}

TEST(Executable, AScriptIsAsItsInterpreterIs) {
  EXPECT_EQ(problem(Script{"#!/bin/sh\n"}.path()), 0);
  EXPECT_EQ(problem(Script{"#!/no/such/interpreter\n"}.path()), ENOENT);
}

TEST(Executable, AScriptThatNamesNoInterpreterIsTheShells) {
  EXPECT_EQ(problem(Script{"echo hello\n"}.path()), 0);
  EXPECT_EQ(problem(Script{""}.path()), 0);
  EXPECT_EQ(problem(Script{std::string{"exit\n\0", 6}}.path()), 0);
}

TEST(Executable, NothingOfItIsRun) {
  const std::string mark = fs::temp_directory_path() / ("pena-ran-" + std::to_string(::getpid()));
  EXPECT_EQ(problem(Script{"#!/bin/sh\n>" + mark + "\n"}.path()), 0);
  EXPECT_FALSE(fs::remove(mark));
}

TEST(Executable, SaysWhichErrorsAreOfTheFile) {
  const auto is_of_the_file = [](int code) {
    return process::is_of_the_file({code, std::generic_category()});
  };
  EXPECT_TRUE(is_of_the_file(ENOENT));
  EXPECT_TRUE(is_of_the_file(ENOEXEC));
  EXPECT_TRUE(is_of_the_file(EINVAL));
  EXPECT_FALSE(is_of_the_file(EMFILE));
  EXPECT_FALSE(is_of_the_file(EAGAIN));
  EXPECT_FALSE(is_of_the_file(ENOMEM));
  EXPECT_FALSE(is_of_the_file(ETXTBSY));
}

}  // namespace
}  // namespace pena::process
