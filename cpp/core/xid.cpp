#include "core/xid.hpp"

#include <algorithm>

#include "core/check.hpp"

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

constexpr unsigned kCounterBits = 24;
constexpr std::uint64_t kLastCounter = (1U << kCounterBits) - 1;
constexpr std::uint64_t kEnd = std::uint64_t{1} << (32 + kCounterBits);

// As an id has it: seconds and parts of 2^24. Zero for a date that no clock has yet which goes right.
std::uint64_t number_of(Instant date) {
  constexpr std::uint64_t kMicroseconds = 1'000'000;
  if (date >= XidFactory::kEndOfDates) return 0;
  const std::uint64_t us = static_cast<std::uint64_t>(std::max<std::int64_t>(to_us(date), 0));
  return ((us / kMicroseconds) << kCounterBits) |
         ((us % kMicroseconds << kCounterBits) / kMicroseconds);
}

std::uint64_t number_of(const Xid& id) {
  return (std::uint64_t{id.seconds()} << kCounterBits) | id.counter();
}

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

Xid Xid::last_of(std::uint32_t second) {
  Bytes bytes{};
  bytes.fill(0xff);
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(second >> (24 - 8 * i));
  return Xid{bytes};
}

// What all copies share.
struct XidFactory::Made {
  // In order. Whoever reads may do so while there come more: so what there was before stays.
  struct LeftOut {
    std::vector<std::uint64_t> numbers;
    const LeftOut* before = nullptr;
  };

  Made() = default;
  ~Made() {
    for (const LeftOut* out = left_out; out != nullptr;) delete std::exchange(out, out->before);
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;

  [[nodiscard]] std::uint64_t not_left_out(std::uint64_t number) const {
    const LeftOut* const out = left_out.load(std::memory_order_acquire);
    if (out == nullptr) return number;
    for (auto at = std::ranges::lower_bound(out->numbers, number);
         at != out->numbers.end() && *at == number; ++at) {
      ++number;
    }
    return number;
  }

  std::atomic<std::uint64_t> last = 0;  // second << 24 | counter
  std::atomic<const LeftOut*> left_out = nullptr;
};

XidFactory::XidFactory(std::array<std::uint8_t, 3> machine, std::uint16_t process)
    : machine_(machine), process_(process), made_(std::make_shared<Made>()) {}

Xid XidFactory::next(Instant date) {
  Xid id;
  make(date, {&id, 1});
  return id;
}

std::vector<Xid> XidFactory::next(Instant date, std::size_t count) {
  std::vector<Xid> ids(count);
  make(date, ids);
  return ids;
}

void XidFactory::make(Instant date, std::span<Xid> ids) {
  const std::uint64_t time = number_of(date);
  std::uint64_t last = made_->last.load(std::memory_order_relaxed);
  std::uint64_t number = 0;
  do {
    number = last;
    for (Xid& id : ids) {
      number = made_->not_left_out(std::max(number + 1, time));
      id = id_of(number);
    }
  } while (!made_->last.compare_exchange_weak(last, number, std::memory_order_relaxed));
  PENA_CHECK(number < kEnd);
}

Xid XidFactory::id_of(std::uint64_t number) const {
  const auto byte = [](std::uint64_t value, unsigned shift) {
    return static_cast<std::uint8_t>((value >> shift) & 0xffU);
  };
  return Xid{Xid::Bytes{byte(number, 48), byte(number, 40), byte(number, 32), byte(number, 24),
                        machine_[0], machine_[1], machine_[2], byte(process_, 8), byte(process_, 0),
                        byte(number, 16), byte(number, 8), byte(number, 0)}};
}

void XidFactory::begin_behind(std::uint32_t second) {
  const std::uint64_t end = (std::uint64_t{second} << kCounterBits) | kLastCounter;
  std::uint64_t last = made_->last.load(std::memory_order_relaxed);
  while (last < end && !made_->last.compare_exchange_weak(last, end, std::memory_order_relaxed)) {
  }
}

void XidFactory::leave_out(const std::vector<Xid>& ids) {
  if (ids.empty()) return;
  auto more = std::make_unique<Made::LeftOut>();
  const Made::LeftOut* before = made_->left_out.load(std::memory_order_acquire);
  do {
    more->before = before;
    more->numbers = before == nullptr ? std::vector<std::uint64_t>{} : before->numbers;
    for (const Xid& id : ids) {
      if (may_make(id)) more->numbers.push_back(number_of(id));
    }
    std::ranges::sort(more->numbers);
    // clang 14 cannot read the subrange of std::ranges::unique in gcc 12's library.
    more->numbers.erase(std::unique(more->numbers.begin(), more->numbers.end()),
                        more->numbers.end());
  } while (!made_->left_out.compare_exchange_weak(before, more.get(), std::memory_order_acq_rel));
  (void)more.release();
}

std::uint32_t XidFactory::second() const {
  return static_cast<std::uint32_t>(made_->last.load(std::memory_order_relaxed) >> kCounterBits);
}

bool XidFactory::may_make(const Xid& id) const {
  return id.machine() == machine_ && id.process() == process_ &&
         number_of(id) > made_->last.load(std::memory_order_relaxed);
}

}  // namespace pena::core
