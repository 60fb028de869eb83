// What is durable, in the order in which it came: the one way for writes into a store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/effect.hpp"
#include "store/error.hpp"

namespace pena::store {

// The writes of one round, durable whole or not at all.
using ChangeSet = std::vector<core::Write>;

// The number of a change set: 1 for the first since the store was opened, and up by one each. 0: none.
using Ticket = std::uint64_t;

// One owner.
class Log {
 public:
  virtual ~Log() = default;
  // Takes the next change set, which stays as it is for as long as somebody has it. It may be durable when this returns, or later; none is durable before
  // the one that came before it. A failure is final: what the disk holds is unknown until the store is
  // opened again, so the process must not go on. Errors: StoreError.
  virtual Ticket append(std::shared_ptr<const ChangeSet> changes) = 0;
  // Up to which all are durable. Errors: StoreError, where one of them failed.
  [[nodiscard]] virtual Ticket durable() = 0;
  // `wake` is called, by any thread, whenever durable() may say more than it said. To be told before the
  // first append(). Where all is durable when that returns, it never is.
  virtual void when_durable(const std::function<void()>& wake) { (void)wake; }
};

}  // namespace pena::store
