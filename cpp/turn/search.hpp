// Msgs that the store has in no bucket: a batch holds them, nobody knows them, or they moved between two
// looks. Who looks asks the turn who holds them, then the store again, and so on:
//
//   store ──nothing──▶ turn ──no batch──▶ store ──nothing──▶ turn ──no batch──▶ …
//
// Of a msg that one look at the store does not find, and that the turn says nobody holds both before and
// after it, nobody knows: it would have to be granted in between. So the search is over where no batch was;
// where others are granted all the time, after a few rounds, each of which it would have to slip through.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/status.hpp"

namespace pena::turn {

class Search {
 public:
  static constexpr int kMostAsks = 4;

  Search() = default;
  // `granted`: how many batches were, when it was known before that nobody holds the msgs.
  explicit Search(std::uint64_t granted) : granted_(granted) {}

  // The turn's answer about the msgs that are looked for now.
  void note(const core::Status& told) {
    holders_ = told.holders;
    over_ = granted_ == told.batches_granted || ++asked_ >= kMostAsks;
    granted_ = told.batches_granted;
  }
  // By their place among them: what holds the msg as of the last answer; null: nobody, as far as is known.
  [[nodiscard]] const core::Batch* holder(std::size_t at) const {
    return at < holders_.size() ? holders_[at].get() : nullptr;
  }
  // What is not found now, nobody knows.
  [[nodiscard]] bool over() const { return over_; }

 private:
  std::vector<std::shared_ptr<const core::Batch>> holders_;
  std::optional<std::uint64_t> granted_;
  int asked_ = 0;
  bool over_ = false;
};

}  // namespace pena::turn
