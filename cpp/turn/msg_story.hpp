// One msg and what became of it: GET /task/<id>, and GET /task?key=….
//
// Pure. For a thread that may wait for the disk.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "core/xid.hpp"
#include "store/view.hpp"
#include "turn/answer.hpp"
#include "turn/search.hpp"

namespace pena::turn {

struct FindMsg {
  std::optional<core::Xid> id;
  // Where there is no id: what it is called, and in which queue; "" stands for `default`.
  std::string key = {};
  std::string queue = {};
  Search search = {};
};

// 404 where nobody knows it. A FindMsg, which has the id: the turn is to be asked who holds that msg, before
// the store is looked at again. Errors: StoreError.
[[nodiscard]] std::variant<Answer, FindMsg> answer(FindMsg asked, const store::View& view);

}  // namespace pena::turn
