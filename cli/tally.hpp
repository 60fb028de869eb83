// What has become of the msgs that have come: told and counted once the server has answered.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "cli/output.hpp"
#include "cli/worked.hpp"
#include "client/worker.hpp"
#include "core/log.hpp"

namespace pena::cli {

// All members may be called from any thread.
class Tally {
 public:
  Tally(const Output& output, core::LogSink log) : json_(output.json), log_(std::move(log)) {}

  // The work on a msg has ended, and what came of it is about to be reported.
  void ended(Worked worked);
  // Also of a run that ended before there was any work on it.
  void settled(const client::Settled& settled);
  // The worker has ended: what is not settled was not answered.
  void end();

  // "3 done, 1 failed, 0 given back", and what the server did not take, if any.
  [[nodiscard]] std::string sum() const;
  // "3 done, 1 failed"
  [[nodiscard]] std::string short_sum() const;
  // Msgs that get no further attempt, or that no attempt here could do.
  [[nodiscard]] std::uint64_t failed_for_good() const;

 private:
  void tell(const Worked& worked);

  const bool json_;
  const core::LogSink log_;
  mutable std::mutex mutex_;              // guards what follows
  std::map<std::uint64_t, Worked> open_;  // by run
  std::uint64_t done_ = 0, failed_ = 0, given_back_ = 0, not_taken_ = 0, failed_for_good_ = 0;
};

}  // namespace pena::cli
