#include "core/xid.hpp"

namespace pena::core {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuv";
constexpr std::uint8_t kInvalid = 0x80;  // no value of five bits has this bit

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

// Twelve bytes are 19.2 characters of five bits: two groups of 40 bits, and one of 16 that has four
// bits too many.
std::optional<Xid> Xid::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  std::uint8_t seen = 0;
  const auto group = [&](std::size_t from, std::size_t length) {
    std::uint64_t bits = 0;
    for (std::size_t i = from; i < from + length; ++i) {
      const std::uint8_t value = kDecoding[static_cast<unsigned char>(text[i])];
      seen |= value;
      bits = (bits << 5U) | (value & 31U);
    }
    return bits;
  };
  const std::array<std::uint64_t, 3> groups{group(0, 8), group(8, 8), group(16, 4)};
  if ((seen & kInvalid) != 0 || (groups[2] & 15U) != 0) return std::nullopt;
  Bytes bytes{};
  for (std::size_t i = 0; i < 5; ++i) {
    bytes[i] = static_cast<std::uint8_t>(groups[0] >> (32 - 8 * i));
    bytes[5 + i] = static_cast<std::uint8_t>(groups[1] >> (32 - 8 * i));
  }
  bytes[10] = static_cast<std::uint8_t>(groups[2] >> 12U);
  bytes[11] = static_cast<std::uint8_t>(groups[2] >> 4U);
  return Xid{bytes};
}

void Xid::write_text(char* out) const {
  const auto group = [&](std::uint64_t bits, std::size_t length) {
    for (std::size_t i = length; i-- > 0; bits >>= 5U) out[i] = kAlphabet[bits & 31U];
    out += length;
  };
  const auto bytes = [&](std::size_t from, std::size_t length) {
    std::uint64_t bits = 0;
    for (std::size_t i = from; i < from + length; ++i) bits = (bits << 8U) | bytes_[i];
    return bits;
  };
  group(bytes(0, 5), 8);
  group(bytes(5, 5), 8);
  group(bytes(10, 2) << 4U, 4);
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

bool XidFactory::may_make(const Xid& id, std::uint32_t unix_seconds) const {
  if (id.machine() != machine_ || id.process() != process_) return false;
  if (id.seconds() != unix_seconds) return id.seconds() > unix_seconds;
  // The counter has 24 bits and begins anywhere: ahead is what it reaches within half of its way.
  const std::uint32_t ahead =
      (id.counter() - counter_->load(std::memory_order_relaxed)) & 0xffffffU;
  return ahead < 0x800000U;
}

}  // namespace pena::core
