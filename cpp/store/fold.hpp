// What is left of change sets that a store is given together: what came and went between them never has to
// be there. As a rule that is most of it, for a batch is granted and settled, and a msg submitted and granted,
// within milliseconds.
//
//   of one record    put … drop        nothing
//                    put … put         the last put, in its place (with a drop between them, or replacing)
//                    drop … drop       the first drop
//                    drop … put        both
//
// Folded are queue, later, batch and meta. Other records stay as they are: they seldom go soon. Pure.
#pragma once

#include <span>
#include <vector>

#include "store/log.hpp"

namespace pena::store {

// In their order. Invariant: applied one after the other they make of a store what all of `sets` make of it.
// They stand in the sets.
[[nodiscard]] std::vector<const core::Write*> fold(std::span<const ChangeSet* const> sets);

}  // namespace pena::store
