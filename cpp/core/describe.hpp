// One line of text per event, write and send: for logs, golden stories and histories.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/effect.hpp"
#include "core/event.hpp"

namespace pena::core {

// How ids and instants are written. The default writes an id's text and an instant's milliseconds;
// stories give ids short names.
struct Wording {
  std::function<std::string(const Xid&)> id = [](const Xid& xid) {
    return xid.text();
  };
  std::function<std::string(Instant)> instant = [](Instant at) {
    return std::to_string(to_ms(at));
  };
  std::size_t most = SIZE_MAX;  // elements of a list that are written out; the rest is counted
};

[[nodiscard]] std::string describe(const Event& event, const Wording& wording = {});
[[nodiscard]] std::string describe(const Write& write, const Wording& wording = {});
[[nodiscard]] std::string describe(const Send& send, const Wording& wording = {});
// ` name="worker 1"`: what people call a client, behind its id; empty where they call it nothing.
[[nodiscard]] std::string describe_name(std::string_view name);
// "grant batch=… client=… msgs=[id/attempt …] name=…": the log of grants.
[[nodiscard]] std::string describe_grant(const Batch& batch, const Wording& wording = {});

}  // namespace pena::core
