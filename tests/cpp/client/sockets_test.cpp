// Whose sockets a started program inherits: those of whoever links the library, as he made them, and none of Pena's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "client/worker.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using test::Call;
using test::Peer;
using test::ScriptedServer;

bool is_inherited(int file) {
  return (::fcntl(file, F_GETFD) & FD_CLOEXEC) == 0;
}

// The descriptors of this process that are connected to that port.
std::vector<int> connected_to(std::uint16_t port) {
  std::vector<int> found;
  for (int file = 0; file < 1024; ++file) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(file, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.sin_family == AF_INET && ntohs(peer.sin_port) == port) found.push_back(file);
  }
  return found;
}

TEST(Sockets, AProgramThatLinksTheLibraryHasItsOwnAsItMadeThem) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(listening, plain, size), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  ASSERT_EQ(::getsockname(listening, plain, &size), 0);
  const int connected = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::connect(connected, plain, size), 0);
  const int accepted = ::accept(listening, nullptr, nullptr);
  for (const int file : {listening, connected, accepted}) {
    EXPECT_TRUE(is_inherited(file)) << file;
    ::close(file);
  }
}

TEST(Sockets, ThoseOfAWorkerAreInheritedByNobody) {
  ScriptedServer server([](const Call&, const Peer& peer) { return peer.wait_for_close(), false; });
  const Worker worker({.url = server.url(), .stop_patience = std::chrono::milliseconds{0}});
  static_cast<void>(server.next("GET"));
  const std::vector<int> own = connected_to(server.port());
  ASSERT_FALSE(own.empty());
  for (const int file : own) EXPECT_FALSE(is_inherited(file)) << file;
}

}  // namespace
}  // namespace pena::client
