// A store: its log, its index and its view in one. What LMDB and memory are.
#pragma once

#include "store/index.hpp"
#include "store/log.hpp"
#include "store/view.hpp"

namespace pena::store {

// Every change set is durable and in the index when append() returns. Any thread may read the view
// while another appends.
class Store : public Log, public Index, public View {
 public:
  using View::batches;
  using View::find_all;
  using View::ids;
  using View::meta;
  using View::queue;

  Ticket append(const ChangeSet& changes) override {
    commit(changes);
    return ++committed_;
  }
  [[nodiscard]] Ticket durable() override { return committed_; }
  [[nodiscard]] Ticket applied() const override { return committed_; }
  // Good enough where records are counted without being read.
  [[nodiscard]] std::uint64_t queue_length() const override { return counts().queue; }

  // Durable when it returns. Errors: StoreError.
  virtual void commit(const ChangeSet& changes) = 0;

 private:
  Ticket committed_ = 0;
};

}  // namespace pena::store
