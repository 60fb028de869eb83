#include "core/xid.hpp"

#include <cstring>

namespace pena::core {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuv";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> make_decoding() {
  std::array<std::uint8_t, 256> table{};
  table.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr auto kDecoding = make_decoding();

}  // namespace

std::optional<Xid> Xid::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  Bytes bytes{};
  std::uint32_t bits = 0;
  unsigned pending = 0;
  std::size_t filled = 0;
  for (const char character : text) {
    const std::uint8_t value = kDecoding[static_cast<unsigned char>(character)];
    if (value == kInvalid) return std::nullopt;
    bits = (bits << 5U) | value;
    pending += 5;
    if (pending >= 8 && filled < kBytes) {
      pending -= 8;
      bytes[filled++] = static_cast<std::uint8_t>(bits >> pending);
    }
  }
  const std::uint32_t unused = bits & ((1U << pending) - 1U);
  if (unused != 0) return std::nullopt;
  return Xid{bytes};
}

void Xid::write_text(char* out) const {
  std::uint32_t bits = 0;
  unsigned pending = 0;
  for (const std::uint8_t byte : bytes_) {
    bits = (bits << 8U) | byte;
    pending += 8;
    while (pending >= 5) {
      pending -= 5;
      *out++ = kAlphabet[(bits >> pending) & 31U];
    }
  }
  *out = kAlphabet[(bits << (5U - pending)) & 31U];
}

std::string Xid::text() const {
  std::string out(kTextLength, '0');
  write_text(out.data());
  return out;
}

std::uint32_t Xid::seconds() const {
  return (std::uint32_t{bytes_[0]} << 24U) | (std::uint32_t{bytes_[1]} << 16U) |
         (std::uint32_t{bytes_[2]} << 8U) | std::uint32_t{bytes_[3]};
}

std::array<std::uint8_t, 3> Xid::machine() const {
  return {bytes_[4], bytes_[5], bytes_[6]};
}

std::uint16_t Xid::process() const {
  return static_cast<std::uint16_t>((bytes_[7] << 8) | bytes_[8]);
}

std::uint32_t Xid::counter() const {
  return (std::uint32_t{bytes_[9]} << 16U) | (std::uint32_t{bytes_[10]} << 8U) |
         std::uint32_t{bytes_[11]};
}

XidFactory::XidFactory(std::array<std::uint8_t, 3> machine, std::uint16_t process,
                       std::uint32_t counter_start)
    : machine_(machine),
      process_(process),
      counter_(std::make_shared<std::atomic<std::uint32_t>>(counter_start)) {}

Xid XidFactory::next(std::uint32_t unix_seconds) {
  const std::uint32_t counter = counter_->fetch_add(1, std::memory_order_relaxed);
  const auto byte = [](std::uint32_t value, unsigned shift) {
    return static_cast<std::uint8_t>((value >> shift) & 0xffU);
  };
  return Xid{Xid::Bytes{byte(unix_seconds, 24), byte(unix_seconds, 16), byte(unix_seconds, 8),
                        byte(unix_seconds, 0), machine_[0], machine_[1], machine_[2],
                        byte(process_, 8), byte(process_, 0), byte(counter, 16), byte(counter, 8),
                        byte(counter, 0)}};
}

}  // namespace pena::core

std::size_t std::hash<pena::core::Xid>::operator()(const pena::core::Xid& xid) const noexcept {
  // Ids of one process differ in the time and the counter only; both must reach the low bits.
  std::uint64_t high = 0;
  std::uint32_t low = 0;
  std::memcpy(&high, xid.bytes().data(), sizeof high);
  std::memcpy(&low, xid.bytes().data() + sizeof high, sizeof low);
  std::uint64_t mixed = (high ^ (std::uint64_t{low} << 21U)) * 0x9e3779b97f4a7c15ULL;
  mixed ^= mixed >> 32U;
  mixed = (mixed + low) * 0xbf58476d1ce4e5b9ULL;
  return static_cast<std::size_t>(mixed ^ (mixed >> 29U));
}
