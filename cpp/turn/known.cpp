#include "turn/known.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>

namespace pena::turn {
namespace {

using core::Content;
using core::Msg;
using core::Xid;

// Of a write that puts a msg somewhere.
Content content_of_put(const core::Write& write) {
  if (const auto* queue = std::get_if<core::PutQueue>(&write)) return content_of(queue->msg.msg);
  if (const auto* later = std::get_if<core::PutLater>(&write)) return content_of(later->msg.msg);
  if (const auto* fail = std::get_if<core::PutFail>(&write)) return content_of(fail->record.msg);
  return content_of(record_of(std::get<core::PutReport>(write).fields()));
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
  std::vector<Xid> asked;
  asked.reserve(msgs.size());
  for (const Msg& msg : msgs) asked.push_back(msg.id);
  std::vector<Place> known = places(asked);
  const auto keys = known_keys(submitted);
  std::vector<std::size_t> by_key;
  std::vector<Xid> keyed;
  for (std::size_t at = 0; at < msgs.size(); ++at) {
    if (known[at].known || !keys[at]) continue;
    by_key.push_back(at);
    keyed.push_back(*keys[at]);
  }
  const std::vector<Place> keyed_places = keyed.empty() ? std::vector<Place>{} : places(keyed);
  for (std::size_t i = 0; i < by_key.size(); ++i) {
    known[by_key[i]] = keyed_places[i];
    known[by_key[i]].known = true;
  }
  const Contents says = contents(known);
  for (std::size_t at = 0; at < msgs.size(); ++at) {
    if (!known[at].known) continue;
    Content said = content_of(msgs[at]);
    // A queue that is not known is another one than that of any msg.
    said.queue = number_of(submitted, msgs[at]).value_or(core::kGeneratedQueue);
    std::string other = says[at] ? difference(said, *says[at], max_resends_) : "";
    if (!other.empty()) {
      const bool is_by_key = known[at].id != msgs[at].id;
      return Conflict{std::move(msgs[at]), known[at].id, is_by_key, std::move(other)};
    }
    submitted.known.push_back({msgs[at].id, known[at].id});
  }
  std::size_t at = 0;
  std::erase_if(msgs, [&](const Msg& /*msg*/) { return known[at++].known; });
  return std::nullopt;
}

// In each bucket the last word counts, which is the newest layer's: what the index has is gone where they
// take it out.
std::vector<Known::Place> Known::places(const std::vector<Xid>& ids) const {
  const auto stored = index_.find_all(ids);
  std::vector<Place> places(ids.size());
  for (std::size_t at = 0; at < ids.size(); ++at) {
    Place& place = places[at];
    place.id = ids[at];
    place.bucket = stored[at];
    place.held = dispatcher_.holds(ids[at]);
    Buckets in;
    if (stored[at]) in.add(*stored[at]);
    for (const Layer& layer : layers_) {
      const ChangedIds::Change* const change = layer.ids->find(ids[at]);
      if (change == nullptr) continue;
      in.remove(change->dropped);
      in.add(change->put);
      if (!change->put.empty()) place.put = &(*layer.writes)[change->write];
    }
    place.known = place.held || !in.empty();
  }
  return places;
}

std::vector<std::optional<Xid>> Known::known_keys(const core::Submitted& submitted) const {
  std::vector<std::optional<Xid>> known(submitted.msgs.size());
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
    for (const Layer& layer : layers_) {
      if (const auto* word = layer.ids->find_key(keys[i].queue, keys[i].key)) id = *word;
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

Known::Contents Known::contents(const std::vector<Place>& places) const {
  Contents contents(places.size());
  for (std::size_t at = 0; at < places.size(); ++at) {
    const Place& place = places[at];
    if (place.known && !place.held && place.put) contents[at] = content_of_put(*place.put);
  }
  read_held(places, contents);
  read_stored(places, contents);
  return contents;
}

// Each batch is walked through once, however many of its msgs are known.
void Known::read_held(const std::vector<Place>& places, Contents& into) const {
  std::unordered_multimap<Xid, std::size_t> wanted;
  std::set<const core::Batch*> batches;
  for (std::size_t at = 0; at < places.size(); ++at) {
    if (!places[at].held) continue;
    wanted.emplace(places[at].id, at);
    batches.insert(dispatcher_.holder(places[at].id));
  }
  for (const core::Batch* const batch : batches) {
    for (const core::QueuedMsg& msg : batch->msgs) {
      const auto [begin, end] = wanted.equal_range(msg.msg.id);
      for (auto at = begin; at != end; ++at) into[at->second] = content_of(msg.msg);
    }
  }
}

void Known::read_stored(const std::vector<Place>& places, Contents& into) const {
  std::vector<store::Index::Found> found;
  std::vector<std::size_t> at_place;
  for (std::size_t at = 0; at < places.size(); ++at) {
    const Place& place = places[at];
    if (!place.known || place.held || place.put || !place.bucket) continue;
    found.push_back({place.id, *place.bucket});
    at_place.push_back(at);
  }
  if (found.empty()) return;
  auto contents = index_.contents(found);
  for (std::size_t i = 0; i < found.size(); ++i) into[at_place[i]] = std::move(contents[i]);
}

}  // namespace pena::turn
