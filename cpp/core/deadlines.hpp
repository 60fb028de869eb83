// Instants at which something is due, one a key.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pena::core {

class Deadlines {
 public:
  void set(const Xid& key, Instant at) { due_.emplace(at, key); }
  void clear(const Xid& key, Instant at) { due_.erase({at, key}); }
  [[nodiscard]] std::optional<Instant> next() const {
    return due_.empty() ? std::nullopt : std::optional{due_.begin()->first};
  }
  // Takes one that is due by `now`, the earliest first.
  [[nodiscard]] std::optional<Xid> pop(Instant now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    return due_.extract(due_.begin()).value().second;
  }

 private:
  std::set<std::pair<Instant, Xid>> due_;
};

}  // namespace pena::core
