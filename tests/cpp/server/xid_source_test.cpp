// Where a process gets its ids from.
#include "server/xid_source.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pena::server::test {
namespace {

TEST(XidSource, NamesTheMachineAndTheProcess) {
  const core::Xid one = make_process_xids().next(77);
  const core::Xid two = make_process_xids().next(77);
  EXPECT_EQ(one.seconds(), 77U);
  EXPECT_EQ(one.machine(), two.machine());
  EXPECT_EQ(one.process(), static_cast<std::uint16_t>(::getpid()));
  EXPECT_NE(one.counter(), two.counter());  // each begins at random
}

TEST(XidSource, DiffersAfterAFork) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const core::Xid::Bytes bytes = make_process_xids().next(77).bytes();
    ::_exit(::write(ends[1], bytes.data(), bytes.size()) == core::Xid::kBytes ? 0 : 1);
  }
  core::Xid::Bytes bytes{};
  ASSERT_EQ(::read(ends[0], bytes.data(), bytes.size()), core::Xid::kBytes);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  const core::Xid of_child{bytes};
  const core::Xid own = make_process_xids().next(77);
  EXPECT_EQ(of_child.machine(), own.machine());
  EXPECT_EQ(of_child.process(), static_cast<std::uint16_t>(child));
}

}  // namespace
}  // namespace pena::server::test
