// Makes msgs. Pure: the k-th period is a function of the seed and k alone, so a run can be
// repeated and a restarted server goes on where it was.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/instant.hpp"
#include "core/msg.hpp"
#include "core/xid.hpp"

namespace pena::turn {

class Generator {
 public:
  struct Settings {
    std::optional<std::uint64_t>
        count;                   // in all, those made before a restart included; none: endless
    std::optional<double> rate;  // msgs a second; none: as many as are asked for
    std::uint64_t seed = 0;
    bool yields = false;  // to what is submitted: it ends with the first msg of the queue `default`
  };
  static constexpr std::uint32_t kLongestPeriod = 1000;  // ms; the shortest is 1
  // What a rate would have made while nobody asked is made up for, as far as it is of so long.
  static constexpr core::Duration kMadeUpFor = std::chrono::seconds{1};

  // `made`: how many it has made before (the store's meta "generated").
  Generator(const Settings& settings, std::uint64_t made, core::Instant now);

  // At most `wanted` msgs; fewer where the rate does not allow more by `now` or the count is
  // reached. `date`: of their ids.
  [[nodiscard]] std::vector<core::Msg> make(std::size_t wanted, core::XidFactory& ids,
                                            core::Instant now, core::Instant date);
  // When the rate allows the next msg, which may be past; nothing where there is no rate or no more
  // will come.
  [[nodiscard]] std::optional<core::Instant> next_at() const;
  [[nodiscard]] bool ended() const;
  [[nodiscard]] bool yields() const { return settings_.yields; }
  // It makes no more.
  void end() { settings_.count = made_; }
  [[nodiscard]] bool rated() const { return settings_.rate.has_value(); }
  [[nodiscard]] std::uint64_t made() const { return made_; }

  // Uniform in 1..kLongestPeriod.
  [[nodiscard]] static std::uint32_t period(std::uint64_t seed, std::uint64_t index);

 private:
  [[nodiscard]] std::optional<core::Duration> time_for(std::uint64_t msgs) const;
  void forget_long_ago(core::Instant now);

  Settings settings_;
  std::uint64_t made_;
  // The rate counts from here: so many had been made then.
  std::uint64_t made_before_;
  core::Instant started_;
};

}  // namespace pena::turn
