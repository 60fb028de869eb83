#include "turn/overlay.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>

#include "core/check.hpp"
#include "core/msg.hpp"

namespace pena::turn {
namespace {

using core::QueuedMsg;
using core::Xid;

// Grows by msgs until there are as many as may be; says, then, that there are more.
class GrowingPage {
 public:
  GrowingPage(std::size_t limit, std::size_t bytes) : limit_(limit), most_bytes_(bytes) {}

  // False where it was one too many.
  bool add(QueuedMsg msg) {
    page_.more = page_.records.size() >= limit_ || bytes_ >= most_bytes_;
    if (page_.more) return false;
    bytes_ += msg.memory_bytes();
    page_.records.push_back(std::move(msg));
    return true;
  }
  // How many msgs may still come, and one more where none may: to see whether there is one.
  [[nodiscard]] std::size_t left() const {
    return std::max<std::size_t>(limit_ - page_.records.size(), 1);
  }
  [[nodiscard]] store::Page<QueuedMsg> page() && { return std::move(page_); }

 private:
  std::size_t limit_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  store::Page<QueuedMsg> page_;
};

}  // namespace

QueueThrough::QueueThrough(const store::Index& index, Layers layers,
                           const std::optional<Behind>& behind)
    : index_(index), behind_(behind) {
  const auto is_asked = [&behind](core::QueueNumber queue, const Xid& id) {
    return !behind || (queue == behind->queue && (!behind->id || *behind->id < id));
  };
  for (const store::ChangeSet* changes : layers) {
    for (std::size_t i = 0; i < changes->size(); ++i) {
      const core::Write& write = (*changes)[i];
      if (const auto* put = std::get_if<core::PutQueue>(&write)) {
        const core::Msg& msg = put->msg.msg;
        if (is_asked(msg.queue, msg.id)) changes_.say({msg.queue, msg.id}, {changes, i});
      } else if (const auto* drop = std::get_if<core::DropQueue>(&write)) {
        if (is_asked(drop->queue, drop->id)) changes_.say({drop->queue, drop->id}, {changes, i});
      } else if (behind) {
        continue;
      } else if (const auto* later = std::get_if<core::PutLater>(&write)) {
        later_changes_.say({later->msg.queued_at, later->msg.msg.id}, {changes, i});
      } else if (const auto* due = std::get_if<core::DropLater>(&write)) {
        later_changes_.say({due->due_at, due->id}, {changes, i});
      }
    }
  }
  changes_.settle();
  later_changes_.settle();
}

const QueuedMsg* QueueThrough::Change::put() const {
  if (const auto* const put = std::get_if<core::PutQueue>(&(*layer)[write])) return &put->msg;
  const auto* const later = std::get_if<core::PutLater>(&(*layer)[write]);
  return later == nullptr ? nullptr : &later->msg;
}

// Two lists in the order of the ids become one. Where both have an id, the layers' word is the last.
store::Page<QueuedMsg> QueueThrough::queue(core::QueueNumber queue, std::optional<Xid> after,
                                           std::size_t limit, std::size_t bytes) const {
  PENA_CHECK(!behind_ || (behind_->queue == queue && behind_->id <= after));
  auto next = after ? changes_.upper_bound({queue, *after}) : changes_.lower_bound({queue, Xid{}});
  const auto last = changes_.lower_bound({queue + 1, Xid{}});
  if (next == last) return index_.queue(queue, after, limit, bytes);
  GrowingPage grown{limit, bytes};
  // What the layers leave in the queue, from there to `end`.
  const auto add_changed_until = [&](auto end) {
    for (; next != end; ++next) {
      const QueuedMsg* const put = next->second.put();
      if (put != nullptr && !grown.add(*put)) return false;
    }
    return true;
  };
  for (bool more = true; more;) {
    store::Page<QueuedMsg> page = index_.queue(queue, after, grown.left(), bytes);
    more = page.more;
    if (!page.records.empty()) after = page.records.back().msg.id;
    for (QueuedMsg& msg : page.records) {
      const Place place{queue, msg.msg.id};
      const auto end =
          std::find_if(next, last, [&](const auto& change) { return place < change.first; });
      const bool is_changed = end != next && std::prev(end)->first == place;
      if (!add_changed_until(end)) return std::move(grown).page();
      if (!is_changed && !grown.add(std::move(msg))) return std::move(grown).page();
    }
  }
  (void)add_changed_until(last);
  return std::move(grown).page();
}

std::vector<QueuedMsg> QueueThrough::queued(core::QueueNumber queue, std::span<const Xid> ids,
                                            std::size_t bytes) const {
  PENA_CHECK(!behind_);
  std::vector<Xid> unchanged;
  unchanged.reserve(ids.size());
  for (const Xid& id : ids) {
    if (!changes_.contains({queue, id})) unchanged.push_back(id);
  }
  std::vector<QueuedMsg> read =
      unchanged.empty() ? std::vector<QueuedMsg>{} : index_.queued(queue, unchanged, bytes);
  if (unchanged.size() == ids.size()) return read;
  auto from_index = read.begin();
  GrowingPage grown{ids.size(), bytes};
  for (const Xid& id : ids) {
    const auto change = changes_.find({queue, id});
    const bool is_changed = change != changes_.end();
    if (!is_changed && from_index == read.end()) break;  // it was cut there
    if (!is_changed) {
      if (!grown.add(std::move(*from_index++))) break;
      continue;
    }
    const QueuedMsg* const put = change->second.put();
    PENA_CHECK(put != nullptr);  // whoever asks for it knows that it waits
    if (!grown.add(*put)) break;
  }
  return std::move(grown).page().records;
}

// As queue() does it, in the order of the due dates.
template <class Add>
void QueueThrough::walk_later(std::optional<LaterPlace> after, std::size_t most, std::size_t bytes,
                              Add add) const {
  PENA_CHECK(!behind_);
  auto next = after ? later_changes_.upper_bound(*after) : later_changes_.begin();
  const auto add_changed_until = [&](auto end) {
    for (; next != end; ++next) {
      const QueuedMsg* const put = next->second.put();
      if (put != nullptr && !add(QueuedMsg{*put})) return false;
    }
    return true;
  };
  for (bool more = true; more; most = std::min<std::size_t>(2 * most, 4096)) {
    std::optional<store::LaterPlace> behind;
    if (after) behind = store::LaterPlace{after->first, after->second};
    store::Page<QueuedMsg> page = index_.later(behind, {most, bytes});
    more = page.more;
    for (QueuedMsg& msg : page.records) {
      after = LaterPlace{msg.queued_at, msg.msg.id};
      if (!add_changed_until(later_changes_.upper_bound(*after))) return;
      if (!later_changes_.contains(*after) && !add(std::move(msg))) return;
    }
  }
  (void)add_changed_until(later_changes_.end());
}

QueueThrough::Due QueueThrough::due(core::Instant up_to, std::size_t limit,
                                    std::size_t bytes) const {
  Due due;
  std::size_t read_bytes = 0;
  // False where it is the first that is left.
  const auto add = [&](QueuedMsg&& msg) {
    const bool fits = msg.queued_at <= up_to && due.msgs.size() < limit && read_bytes < bytes;
    if (!fits) {
      due.next_due = msg.queued_at;
      return false;
    }
    read_bytes += msg.memory_bytes();
    due.msgs.push_back(std::move(msg));
    return true;
  };
  walk_later(std::nullopt, 8, bytes, add);
  return due;
}

store::Page<QueuedMsg> QueueThrough::later(const std::optional<LaterPlace>& after,
                                           std::size_t limit, std::size_t bytes) const {
  GrowingPage grown{limit, bytes};
  walk_later(after, limit, bytes, [&](QueuedMsg&& msg) { return grown.add(std::move(msg)); });
  return std::move(grown).page();
}

WaitingThrough::WaitingThrough(const store::Index& index, Layers layers) : index_(index) {
  for (const store::ChangeSet* changes : layers) {
    for (const core::Write& write : *changes) {
      if (const auto* put = std::get_if<core::PutQueue>(&write)) {
        last_[put->msg.msg.id] = &write;
      } else if (const auto* later = std::get_if<core::PutLater>(&write)) {
        last_[later->msg.msg.id] = &write;
      } else if (const auto* drop = std::get_if<core::DropQueue>(&write)) {
        last_[drop->id] = nullptr;
      } else if (const auto* due = std::get_if<core::DropLater>(&write)) {
        last_[due->id] = nullptr;
      }
    }
  }
}

std::optional<core::WaitingMsg> WaitingThrough::waiting(const Xid& id) const {
  const auto last = last_.find(id);
  if (last == last_.end()) {
    auto msg = index_.waiting(id);
    if (!msg) return std::nullopt;
    return core::WaitingMsg{*std::move(msg), index_.find_all({id}).front() == store::Bucket::later};
  }
  if (last->second == nullptr) return std::nullopt;
  if (const auto* const put = std::get_if<core::PutQueue>(last->second)) {
    return core::WaitingMsg{put->msg, false};
  }
  return core::WaitingMsg{std::get<core::PutLater>(*last->second).msg, true};
}

}  // namespace pena::turn
