#include "core/xid.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

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

// Ten bits are two characters: an id is written for each msg, and one by one that takes twice as long.
using Pair = std::array<char, 2>;
constexpr std::array<Pair, 1024> make_pairs() {
  std::array<Pair, 1024> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = {kAlphabet[i >> 5U], kAlphabet[i & 31U]};
  return pairs;
}

constexpr auto kDecoding = make_decoding();
constexpr auto kPairs = make_pairs();

// Big endian, as ids are.
template <class Number>
void store(std::uint8_t* to, Number number) {
  if constexpr (std::endian::native == std::endian::little) {
    number = sizeof number == 8 ? static_cast<Number>(__builtin_bswap64(number))
                                : __builtin_bswap32(static_cast<std::uint32_t>(number));
  }
  std::memcpy(to, &number, sizeof number);
}

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

// Its first eight bytes and its last four as numbers.
Xid xid_of(std::uint64_t high, std::uint32_t low) {
  Xid::Bytes bytes{};
  store(bytes.data(), high);
  store(bytes.data() + sizeof high, low);
  return Xid{bytes};
}

// Written out, not in a loop. `seen`: all values, one on another.
template <std::size_t... kAt>
std::uint64_t decoded(const char* text, std::uint64_t& seen, std::index_sequence<kAt...> /*of*/) {
  std::uint64_t bits = 0;
  const auto add = [&](char character) {
    const std::uint64_t value = kDecoding[static_cast<unsigned char>(character)];
    seen |= value;
    bits = bits << 5U | value;
  };
  (add(text[kAt]), ...);
  return bits;
}

}  // namespace

// Twelve bytes are 19.2 characters of five bits: two groups of 40 bits, and one of 16 that has four
// bits too many.
std::optional<Xid> Xid::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  std::uint64_t seen = 0;
  const std::uint64_t first = decoded(text.data(), seen, std::make_index_sequence<8>());
  const std::uint64_t second = decoded(text.data() + 8, seen, std::make_index_sequence<8>());
  const std::uint64_t last = decoded(text.data() + 16, seen, std::make_index_sequence<4>());
  if ((seen & kInvalid) != 0 || (last & 15U) != 0) return std::nullopt;
  return xid_of(first << 24U | second >> 16U,
                static_cast<std::uint32_t>(second << 16U | last >> 4U));
}

void Xid::write_text(char* out) const {
  const auto pair = [&](std::uint64_t bits) {
    std::memcpy(out, kPairs[bits & 1023U].data(), sizeof(Pair));
    out += sizeof(Pair);
  };
  for (const unsigned shift : {54U, 44U, 34U, 24U, 14U, 4U}) pair(high() >> shift);
  const std::uint64_t rest = (high() & 15U) << 32U | low();
  for (const unsigned shift : {26U, 16U, 6U}) pair(rest >> shift);
  pair(rest << 4U);
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

Xid Xid::with(std::uint32_t second, std::uint32_t counter) const {
  Bytes bytes = bytes_;
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(second >> (24 - 8 * i));
  for (std::size_t i = 0; i < 3; ++i) {
    bytes[9 + i] = static_cast<std::uint8_t>(counter >> (16 - 8 * i));
  }
  return Xid{bytes};
}

Xid Xid::last_of(std::uint32_t second) {
  Bytes bytes{};
  bytes.fill(0xff);
  return Xid{bytes}.with(second, 0xffffff);
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

inline Xid XidFactory::id_of(std::uint64_t number) const {
  const std::uint64_t machine =
      std::uint64_t{machine_[0]} << 16U | std::uint64_t{machine_[1]} << 8U | machine_[2];
  const std::uint64_t high =
      (number >> kCounterBits) << 32U | machine << 8U | static_cast<std::uint64_t>(process_ >> 8U);
  const std::uint64_t low = (process_ & 0xffU) << kCounterBits | (number & kLastCounter);
  return xid_of(high, static_cast<std::uint32_t>(low));
}

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
