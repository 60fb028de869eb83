#include "store/log_store.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "store/change_bytes.hpp"
#include "store/error.hpp"
#include "store/fold.hpp"
#include "store/log_frames.hpp"

namespace pena::store {
namespace {

// Of what a crash left is applied in one transaction: in memory a write is longer than in the log.
constexpr std::size_t kBytesAtOnce = std::size_t{8} << 20U;
constexpr std::size_t kWritesAtOnce = 100'000;

std::vector<const core::Write*> all_of(const ChangeSet& changes) {
  std::vector<const core::Write*> writes;
  writes.reserve(changes.size() + 1);
  for (const core::Write& write : changes) writes.push_back(&write);
  return writes;
}

}  // namespace

LogShape shape_of(const core::Limits& limits) {
  constexpr std::uint32_t kSegments = 4;
  constexpr std::size_t kLeastBlocks = 2;
  const std::size_t blocks = limits.log_bytes / kSegments / kLogBlock;
  const bool is_small = blocks < kLeastBlocks || limits.log_bytes > limits.map_bytes / 8;
  return is_small ? LogShape{0, 0} : LogShape{kSegments, blocks * kLogBlock};
}

LogStore::LogStore(std::unique_ptr<Store> inside, std::unique_ptr<LogFiles> files,
                   Settings settings)
    : ForwardingStore(std::move(inside)), files_(std::move(files)), settings_(settings) {
  const auto number = [this](const char* key) {
    return this->inside().meta(key).value_or(0);
  };
  number_ = number(kLogApplied);
  const std::uint64_t segments = number(kLogOpen);
  if (segments > 0) recover(static_cast<std::uint32_t>(segments));
  // What frames of an earlier log lie in the files are those of another id, and so are none.
  log_.emplace(*files_, settings_.shape, settings_.id);
}

void LogStore::recover(std::uint32_t segments) {
  std::vector<ChangeSet> sets;
  std::size_t bytes = 0;
  std::size_t count = 0;
  const auto apply_some = [&](std::vector<core::Write> metas) {
    std::vector<const ChangeSet*> all;
    all.reserve(sets.size());
    for (const ChangeSet& set : sets) all.push_back(&set);
    std::vector<const core::Write*> writes = fold(all);
    metas.emplace_back(core::PutMeta{kLogApplied, number_});
    for (const core::Write& meta : metas) writes.push_back(&meta);
    try {
      inside().commit_writes(writes);
    } catch (const NoRoom& error) {
      throw NoRoomToRecover(std::string{error.what()} +
                            "; what a crash left in the log is to be taken into the store first");
    }
    sets.clear();
    bytes = count = 0;
  };
  const std::uint64_t id = inside().meta(kLogId).value_or(0);
  read_log(*files_, id, segments, number_, [&](std::uint64_t number, std::string_view body) {
    sets.push_back(decode_changes(body));
    number_ = number;
    bytes += body.size();
    count += sets.back().size();
    if (bytes >= kBytesAtOnce || count >= kWritesAtOnce) apply_some({});
  });
  apply_some({core::PutMeta{kLogOpen, 0}});
}

LogStore::~LogStore() {
  when_durable(nullptr);  // whoever wanted to know may be gone
  try {
    close();
  } catch (...) {
    return;
  }
}

void LogStore::close() {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
  }
  close_log();
}

void LogStore::when_durable(const std::function<void()>& wake) {
  const std::lock_guard lock(mutex_);
  wake_ = wake;
}

Ticket LogStore::durable() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  applied_ = in_store_;
  return appended_;
}

void LogStore::catch_up() {
  settle();
  (void)durable();
}

void LogStore::commit(const ChangeSet& changes) {
  (void)append(std::make_shared<const ChangeSet>(changes));
}

Ticket LogStore::append(std::shared_ptr<const ChangeSet> changes) {
  const Ticket ticket = appended_ + 1;
  if (const std::size_t waiting = log(ticket, changes); waiting > 0) {
    appended_ = ticket;
    if (tell_waiting_) tell_waiting_(waiting);
    return ticket;
  }
  const std::lock_guard applying(applying_);
  apply_with(changes.get(), ticket, {});
  appended_ = ticket;
  applied_ = ticket;
  if (tell_waiting_) tell_waiting_(std::exchange(lacks_segment_, false) ? SIZE_MAX : 1);
  return ticket;
}

// How many bytes wait then; 0: it is to go past the log.
std::size_t LogStore::log(Ticket ticket, const std::shared_ptr<const ChangeSet>& changes) {
  const std::lock_guard logging(logging_);
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    if (!open_) return 0;
  }
  if (least_bytes(*changes, settings_.most_logged) > settings_.most_logged) return 0;
  encode(*changes, body_);
  if (body_.size() > settings_.most_logged) return 0;
  try {
    if (!log_->append(number_ + 1, body_)) {
      lacks_segment_ = true;
      return 0;
    }
  } catch (...) {
    note_failure(std::current_exception());
    throw;
  }
  const std::lock_guard lock(mutex_);
  waiting_.push_back({ticket, ++number_, changes});
  logged_ = ticket;
  ++counts_.logged;
  counts_.waiting += frame_bytes(body_.size());
  applied_ = in_store_;
  return counts_.waiting;
}

LogStore::Counts LogStore::counted() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

bool LogStore::apply() {
  const std::lock_guard applying(applying_);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return false;
  }
  apply_with(nullptr, 0, {});
  return true;
}

void LogStore::settle() {
  Ticket wanted = 0;
  const auto is_there = [&] {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    // What goes past the log just now is not durable yet, and need not be waited for.
    if (wanted == 0) wanted = logged_;
    return in_store_ >= wanted;
  };
  if (is_there()) return;
  const std::lock_guard applying(applying_);
  if (!is_there()) apply_with(nullptr, 0, {});  // or another apply brought it there meanwhile
}

// What waits, and behind it `last`, which is of that ticket, where there is one. By whoever has `applying_`.
void LogStore::apply_with(const ChangeSet* last, Ticket ticket, std::vector<core::Write> metas) {
  std::vector<Waiting> taken;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    taken.swap(waiting_);
    counts_.waiting = 0;
    if (last != nullptr) ++counts_.past_log;
  }
  try {
    std::vector<const ChangeSet*> sets;
    sets.reserve(taken.size() + 1);
    for (const Waiting& one : taken) sets.push_back(one.changes.get());
    if (last != nullptr) sets.push_back(last);
    std::vector<const core::Write*> writes = sets.size() == 1 ? all_of(*sets.front()) : fold(sets);
    if (!taken.empty()) metas.emplace_back(core::PutMeta{kLogApplied, taken.back().number});
    for (const core::Write& meta : metas) writes.push_back(&meta);
    inside().commit_writes(writes);
    if (!taken.empty()) log_->release(taken.back().number);
  } catch (...) {
    note_failure(std::current_exception());
    throw;
  }
  const Ticket up_to = last != nullptr ? ticket : taken.empty() ? 0 : taken.back().ticket;
  taken.clear();  // before the owner is told: they are his again
  const std::lock_guard lock(mutex_);
  in_store_ = std::max(in_store_, up_to);
  if (wake_ && last == nullptr) wake_();
}

void LogStore::note_failure(std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  if (wake_) wake_();
}

LogStore::Ready LogStore::make_ready() {
  if (settings_.shape.segments == 0 || gave_up_) return {};
  try {
    if (!std::exchange(looked_for_room_, true)) look_for_room();
    if (log_->make_ready()) return {true};
  } catch (const StoreError& error) {
    gave_up_ = true;
    close_log();
    files_->remove();  // the store may need the room
    return {false, error.what()};
  }
  {
    const std::lock_guard lock(mutex_);
    if (open_) return {};
  }
  const std::lock_guard applying(applying_);
  apply_with(
      nullptr, 0,
      {core::PutMeta{kLogOpen, settings_.shape.segments}, core::PutMeta{kLogId, settings_.id}});
  const std::lock_guard lock(mutex_);
  open_ = true;
  return {};
}

void LogStore::look_for_room() const {
  const auto [segments, segment_bytes] = settings_.shape;
  std::size_t missing = 0;
  for (std::size_t index = 0; index < segments; ++index) {
    if (files_->bytes(index) != segment_bytes) missing += segment_bytes;
  }
  const std::size_t left = files_->room();
  if (missing == 0 || (left >= missing && left - missing >= settings_.least_disk_bytes)) return;
  throw StoreError("its disk has " + std::to_string(left) + " bytes left, the log would take " +
                   std::to_string(missing) + " of them, and " +
                   std::to_string(settings_.least_disk_bytes) + " are to stay free");
}

// Nothing is in the log from here on that is not in the store.
void LogStore::close_log() {
  const std::lock_guard applying(applying_);
  {
    const std::lock_guard logging(logging_);
    const std::lock_guard lock(mutex_);
    if (!open_) return;
    open_ = false;
  }
  apply_with(nullptr, 0, {core::PutMeta{kLogOpen, 0}});
}

}  // namespace pena::store
