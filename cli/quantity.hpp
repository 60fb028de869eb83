// Times and sizes as people write them: 250ms, 2s, 8MiB.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/instant.hpp"
#include "core/limits.hpp"

namespace pena::cli {

inline constexpr std::string_view kDurationForm =
    "a whole number and its unit, such as 250ms, 2s, 5m, 1h or 7d";
inline constexpr std::string_view kSizeForm =
    "a whole number and its unit, such as 512B, 64KiB, 8MiB or 16GiB";

// Units ms, s, m, h, d. Nothing where the text is of another form, a bare number included, or too
// large.
[[nodiscard]] std::optional<core::Duration> duration_from(std::string_view text);
// In the largest unit that is exact; microseconds that are no whole millisecond are rounded down.
[[nodiscard]] std::string written(core::Duration duration);
// A time, a number of msgs, or "for ever".
[[nodiscard]] std::string written(const core::Keep& keep);

// Units B, KiB, MiB, GiB, TiB. Nothing where the text is of another form or too large.
[[nodiscard]] std::optional<std::size_t> size_from(std::string_view text);
[[nodiscard]] std::string written_size(std::size_t bytes);

}  // namespace pena::cli
