// xid: a 12 byte id that sorts by time, in the layout and text form of github.com/rs/xid.
//
//   byte  0..3  seconds since the Unix epoch, big endian
//         4..6  machine
//         7..8  process, big endian
//         9..11 counter, big endian
//
//   text        20 characters of lower-case base32hex (RFC 4648), no padding; sorts as the bytes do
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/instant.hpp"

namespace pena::core {

class Xid {
 public:
  static constexpr std::size_t kBytes = 12;
  static constexpr std::size_t kTextLength = 20;
  using Bytes = std::array<std::uint8_t, kBytes>;

  constexpr Xid() = default;
  constexpr explicit Xid(const Bytes& bytes) : bytes_(bytes) {}

  // Refuses everything but the one text form of an id: a wrong length, a character outside
  // 0-9a-v, and a last character whose four unused bits are not zero.
  [[nodiscard]] static std::optional<Xid> parse(std::string_view text);

  // Writes kTextLength characters to `out`, no terminating zero.
  void write_text(char* out) const;
  [[nodiscard]] std::string text() const;

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::uint32_t seconds() const;
  [[nodiscard]] std::array<std::uint8_t, 3> machine() const;
  [[nodiscard]] std::uint16_t process() const;
  [[nodiscard]] std::uint32_t counter() const;
  // Whether one machine and process made both.
  [[nodiscard]] bool has_origin_of(const Xid& other) const {
    return std::memcmp(bytes_.data() + 4, other.bytes_.data() + 4, 5) == 0;
  }
  // Of the machine and process of this one. `counter`: of 24 bits.
  [[nodiscard]] Xid with(std::uint32_t second, std::uint32_t counter) const;
  // The last that any machine and process could make in this second.
  [[nodiscard]] static Xid last_of(std::uint32_t second);
  [[nodiscard]] bool is_nil() const { return *this == Xid{}; }

  // As numbers, both: library calls for twelve bytes were a quarter of what a server with large
  // batches did.
  friend constexpr bool operator==(const Xid& a, const Xid& b) {
    return a.high() == b.high() && a.low() == b.low();
  }
  // In the order of the bytes.
  friend constexpr std::strong_ordering operator<=>(const Xid& a, const Xid& b) {
    const auto order = a.high() <=> b.high();
    return order != 0 ? order : a.low() <=> b.low();
  }

 private:
  friend struct std::hash<Xid>;

  // The bytes from there on as one number, big endian. Put together byte by byte it is one load all the
  // same, but gcc takes it for too long to be inlined.
  template <class Number, std::size_t kFrom>
  [[nodiscard]] constexpr Number number() const {
    Number number = 0;
    if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
      for (std::size_t i = 0; i < sizeof number; ++i) number = number << 8U | bytes_[kFrom + i];
      return number;
    }
    std::memcpy(&number, bytes_.data() + kFrom, sizeof number);
    if constexpr (sizeof number == 8) return __builtin_bswap64(number);
    return __builtin_bswap32(static_cast<std::uint32_t>(number));
  }
  [[nodiscard]] constexpr std::uint64_t high() const { return number<std::uint64_t, 0>(); }
  [[nodiscard]] constexpr std::uint64_t low() const { return number<std::uint32_t, 8>(); }

  Bytes bytes_{};
};

// Makes ids, each greater than the one before. Second and counter are one number of 56 bits, the
// time in units of 1/2^24 s: the next id is the time, or one more than the last where that is not
// behind the time. So a counter that is full makes the second run ahead, and a clock that goes back
// changes nothing; a process that begins later begins higher, whatever the second.
//
// Pure but for that number: the time is an argument, and where a process gets its machine and
// process from is the caller's business (server/xid_source). Copies share the number, and what is left
// out. Any thread may call any member of any copy.
class XidFactory {
 public:
  // The first day of 2100. A clock that is past it is not believed: ids end in February 2106, and one
  // that had that second would leave none for those behind it.
  static constexpr Instant kEndOfDates = from_us(4'102'444'800'000'000);

  XidFactory(std::array<std::uint8_t, 3> machine, std::uint16_t process);

  [[nodiscard]] Xid next(Instant date);
  // So many, one after the other.
  [[nodiscard]] std::vector<Xid> next(Instant date, std::size_t count);
  // From here on every id is of a later second than this one.
  void begin_behind(std::uint32_t second);
  // Of these, `next` makes none: somebody brought them before it came to them.
  void leave_out(const std::vector<Xid>& ids);
  // The second that ids have got to.
  [[nodiscard]] std::uint32_t second() const;
  // Whether `next` may still make this id. Nobody else may bring it.
  [[nodiscard]] bool may_make(const Xid& id) const;

 private:
  struct Made;
  void make(Instant date, std::span<Xid> ids);
  [[nodiscard]] Xid id_of(std::uint64_t number) const;

  std::array<std::uint8_t, 3> machine_;
  std::uint16_t process_;
  std::shared_ptr<Made> made_;
};

}  // namespace pena::core

template <>
struct std::hash<pena::core::Xid> {
  std::size_t operator()(const pena::core::Xid& xid) const noexcept {
    // Ids of one process differ in the time and the counter only; both must reach the low bits.
    std::uint64_t mixed = (xid.high() ^ (xid.low() << 21U)) * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 32U;
    mixed = (mixed + xid.low()) * 0xbf58476d1ce4e5b9ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 29U));
  }
};
