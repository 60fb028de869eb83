// Who said that he takes no more, and what he was told: the ground for the laws of leaving.
//
//   no_more       nothing is granted to him from then on
//   leaves_free   whoever was told that he holds nothing costs no msg an attempt, for he goes at once
//
// Of one run of the server: what a client of the run before held is given up by all, whatever it said.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "core/event.hpp"
#include "core/msg.hpp"
#include "sim/law.hpp"

namespace pena::sim {

class Leaves {
 public:
  // The server takes notice of it; so many batches were granted in this run so far, durable or not. Of a
  // client that it knows no longer a leave says nothing.
  void taken(const core::Reported& leave, bool is_connected, std::uint64_t granted) {
    if (!is_connected) return;
    taken_.insert(leave.request);
    granted_before_.try_emplace(*leave.client, granted);
  }
  // With the report of a batch of that client, which counts once it is answered.
  void said_last(core::RequestId request, const core::Xid& client) {
    last_words_.insert_or_assign(request, client);
  }
  [[nodiscard]] std::optional<core::Xid> whose_last_word(core::RequestId request) {
    const auto said = last_words_.extract(request);
    return said.empty() ? std::nullopt : std::optional{said.mapped()};
  }
  // The answer leaves, with so many msgs.
  void answered(const core::Reported& leave, std::uint64_t held) {
    if (held == 0 && taken_.contains(leave.request)) told_free_.insert(*leave.client);
  }
  // A grant is durable: the next of this run.
  void granted(const core::Batch& batch) {
    ++granted_;
    const auto left = granted_before_.find(batch.client);
    law(left == granted_before_.end() || granted_ <= left->second, "no_more",
        "client " + batch.client.text() + " said that it takes no more, and is given a batch");
  }
  // Its stream was lost with the batch. The server may have ended a lease before the client said anything.
  void missed(const core::Xid& id, const core::Miss& miss) const {
    const bool is_dropped = miss.reason == core::MissReason::dropped;
    law(!is_dropped || !told_free_.contains(miss.client), "leaves_free",
        id.text() + " is dropped by client " + miss.client.text() +
            ", which was told that it holds nothing");
  }

 private:
  std::set<core::RequestId> taken_;
  std::map<core::RequestId, core::Xid> last_words_;
  std::map<core::Xid, std::uint64_t> granted_before_;
  std::set<core::Xid> told_free_;
  std::uint64_t granted_ = 0;
};

}  // namespace pena::sim
