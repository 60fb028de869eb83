#include "server/xid_source.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <random>
#include <string>

namespace pena::server {
namespace {

std::string machine_name() {
  std::string name;
  std::ifstream file("/etc/machine-id");
  if (file >> name && !name.empty()) return name;
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) return host.data();
  return {};
}

// FNV-1a: three bytes that differ from machine to machine are all that is wanted.
std::uint32_t hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261U;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  }
  return hash ^ (hash >> 24U);
}

}  // namespace

core::XidFactory make_process_xids() {
  std::random_device random;
  const std::string name = machine_name();
  const std::uint32_t machine = name.empty() ? random() : hash_of(name);
  const auto byte = [&](unsigned shift) {
    return static_cast<std::uint8_t>((machine >> shift) & 0xffU);
  };
  return core::XidFactory({byte(16), byte(8), byte(0)}, static_cast<std::uint16_t>(::getpid()),
                          random());
}

}  // namespace pena::server
