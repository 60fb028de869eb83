#include "turn/msg_story.hpp"

#include <algorithm>
#include <utility>

#include "turn/stored_names.hpp"
#include "wire/names.hpp"
#include "wire/page_json.hpp"

namespace pena::turn {
namespace {

using core::Xid;

std::string story(const core::Batch& held_in, const Xid& id, StoredNames& names) {
  const auto msg =
      std::ranges::find(held_in.msgs, id, [](const core::QueuedMsg& one) { return one.msg.id; });
  return wire::story_json(*msg, held_in, names.name(msg->msg.queue));
}

struct Telling {
  StoredNames& names;

  std::string operator()(const core::WaitingMsg& waiting) const {
    return wire::story_json(waiting.msg, waiting.later, names.name(waiting.msg.msg.queue));
  }
  std::string operator()(const core::ReportRecord& record) const {
    return wire::story_json(record, names.name(record.queue));
  }
  std::string operator()(const core::FailRecord& record) const {
    return wire::story_json(record, names.name(record.msg.queue));
  }
};

}  // namespace

std::variant<Answer, FindMsg> answer(FindMsg asked, const store::View& view) {
  StoredNames names{view};
  if (!asked.id) {
    if (const auto queue = names.number(asked.queue)) asked.id = view.find_key(*queue, asked.key);
  }
  if (!asked.id) {
    return refuse({404, "no msg of the queue " + std::string{wire::full_queue_name(asked.queue)} +
                            " has the key " + wire::shown_key(asked.key) +
                            "; expected one that was accepted and is not forgotten"});
  }
  if (const core::Batch* const holder = asked.search.holder(0)) {
    return Answer{200, story(*holder, *asked.id, names), {}};
  }
  if (const auto record = view.record(*asked.id)) {
    return Answer{200, std::visit(Telling{names}, *record), {}};
  }
  if (!asked.search.over()) return asked;
  return refuse({404, "no msg has the id " + asked.id->text() +
                          "; expected one that was accepted and is not forgotten"});
}

}  // namespace pena::turn
