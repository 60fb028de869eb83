#include "turn/status_text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "turn/count_list.hpp"
#include "turn/stored_names.hpp"
#include "wire/names.hpp"
#include "wire/status_json.hpp"

namespace pena::turn {
namespace {

using core::QueueNumber;
using wire::QueueHas;

void add(const store::QueueInfo& queue, const store::View& view, QueueHas& to) {
  to.queued += queue.queued;
  to.later += queue.later;
  to.reported += queue.reported;
  to.failed += queue.failed;
  if (queue.queued == 0) return;
  for (const core::QueuedMsg& first : view.queue(queue.number, std::nullopt, 1).records) {
    to.oldest = std::min(to.oldest.value_or(first.accepted_at), first.accepted_at);
  }
}

// People see two of the store's queues as one.
bool are_one(QueueNumber shown, QueueNumber stored) {
  return shown == stored || (is_default_queue(shown) && is_default_queue(stored));
}

std::string stats_text(const core::Status& status, const store::View& view) {
  std::vector<QueueHas> has;
  has.reserve(status.queues.size());
  const std::vector<store::QueueInfo> stored = view.queues();  // by number
  for (const core::QueueNow& queue : status.queues) {
    QueueHas& sum = has.emplace_back();
    auto at = std::ranges::lower_bound(stored, is_default_queue(queue.number) ? 0 : queue.number,
                                       {}, &store::QueueInfo::number);
    for (; at != stored.end() && are_one(queue.number, at->number); ++at) add(*at, view, sum);
  }
  return wire::stats_json(status, has, counts_json(status.counts));
}

std::string batches_text(const core::Status& status, const std::optional<std::string>& queue,
                         const store::View& view) {
  if (!queue) {
    return wire::batches_json(status, [](QueueNumber) { return true; });
  }
  const auto asked = StoredNames(view).number(wire::short_queue_name(*queue));
  return wire::batches_json(
      status, [asked](QueueNumber number) { return asked && are_one(*asked, number); });
}

}  // namespace

std::string status_text(const core::Status& status, const std::optional<std::string>& queue,
                        const store::View& view) {
  switch (status.what) {
    case core::StatusAsked::What::clients:
      return wire::clients_json(status);
    case core::StatusAsked::What::batches:
      return batches_text(status, queue, view);
    case core::StatusAsked::What::stats:
    case core::StatusAsked::What::holders:  // of which nobody is told by itself
      break;
  }
  return stats_text(status, view);
}

}  // namespace pena::turn
