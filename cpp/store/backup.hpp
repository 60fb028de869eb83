// A copy of a store, also beside the server that has it.
#pragma once

#include <cstdint>
#include <string>

namespace pena::store {

// All that was acknowledged before it began, as a store of its own, of which nothing is in a log. `to`: a folder
// that is not there, or has nothing in it. Its `data.mdb` is there when it is whole and durable, and not before; so
// what a kill leaves is no store. Returns how many bytes it has. Beside a server it has it apply its log first; after
// a crash it applies that itself. Errors: StoreError.
std::uint64_t back_up(const std::string& from, const std::string& to);

}  // namespace pena::store
