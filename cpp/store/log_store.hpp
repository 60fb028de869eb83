// A log in front of a store: one wait for the disk a change set, where LMDB has two and eight pages to write.
//
//                     append()                      apply(), some milliseconds later
//   change set ──────▶ log ──▶ durable, and waits ─────────────────────────────────▶ store
//        │                                                ▲
//        └─── too large, or no segment is ready ──────────┘   with all that waits, in one transaction
//
// The store says how far it has come: `log_applied`, the number of the last record that is in it, in the
// transaction that put it there. So what a crash leaves in the log is what has a higher number, and the next
// start applies that before anything else. `log_open` says that there may be such: whoever opens the store
// then wants the log `log_id`, of so many segments.
//
// Between two calls
//   acknowledged   is in the store, or in a frame of the log
//   in order       log_applied is never above the last frame, and no number is twice or missing
//   overwritten    is a segment only behind the sync of the transaction that has all that is in it
//
// After a start, until the segments are there, change sets go past the log. After a clean end nothing is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/limits.hpp"
#include "store/forwarding_store.hpp"
#include "store/segment_log.hpp"

namespace pena::store {

// The numbers of the bucket `meta` that are the log's.
inline constexpr const char* kLogApplied = "log_applied";
inline constexpr const char* kLogOpen =
    "log_open";                                  // how many segments it has; 0: none, and no log
inline constexpr const char* kLogId = "log_id";  // another one each time that it is opened

// That of the log in front of such a store: of no segment where it is to have none.
[[nodiscard]] LogShape shape_of(const core::Limits& limits);

// One owner, as a Store; apply(), make_ready() and settle() are any thread's. The store inside is that of what
// was applied, and so is what a read here says.
class LogStore : public ForwardingStore {
 public:
  struct Settings {
    LogShape shape;
    std::size_t most_logged = 0;  // bytes of a change set; a larger one goes past it
    std::uint64_t id = 0;  // by chance, another one each time: no log that lies there may have it
    std::size_t least_disk_bytes = 0;  // are left free beside the log, or none is made
  };
  // Applies what a crash left in the log. Throws StoreError where that is damaged, or missing.
  LogStore(std::unique_ptr<Store> inside, std::unique_ptr<LogFiles> files, Settings settings);
  // As close() where that was not called, and says nothing of what fails: the next start applies it.
  ~LogStore() override;
  // Applies what waits, and closes the log: what comes then goes past it. Errors: StoreError.
  void close();
  LogStore(const LogStore&) = delete;
  LogStore& operator=(const LogStore&) = delete;

  Ticket append(std::shared_ptr<const ChangeSet> changes) override;
  void commit(const ChangeSet& changes) override;
  [[nodiscard]] Ticket durable() override;
  [[nodiscard]] Ticket applied() const override { return applied_; }
  void catch_up() override;
  // Here whenever more is applied.
  void when_durable(const std::function<void()>& wake) override;

  // `tell` is called by append() with how many bytes of the log wait to be applied, one at least: also behind what
  // went past the log, and where that was for lack of a segment, all there are. To be told before the first
  // append().
  void when_waiting(std::function<void(std::size_t bytes)> tell) {
    tell_waiting_ = std::move(tell);
  }
  // What waits, in one transaction; false: nothing did. Errors: StoreError; the owner hears of it, too.
  bool apply();
  // One segment; false: there is nothing to do. Where it cannot be made the log is closed for good, its files are taken
  // away, and change sets go past it: then it returns why. One thread at a time.
  struct Ready {
    bool more = false;
    std::optional<std::string> given_up = std::nullopt;
  };
  [[nodiscard]] Ready make_ready();
  // As where apply() failed with that. Any thread.
  void note_failure(std::exception_ptr failure);
  // What was durable when it is called is in the store when it returns.
  void settle();
  // Since it was opened. Any thread.
  struct Counts {
    std::uint64_t logged = 0;  // change sets
    std::uint64_t past_log =
        0;  // change sets that went past the log: too large, or no segment was ready
    std::size_t waiting = 0;  // bytes that are in the log and not in the store, now
  };
  [[nodiscard]] Counts counted() const;

 private:
  struct Waiting {
    Ticket ticket = 0;
    std::uint64_t number = 0;
    std::shared_ptr<const ChangeSet> changes;
  };
  [[nodiscard]] std::size_t log(Ticket ticket, const std::shared_ptr<const ChangeSet>& changes);
  void recover(std::uint32_t segments);
  void apply_with(const ChangeSet* last, Ticket ticket, std::vector<core::Write> metas);
  void close_log();
  void look_for_room() const;

  std::unique_ptr<LogFiles> files_;
  Settings settings_;
  // The owner's.
  std::string body_;  // kept for its memory
  bool lacks_segment_ = false;
  Ticket appended_ = 0;
  Ticket applied_ = 0;
  std::uint64_t number_ = 0;  // of the last record
  std::function<void(std::size_t)> tell_waiting_;
  std::optional<SegmentLog> log_;

  bool looked_for_room_ = false, gave_up_ = false;  // of whoever makes segments

  std::mutex applying_;  // one at a time; taken before the others
  std::mutex logging_;   // while the owner appends, and until what it appended waits

  mutable std::mutex mutex_;  // guards what follows
  bool open_ = false;
  std::vector<Waiting> waiting_;
  Counts counts_;
  Ticket in_store_ = 0;
  Ticket logged_ = 0;  // the last one that is in the log
  std::exception_ptr failure_;
  std::function<void()> wake_;
};

}  // namespace pena::store
