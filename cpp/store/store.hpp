// A store: its log, its index and its view in one. What LMDB and memory are.
#pragma once

#include <memory>
#include <span>

#include "store/index.hpp"
#include "store/log.hpp"
#include "store/view.hpp"

namespace pena::store {

// Every change set is durable and in the index when append() returns. Any thread may read the view
// while another appends.
class Store : public Log, public Index, public View {
 public:
  using View::batches;
  using View::fail;
  using View::fails_since;
  using View::find_all;
  using View::ids;
  using View::later;
  using View::meta;
  using View::queue;
  using View::queues;
  using View::report;
  using View::reports_since;
  using View::waiting;

  Ticket append(std::shared_ptr<const ChangeSet> changes) override {
    commit(*changes);
    return ++committed_;
  }
  [[nodiscard]] Ticket durable() override { return committed_; }
  [[nodiscard]] Ticket applied() const override { return committed_; }

  // Durable when it returns. Errors: StoreError.
  virtual void commit(const ChangeSet& changes) = 0;
  // Likewise of writes that stand elsewhere, as one change set.
  virtual void commit_writes(std::span<const core::Write* const> writes) {
    ChangeSet changes;
    changes.reserve(writes.size());
    for (const core::Write* const write : writes) changes.push_back(*write);
    commit(changes);
  }

 private:
  Ticket committed_ = 0;
};

}  // namespace pena::store
