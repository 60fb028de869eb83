// Where ids come from: one source a process, and a number that no other process has.
#include "server/xid_source.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <functional>

namespace pena::server {
namespace {

constexpr ssize_t kIdSize = core::Xid::kBytes;
const core::Instant kNow = core::from_us(1'700'000'000'000'000);

core::Xid next_id() {
  return process_xids().ids.next(kNow);
}

// What `action` gives in a forked child.
core::Xid in_child(const std::function<core::Xid()>& action) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const core::Xid id = action();
    const ssize_t size = ::write(ends[1], id.bytes().data(), core::Xid::kBytes);
    ::_exit(size == kIdSize ? 0 : 1);
  }
  core::Xid::Bytes bytes{};
  EXPECT_EQ(::read(ends[0], bytes.data(), bytes.size()), kIdSize);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return core::Xid{bytes};
}

TEST(XidSource, AllOfAProcessComesFromOneSource) {
  const core::Xid first = next_id();
  const core::Xid second = next_id();
  EXPECT_GT(second, first);
  EXPECT_EQ(second.process(), first.process());
  EXPECT_EQ(process_xids().problem, "");
}

TEST(XidSource, AForkedChildHasANumberOfItsOwn) {
  const core::Xid mine = next_id();
  const core::Xid its = in_child(next_id);
  EXPECT_EQ(its.machine(), mine.machine());
  EXPECT_NE(its.process(), mine.process());
  EXPECT_EQ(next_id().process(), mine.process());
}

// The names of sockets are a network namespace's own: two of them give the same number.
TEST(XidSource, WhoeverHasOtherNamesHasAnotherMachine) {
  const core::Xid mine = next_id();
  const core::Xid its = in_child([] {
    const bool apart = ::unshare(CLONE_NEWNET) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    return apart ? next_id() : core::Xid{};
  });
  if (its.is_nil()) GTEST_SKIP() << "no network namespace may be made here";
  EXPECT_NE(its.machine(), mine.machine());
}

// As two processes with the pid 1 in two containers.
TEST(XidSource, ANumberThatAnotherProcessHasIsPassedOver) {
  const core::Xid mine = next_id();
  const core::Xid its = in_child([&] {
    const int file = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto machine = mine.machine();
    const int length =
        std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
                      "pena/xid/%02x%02x%02x/%04x", unsigned{machine[0]}, unsigned{machine[1]},
                      unsigned{machine[2]}, static_cast<unsigned>(::getpid()) & 0xffffU);
    const auto size = offsetof(sockaddr_un, sun_path) + 1 + static_cast<std::size_t>(length);
    if (::bind(file, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size)) !=
        0) {
      ::_exit(2);
    }
    const core::Xid id = next_id();
    if (id.process() == static_cast<std::uint16_t>(::getpid())) ::_exit(3);
    return id;
  });
  EXPECT_NE(its.process(), mine.process());
}

}  // namespace
}  // namespace pena::server
