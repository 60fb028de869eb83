#include "server/xid_source.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "process/fork.hpp"

namespace pena::server {
namespace {

std::string machine_name() {
  std::string name;
  std::ifstream file("/etc/machine-id");
  // An image has this word until its first boot.
  if (file >> name && !name.empty() && name != "uninitialized") return name;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) return host.data();
  return {};
}

// Two containers may have one machine's name between them, and each its own names of sockets (below):
// those of live ones differ in the lower bytes of this number.
std::uint32_t number_of_network() {
  struct stat about {};
  return ::stat("/proc/self/ns/net", &about) == 0 ? static_cast<std::uint32_t>(about.st_ino) : 0;
}

// FNV-1a: three bytes that differ from machine to machine are all that is wanted.
std::uint32_t hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261U;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  }
  return hash ^ (hash >> 24U);
}

// An abstract socket's name is one process's at a time, and free again when that process ends,
// however it ends: nobody closes this one. Nothing is left behind on a disk, and every user may take
// one. False with errno where it cannot be had.
bool own_name(std::uint32_t machine, std::uint16_t number) {
  const int file = [] {
    const process::ForkWaits waits;
    const int made = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    process::close_in_forked_children(made, waits);
    return made;
  }();
  if (file < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  char* const name = address.sun_path + 1;
  const int length = std::snprintf(name, sizeof address.sun_path - 1, "pena/xid/%06x/%04x",
                                   machine & 0xffffffU, unsigned{number});
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 +
                                           static_cast<std::size_t>(length));
  if (::bind(file, reinterpret_cast<const sockaddr*>(&address), size) == 0) return true;
  const int code = errno;
  ::close(file);
  errno = code;
  return false;
}

constexpr std::uint32_t kNumbers = 0x10000;

struct Owned {
  ProcessXids xids;
  pid_t process = 0;
};

Owned own_number() {
  std::random_device random;
  const std::string name = machine_name();
  const std::uint32_t machine = (name.empty() ? random() : hash_of(name)) ^ number_of_network();
  const auto byte = [&](unsigned shift) {
    return static_cast<std::uint8_t>((machine >> shift) & 0xffU);
  };
  const std::array<std::uint8_t, 3> bytes{byte(16), byte(8), byte(0)};
  const pid_t process = ::getpid();
  for (std::uint32_t tried = 0; tried < kNumbers; ++tried) {
    const auto number = static_cast<std::uint16_t>(static_cast<std::uint32_t>(process) + tried);
    if (own_name(machine, number)) return {{core::XidFactory{bytes, number}, {}}, process};
    if (errno != EADDRINUSE) break;
  }
  return {{core::XidFactory{bytes, static_cast<std::uint16_t>(process)},
           std::string{"no number of its own for the ids of this process ("} +
               std::strerror(errno) + "): another process of this machine might make the same"},
          process};
}

}  // namespace

ProcessXids process_xids() {
  static std::mutex mutex;
  static std::optional<Owned> owned;
  const std::lock_guard lock(mutex);
  // What a forked child finds here is its parent's.
  if (!owned || owned->process != ::getpid()) owned = own_number();
  return owned->xids;
}

}  // namespace pena::server
