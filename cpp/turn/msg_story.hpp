// One msg and what became of it, as the store has it: GET /task/<id>, and GET /task?key=….
//
// Pure. For a thread that may wait for the disk.
#pragma once

#include <optional>
#include <string>

#include "core/xid.hpp"
#include "store/view.hpp"
#include "turn/answer.hpp"

namespace pena::turn {

struct FindMsg {
  std::optional<core::Xid> id;
  // Where there is no id: what it is called, and in which queue; "" stands for `default`.
  std::string key = {};
  std::string queue = {};
};

// 404 where nobody knows it. Errors: StoreError.
[[nodiscard]] Answer answer(const FindMsg& asked, const store::View& view);

}  // namespace pena::turn
