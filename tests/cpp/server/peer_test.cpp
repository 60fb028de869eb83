// When a peer counts as gone, and what the kernel is told to wait.
#include "server/peer.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/limits.hpp"
#include "core/write_time.hpp"
#include "instants.hpp"

namespace pena::server::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Peer, IsGoneOnceNothingIsAcknowledgedForLong) {
  Peer peer;
  EXPECT_FALSE(peer.note(1, 0, at(0), seconds{3}));
  EXPECT_FALSE(peer.note(2, 0, at(2999), seconds{3}));
  EXPECT_FALSE(peer.is_gone());
  EXPECT_TRUE(peer.note(3, 0, at(3000), seconds{3}));
  EXPECT_TRUE(peer.is_gone());
}

TEST(Peer, StaysWhereItAcknowledgesThatItHasNoRoom) {
  Peer peer;
  for (int second = 0; second < 600; ++second) {
    // Asked, and soon answered.
    ASSERT_FALSE(peer.note(0, second % 4 == 0 ? 1 : 0, at(second * 1000), seconds{3}));
  }
  EXPECT_FALSE(peer.note(0, 1, at(600'000), seconds{3}));
  EXPECT_TRUE(peer.note(0, 2, at(603'000), seconds{3}));
}

unsigned told(core::Duration longest) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  wait_for_acknowledgements(socket, longest);
  unsigned ms = 0;
  socklen_t size = sizeof ms;
  EXPECT_EQ(::getsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size), 0);
  ::close(socket);
  return ms;
}

TEST(Peer, TheKernelIsToldATimeThatItTakesWhateverTheLease) {
  EXPECT_EQ(told(seconds{15}), 15'000U);
  EXPECT_EQ(told(core::Duration{1}), 1U);
  core::Limits limits;
  for (const auto lease : {seconds{4'294'968}, seconds{30 * 86'400}, seconds{365 * 86'400}}) {
    limits.timing.lease = lease;
    EXPECT_EQ(told(core::longest_write(limits)),
              std::min<std::int64_t>(lease.count() * 1000, 2'147'483'647))
        << lease.count();
  }
}

}  // namespace
}  // namespace pena::server::test
