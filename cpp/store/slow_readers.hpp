// Who reads the store for so long that pages cannot be used again.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "store/fill_gauge.hpp"
#include "store/lmdb_env.hpp"

namespace pena::store {

// For the thread that asks how full the store is.
class SlowReaders {
 public:
  // A sentence that names the process, how long it has read and what it holds; once for each reader.
  // Looks once a second.
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] std::optional<std::string> warning(const LmdbEnv& env, FillGauge& gauge,
                                                   Clock::time_point now);

 private:
  Clock::time_point looked_at_{};
  LmdbEnv::Reader oldest_;
  Clock::time_point seen_at_{};
  bool told_ = false;
};

}  // namespace pena::store
