// Change sets by chance, each of which may be applied behind those before it; and all that a store has, to
// compare.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sample.hpp"
#include "store/store.hpp"

namespace pena::store::test {

class RandomChanges {
 public:
  explicit RandomChanges(unsigned seed) : random_(seed) {}

  // `steps`: so many msgs or batches are changed, about.
  ChangeSet next(std::size_t steps) {
    ChangeSet changes;
    // Paused: at a start a store forgets queues that nobody would miss.
    if (std::exchange(fresh_, false)) changes.emplace_back(core::PutQueueName{2, "mail", true});
    while (steps-- > 0) step(changes);
    if (below(3) == 0) changes.emplace_back(core::PutMeta{kGenerated, ++generated_});
    if (changes.empty()) changes.emplace_back(core::PutMeta{kGenerated, ++generated_});
    return changes;
  }
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

 private:
  using Msgs = std::map<std::uint16_t, core::QueuedMsg>;

  void step(ChangeSet& changes) {
    switch (below(8)) {
      case 0:
      case 1:
        return submit(changes);
      case 2:
      case 3:
        return grant(changes);
      case 4:
        return come_due(changes);
      case 5:
        return settle_some(changes);
      case 6:
        return lose(changes);
      default:
        return forget(changes);
    }
  }
  core::QueuedMsg msg_of(std::uint16_t number) {
    const auto queue = static_cast<core::QueueNumber>(number % 3);
    return queue == 0 ? queued(number, std::string(below(200), 'p')) : queued_in(queue, number);
  }
  void put(core::QueuedMsg msg, std::uint16_t number, ChangeSet& changes) {
    changes.emplace_back(core::PutQueue{msg});
    waiting_.emplace(number, std::move(msg));
  }
  void submit(ChangeSet& changes) {
    // Now and then one that is below what is there.
    const auto number = static_cast<std::uint16_t>(below(4) == 0 ? 40'000 - ++low_ : ++last_);
    core::QueuedMsg msg = msg_of(number);
    if (!msg.msg.key.empty()) {
      changes.emplace_back(core::PutKey{msg.msg.queue, msg.msg.key, msg.msg.id});
    }
    if (below(3) == 0) {
      msg.queued_at = core::from_us(static_cast<std::int64_t>(below(50)));
      changes.emplace_back(core::PutLater{msg});
      later_.emplace(number, std::move(msg));
    } else {
      put(std::move(msg), number, changes);
    }
  }
  std::optional<std::pair<std::uint16_t, core::QueuedMsg>> some_of(Msgs& msgs) {
    if (msgs.empty()) return std::nullopt;
    auto at = std::next(msgs.begin(), static_cast<std::ptrdiff_t>(below(msgs.size())));
    std::pair<std::uint16_t, core::QueuedMsg> found{at->first, std::move(at->second)};
    msgs.erase(at);
    return found;
  }
  void come_due(ChangeSet& changes) {
    if (auto found = some_of(later_)) {
      changes.emplace_back(core::DropLater{found->second.msg.id, found->second.queued_at});
      put(std::move(found->second), found->first, changes);
    }
  }
  void grant(ChangeSet& changes) {
    Msgs held;
    for (std::size_t msgs = 1 + below(4); msgs > 0; --msgs) {
      auto found = some_of(waiting_);
      if (!found) break;
      changes.emplace_back(core::DropQueue{found->second.msg.id, found->second.msg.queue});
      held.insert(std::move(*found));
    }
    if (held.empty()) return;
    const auto number = static_cast<std::uint16_t>(50'000 + ++batches_);
    changes.emplace_back(batch_of(number, held));
    held_.emplace(number, std::move(held));
  }
  static core::PutBatch batch_of(std::uint16_t number, const Msgs& held) {
    std::vector<core::QueuedMsg> msgs;
    for (const auto& [of, msg] : held) msgs.push_back(msg);
    return put_batch(number, std::move(msgs));
  }
  // Of a held batch all or some.
  void settle_some(ChangeSet& changes) {
    if (held_.empty()) return;
    const auto at = std::next(held_.begin(), static_cast<std::ptrdiff_t>(below(held_.size())));
    Msgs& held = at->second;
    const auto batch = batch_of(at->first, held).batch;
    for (std::size_t msgs = 1 + below(held.size()); msgs > 0; --msgs) {
      const auto [number, msg] = *some_of(held);
      if (below(4) == 0) {
        core::FailRecord record{msg.msg, msg.accepted_at, core::from_us(9), msg.misses, 1};
        changes.emplace_back(core::PutFail{std::move(record)});
        failed_.emplace(number, msg);
      } else {
        const core::Xid id = msg.msg.id;
        const auto one = std::ranges::find_if(
            batch->msgs, [&id](const core::QueuedMsg& other) { return other.msg.id == id; });
        changes.emplace_back(core::PutReport{batch, *one, core::from_us(77), "[3]"});
        reported_.emplace(number, msg);
      }
    }
    if (held.empty()) {
      changes.emplace_back(core::DropBatch{batch->id});
      held_.erase(at);
    } else {
      core::PutBatch rest = batch_of(at->first, held);
      rest.replaces = true;
      changes.emplace_back(std::move(rest));
    }
  }
  // A held batch whole: its msgs wait again.
  void lose(ChangeSet& changes) {
    if (held_.empty()) return;
    const auto at = std::next(held_.begin(), static_cast<std::ptrdiff_t>(below(held_.size())));
    changes.emplace_back(core::DropBatch{id_of(at->first)});
    for (auto& [number, msg] : at->second) {
      core::Miss miss = a_miss();
      miss.batch = id_of(at->first);
      msg.misses.push_back(std::move(miss));
      put(std::move(msg), number, changes);
    }
    held_.erase(at);
  }
  void drop_key(const core::Msg& msg, ChangeSet& changes) {
    if (!msg.key.empty()) changes.emplace_back(core::DropKey{msg.queue, msg.key});
  }
  void forget(ChangeSet& changes) {
    if (below(2) == 0) {
      if (const auto found = some_of(reported_)) {
        changes.emplace_back(core::DropReport{found->second.msg.id});
        drop_key(found->second.msg, changes);
      }
    } else if (auto found = some_of(failed_)) {
      changes.emplace_back(core::DropFail{found->second.msg.id});
      if (below(2) == 0) return put(std::move(found->second), found->first, changes);
      drop_key(found->second.msg, changes);
    }
  }

  std::mt19937 random_;
  bool fresh_ = true;
  std::uint16_t last_ = 0, low_ = 0, batches_ = 0;
  std::uint64_t generated_ = 0;
  Msgs waiting_, later_, reported_, failed_;
  std::map<std::uint16_t, Msgs> held_;
};

// What it has.
struct Contents {
  std::vector<core::QueuedMsg> queued, later;
  std::vector<core::Batch> batches;
  std::vector<core::ReportRecord> reports;
  std::vector<core::FailRecord> fails;
  std::vector<QueueInfo> queues;
  std::vector<std::optional<core::Xid>> keys;
  std::optional<std::uint64_t> generated;
  friend bool operator==(const Contents&, const Contents&) = default;
};
inline Contents contents_of(const Store& store) {
  Contents all;
  for (const core::QueueNumber queue : {0U, 1U, 2U}) {
    for (auto& msg : store.queue(queue, {}, SIZE_MAX, SIZE_MAX).records) {
      all.queued.push_back(std::move(msg));
    }
  }
  all.later = store.later({}, SIZE_MAX).records;
  all.batches = store.batches();
  all.reports = store.reports_since(0, SIZE_MAX).records;
  all.fails = store.fails_since(0, SIZE_MAX).records;
  all.queues = store.queues();
  for (std::uint16_t number = 0; number < 300; ++number) {
    const core::Msg msg = queued_in(number % 3, number).msg;
    all.keys.push_back(store.find_key(msg.queue, msg.key));
  }
  all.generated = store.meta(kGenerated);
  return all;
}

}  // namespace pena::store::test
