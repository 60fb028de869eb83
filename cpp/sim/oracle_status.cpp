// The law of what people are told of who is there: who was connected at some moment since it was asked, and what
// each of them said and held then.
#include <algorithm>
#include <string>

#include "sim/oracle.hpp"

namespace pena::sim {
namespace {

using core::Xid;

std::vector<std::string> queues_of(const core::ClientJoined& joined) {
  if (joined.queues.empty()) return {std::string{core::kDefaultQueueName}};
  return joined.queues;
}

bool concerns(const core::StatusAsked& asked, const core::ClientJoined& joined) {
  const bool is_behind = !asked.after || joined.client > *asked.after;
  return is_behind && (!asked.queue || std::ranges::count(queues_of(joined), *asked.queue) > 0);
}

bool is_as_it_said(const core::ClientNow& shown, const core::ClientJoined& joined) {
  return shown.name == joined.name && shown.address == joined.address &&
         shown.queues == queues_of(joined) && shown.submitted_only == joined.submitted_only &&
         shown.batchsize == joined.batchsize;
}

}  // namespace

void Oracle::status_asked(const core::StatusAsked& asked) {
  if (asked.what != core::StatusAsked::What::clients) return;
  asked_[asked.request] = {round_, asked, connected_};
}

void Oracle::status_leaves(core::RequestId request, const core::Status& status) {
  const auto at = asked_.extract(request);
  if (at.empty()) return;
  const Asked& asked = at.mapped();
  auto missing = asked.connected;
  std::erase_if(missing, [&](const auto& one) { return !concerns(asked.what, one.second); });
  std::optional<Xid> last = asked.what.after;
  for (const core::ClientNow& shown : status.clients) {
    const std::string who = "GET /clients has " + shown.id.text();
    law(!last || *last < shown.id, "status", who + " behind " + last.value_or(Xid{}).text());
    last = shown.id;
    const auto joined = missing.extract(shown.id);
    law(!joined.empty(), "status", who + ", which is not connected or not asked for");
    law(is_as_it_said(shown, joined.mapped()), "status", who + ", which said something else");
    law(held(shown, asked.round), "status",
        who + " with " + std::to_string(shown.holds) + " msgs, which it did not hold");
  }
  law(status.clients.size() <= asked.what.limit, "status", "GET /clients is longer than asked for");
  // The server may have parted with others, and told nobody yet.
  for (const auto& [id, joined] : missing) {
    law(closed_.contains(id) || (status.more && id > last), "status",
        "GET /clients is without " + id.text());
  }
}

// At some moment since that round was durable.
bool Oracle::held(const core::ClientNow& shown, std::uint64_t round) const {
  const auto is_it = [&](const Held& held) {
    return held.batch == shown.batch && held.msgs == shown.holds;
  };
  const auto at = held_.find(shown.id);
  if (at == held_.end()) return is_it({});
  const std::vector<Held>& all = at->second;
  auto since = std::ranges::upper_bound(all, round, {}, &Held::round);
  if (since == all.begin() && is_it({})) return true;
  if (since != all.begin()) --since;
  return std::any_of(since, all.end(), is_it);
}

}  // namespace pena::sim
