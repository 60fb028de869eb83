// The command in a process that has no more threads, or is asked for too many.
#include "support/thread_shortage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/run.hpp"

namespace pena::cli {
namespace {

using testing::HasSubstr;

std::pair<int, std::string> code_and_errors(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStderr();
  const int code = run(static_cast<int>(arguments.size()), arguments.data());
  return {code, testing::internal::GetCapturedStderr()};
}

TEST(ThreadShortage, ManyJobsAreRefusedByNumber) {
  const auto [code, errors] = code_and_errors({"pena", "sim", "--jobs", "100000"});
  EXPECT_EQ(code, kBadUsage);
  EXPECT_THAT(errors, HasSubstr("jobs is 100000; expected at most 1024"));
}

TEST(ThreadShortage, JobsThatCannotStartEndTheCommandWithASentence) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  const pena::test::ThreadShortage shortage{3};
  const auto [code, errors] = code_and_errors({"pena", "sim", "--jobs", "8"});
  EXPECT_EQ(code, kFailed);
  EXPECT_THAT(errors, HasSubstr("only 3 of 8 threads can be started"));
}

TEST(ThreadShortage, ClientsThatCannotStartEndTheCommandWithASentence) {
  if (!pena::test::kThreadsCanFail) GTEST_SKIP() << pena::test::kNoFailingThreads;
  const pena::test::ThreadShortage shortage{2};
  const auto [code, errors] = code_and_errors(
      {"pena", "client", "--clients", "5", "--url", "http://127.0.0.1:1", "--log-level", "off"});
  EXPECT_EQ(code, kFailed);
  EXPECT_THAT(errors, HasSubstr("the client's thread cannot start"));
}

}  // namespace
}  // namespace pena::cli
