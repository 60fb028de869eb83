// The invariants on top of core/queue.hpp, by their numbers there.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "core/queue.hpp"

namespace pena::core {

struct QueueInvariants {
  // After any call.
  static void check(const Queue& queue) {
    check_window(queue);
    check_bodies(queue);
    const std::size_t seen = queue.fresh_.size() + queue.missed();
    ASSERT_GE(queue.waiting_, seen) << "1";
    ASSERT_TRUE(queue.more_in_store_ || queue.waiting_ == seen) << "1";
    for (const auto& waits : queue.fresh_) check_added(queue, waits);
    for (const auto& [id, waits] : queue.bodies_) check_added(queue, waits);
  }

  // After write_added(), with what the store's queue has then.
  static void check_written(const Queue& queue, const std::map<Xid, QueuedMsg>& stored) {
    check(queue);
    ASSERT_EQ(queue.waiting_, stored.size()) << "1";
    ASSERT_TRUE(queue.added_.empty()) << "5";
    ASSERT_FALSE(queue.too_many_bodies()) << "5";
    for (const auto& waits : queue.fresh_) ASSERT_TRUE(stored.contains(waits.msg.msg.id)) << "5";
    for (const auto& [id, waits] : queue.bodies_) ASSERT_TRUE(stored.contains(id)) << "5";
    for (const auto& [id, msg] : stored) {
      const bool seen = !queue.more_in_store_ || (queue.seen_up_to_ && id <= *queue.seen_up_to_);
      if (!seen) continue;
      const bool here = msg.attempts == 0            ? queue.find_fresh(id) != queue.fresh_.end()
                        : msg.last_loss() == nullptr ? queue.resends_.contains(id)
                                                     : !queue.suspects_.empty();
      ASSERT_TRUE(here) << "3";
    }
  }

 private:
  static void check_window(const Queue& queue) {
    const auto& fresh = queue.fresh_;
    const auto unordered = [](const auto& a, const auto& b) {
      return a.msg.msg.id >= b.msg.msg.id;
    };
    ASSERT_EQ(std::ranges::adjacent_find(fresh, unordered), fresh.end()) << "2";
    std::size_t bytes = 0;
    for (const auto& waits : fresh) {
      ASSERT_TRUE(waits.msg.attempts == 0) << "1";
      bytes += waits.msg.memory_bytes();
    }
    ASSERT_EQ(bytes, queue.fresh_bytes_) << "2";
    if (fresh.empty()) return;
    ASSERT_LE(fresh.size(), queue.window_) << "2";
    ASSERT_LE(bytes - fresh.back().msg.memory_bytes(), queue.window_bytes_) << "2";
    if (!queue.more_in_store_) return;
    ASSERT_TRUE(queue.seen_up_to_) << "3";
    ASSERT_LE(fresh.back().msg.msg.id, *queue.seen_up_to_) << "3";
  }

  static void check_bodies(const Queue& queue) {
    std::size_t bytes = 0, suspects = 0;
    for (const auto& [id, waits] : queue.bodies_) {
      bytes += waits.msg.memory_bytes();
      ASSERT_GT(waits.msg.attempts, 0) << "4";
      if (waits.msg.last_loss() != nullptr) {
        ++suspects;
      } else {
        ASSERT_TRUE(queue.resends_.contains(id)) << "4";
      }
    }
    ASSERT_LE(suspects, queue.suspects_.size()) << "4";
    ASSERT_EQ(bytes, queue.bodies_bytes_) << "4";
  }

  template <class Waiting>
  static void check_added(const Queue& queue, const Waiting& waits) {
    const bool is_added = std::ranges::count(queue.added_, waits.msg.msg.id) > 0;
    ASSERT_TRUE(waits.stored || is_added) << "5";
  }
};

}  // namespace pena::core
