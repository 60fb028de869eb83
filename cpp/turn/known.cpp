#include "turn/known.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace pena::turn {
namespace {

using core::Content;
using core::Msg;
using core::Xid;

std::optional<Content> content_in(const core::Batch& batch, const Xid& id) {
  const auto held = std::ranges::find(batch.msgs, id, [](const auto& msg) { return msg.msg.id; });
  return held == batch.msgs.end() ? std::nullopt : std::optional{content_of(held->msg)};
}

// Where a write puts that msg somewhere.
std::optional<Content> content_in(const core::Write& write, const Xid& id) {
  if (const auto* put = std::get_if<core::PutQueue>(&write); put && put->msg.msg.id == id) {
    return content_of(put->msg.msg);
  }
  if (const auto* put = std::get_if<core::PutLater>(&write); put && put->msg.msg.id == id) {
    return content_of(put->msg.msg);
  }
  if (const auto* put = std::get_if<core::PutReport>(&write); put && put->id() == id) {
    return content_of(record_of(put->fields()));
  }
  if (const auto* put = std::get_if<core::PutFail>(&write); put && put->record.msg.id == id) {
    return content_of(put->record.msg);
  }
  return std::nullopt;
}

void sort_and_keep_first(std::vector<Msg>& msgs) {
  if (!std::ranges::is_sorted(msgs, {}, &Msg::id)) std::ranges::stable_sort(msgs, {}, &Msg::id);
  const auto alike = [](const Msg& a, const Msg& b) {
    return a.id == b.id;
  };
  msgs.erase(std::unique(msgs.begin(), msgs.end(), alike), msgs.end());
}

}  // namespace

// Where a msg is known by both its id and its key, it has to be one msg that is known.
std::optional<Known::Conflict> Known::leave_out(core::Submitted& submitted) const {
  std::vector<Msg>& msgs = submitted.msgs;
  sort_and_keep_first(msgs);
  const Ids ids = known_ids(submitted);
  const Ids keys = known_keys(submitted);
  for (std::size_t at = 0; at < msgs.size(); ++at) {
    const bool by_key = !ids[at];
    const std::optional<Xid> known = by_key ? keys[at] : ids[at];
    if (!known) continue;
    Content said = content_of(msgs[at]);
    // A queue that is not known is another one than that of any msg.
    said.queue = number_of(submitted, msgs[at]).value_or(core::kGeneratedQueue);
    const auto is = content(*known);
    std::string other = is ? difference(said, *is, max_resends_) : "";
    if (!other.empty()) return Conflict{std::move(msgs[at]), *known, by_key, std::move(other)};
    submitted.known.push_back({msgs[at].id, *known});
  }
  std::size_t at = 0;
  std::erase_if(msgs, [&](const Msg& /*msg*/) {
    const bool is_known = ids[at] || keys[at];
    ++at;
    return is_known;
  });
  return std::nullopt;
}

Known::Ids Known::known_ids(const core::Submitted& submitted) const {
  std::vector<Xid> asked;
  asked.reserve(submitted.msgs.size());
  for (const Msg& msg : submitted.msgs) asked.push_back(msg.id);
  const auto stored = index_.find_all(asked);
  const auto is_put = [this](const Xid& id) {
    return std::ranges::any_of(puts_, [&](const PutIds* put) { return put->contains(id); });
  };
  Ids known(asked.size());
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (stored[at] || dispatcher_.holds(asked[at]) || is_put(asked[at])) known[at] = asked[at];
  }
  return known;
}

Known::Ids Known::known_keys(const core::Submitted& submitted) const {
  Ids known(submitted.msgs.size());
  std::vector<store::Index::Key> keys;
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < submitted.msgs.size(); ++at) {
    const Msg& msg = submitted.msgs[at];
    const auto queue = msg.key.empty() ? std::nullopt : number_of(submitted, msg);
    if (!queue) continue;
    keys.push_back({*queue, msg.key});
    places.push_back(at);
  }
  if (keys.empty()) return known;
  const auto stored = index_.find_keys(keys);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::optional<Xid> id = stored[i];
    for (const PutIds* put : puts_) {
      if (const auto is_put = put->id_of(keys[i].queue, keys[i].key)) id = is_put;
    }
    if (id) known[places[i]] = id;
  }
  return known;
}

// None where no queue is called so.
std::optional<core::QueueNumber> Known::number_of(const core::Submitted& submitted,
                                                  const Msg& msg) const {
  if (submitted.queues.empty()) return core::kDefaultQueue;
  return dispatcher_.queue_number(submitted.queues.at(msg.queue));
}

// The last word on it is the newest layer's.
std::optional<Content> Known::content(const Xid& id) const {
  if (const core::Batch* const held = dispatcher_.holder(id)) return content_in(*held, id);
  for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
    for (const core::Write& write : **layer) {
      if (auto found = content_in(write, id)) return found;
    }
  }
  return index_.content(id);
}

}  // namespace pena::turn
