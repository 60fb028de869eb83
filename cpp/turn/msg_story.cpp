#include "turn/msg_story.hpp"

#include <algorithm>

#include "turn/queue_names.hpp"
#include "wire/names.hpp"
#include "wire/page_json.hpp"

namespace pena::turn {
namespace {

using core::Xid;

std::optional<std::string> held(const Xid& id, const store::View& view, QueueNames& names) {
  for (const core::Batch& batch : view.batches()) {
    const auto msg =
        std::ranges::find(batch.msgs, id, [](const core::QueuedMsg& one) { return one.msg.id; });
    if (msg != batch.msgs.end()) {
      return wire::story_json(*msg, batch, names.name(msg->msg.queue));
    }
  }
  return std::nullopt;
}

// Each read is of its own time, and the msg may have moved between two of them.
std::optional<std::string> look(const Xid& id, const store::View& view, QueueNames& names) {
  const auto bucket = view.find(id);
  if (!bucket) return held(id, view, names);
  if (*bucket == store::Bucket::report) {
    const auto record = view.report(id);
    if (record) return wire::story_json(*record, names.name(record->queue));
  } else if (*bucket == store::Bucket::fail) {
    const auto record = view.fail(id);
    if (record) return wire::story_json(*record, names.name(record->msg.queue));
  } else if (const auto msg = view.waiting(id)) {
    return wire::story_json(*msg, *bucket == store::Bucket::later, names.name(msg->msg.queue));
  }
  return std::nullopt;
}

std::optional<std::string> story(const Xid& id, const store::View& view, QueueNames& names) {
  constexpr int kMostLooks = 4;
  for (int looks = 0; looks < kMostLooks; ++looks) {
    if (auto found = look(id, view, names)) return found;
  }
  return std::nullopt;
}

}  // namespace

Answer answer(const FindMsg& asked, const store::View& view) {
  QueueNames names{view};
  std::optional<Xid> id = asked.id;
  if (!id) {
    if (const auto queue = names.number(asked.queue)) id = view.find_key(*queue, asked.key);
    if (!id) {
      return refuse({404, "no msg of the queue " + std::string{wire::full_queue_name(asked.queue)} +
                              " has the key " + wire::shown_key(asked.key) +
                              "; expected one that was accepted and is not forgotten"});
    }
  }
  if (auto found = story(*id, view, names)) return {200, *std::move(found), {}};
  return refuse({404, "no msg has the id " + id->text() +
                          "; expected one that was accepted and is not forgotten"});
}

}  // namespace pena::turn
