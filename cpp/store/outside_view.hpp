// A store as it is read from outside, beside its server or without one.
#pragma once

#include <memory>
#include <string>

#include "store/view.hpp"

namespace pena::store {

// Opens an existing store to look at it. Each read is of all that was acknowledged when it was asked: where the
// log in front of the store has more, it waits until the server has taken that on, some milliseconds as a rule.
// Where there is no server, for it has crashed, what it left in the log is applied first, as the next server
// would; that alone writes. Errors: StoreError, also where the server does not take it on within seconds.
[[nodiscard]] std::unique_ptr<View> open_store_view(const std::string& path);

// What such a read does first.
void wait_for_log(const std::string& path);

}  // namespace pena::store
