#include "cli/tally.hpp"

#include <optional>
#include <utility>

#include "cli/json_lines.hpp"
#include "core/one_line.hpp"

namespace pena::cli {
namespace {

// It came to no job: of its msg the worker has the id alone.
Worked never_begun(const client::Settled& settled) {
  Worked worked;
  worked.msg.id = settled.msg;
  worked.is_read = false;
  if (settled.error) {
    worked.outcome = client::Failed{*settled.error};
  } else {
    worked.outcome = client::GivenBack{};
  }
  return worked;
}

// Where it is not known whether a msg comes back, it is counted as if it did not: it can never be done here.
bool may_be_final(const Worked& worked) {
  return is_final(worked) ||
         (!worked.is_read && !worked.not_taken && failure(worked.outcome) != nullptr);
}

}  // namespace

void Tally::ended(Worked worked) {
  // What is long is not told.
  worked.msg.payload.clear();
  if (std::holds_alternative<client::Done>(worked.outcome)) worked.outcome = client::Done{};
  const std::lock_guard lock(mutex_);
  const std::uint64_t run = worked.msg.run;
  open_.insert_or_assign(run, std::move(worked));
}

void Tally::settled(const client::Settled& settled) {
  const std::lock_guard lock(mutex_);
  const auto at = open_.extract(settled.run);
  Worked worked = at.empty() ? never_begun(settled) : std::move(at.mapped());
  if (settled.fate == client::Fate::not_taken_as_result) {
    worked.outcome = client::Failed{settled.why, std::nullopt, true};
  } else if (settled.fate != client::Fate::taken) {
    worked.not_taken = settled.why;
  }
  tell(worked);
}

void Tally::end() {
  const std::lock_guard lock(mutex_);
  for (auto& [run, worked] : std::exchange(open_, {})) {
    worked.not_taken = "the server did not answer in time; it may have taken it";
    tell(worked);
  }
}

std::string Tally::short_sum() const {
  const std::lock_guard lock(mutex_);
  return std::to_string(done_) + " done, " + std::to_string(failed_) + " failed";
}

std::string Tally::sum() const {
  const std::string begin = short_sum();
  const std::lock_guard lock(mutex_);
  return begin + ", " + std::to_string(given_back_) + " given back" +
         (not_taken_ > 0 ? ", " + std::to_string(not_taken_) + " not taken" : "");
}

std::uint64_t Tally::failed_for_good() const {
  const std::lock_guard lock(mutex_);
  return failed_for_good_;
}

// With the mutex.
void Tally::tell(const Worked& worked) {
  const client::Failed* const failed = failure(worked.outcome);
  const bool is_done = std::holds_alternative<client::Done>(worked.outcome);
  ++(worked.not_taken ? not_taken_ : is_done ? done_ : failed != nullptr ? failed_ : given_back_);
  if (may_be_final(worked)) ++failed_for_good_;
  if (json_) {
    if (!stdout_has_failed()) print_text(json_worked(worked) + "\n");
    return;
  }
  if (!log_) return;
  if (worked.not_taken) {
    log_(core::LogLevel::warning,
         name_of(worked.msg) + " was worked on in vain: " + core::one_line(*worked.not_taken));
  } else if (failed != nullptr) {
    log_(core::LogLevel::warning, name_of(worked.msg) + " failed" +
                                      (is_final(worked) ? " for good" : "") + ": " +
                                      core::one_line(failed->error));
  } else if (is_final(worked)) {
    log_(core::LogLevel::warning,
         name_of(worked.msg) + " was given back at its last attempt, so it has failed");
  }
}

}  // namespace pena::cli
