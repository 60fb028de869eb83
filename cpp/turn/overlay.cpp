#include "turn/overlay.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/check.hpp"

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

QueueThrough::QueueThrough(const store::Index& index, Layers layers) : index_(index) {
  for (const store::ChangeSet* changes : layers) {
    for (std::size_t i = 0; i < changes->size(); ++i) {
      const core::Write& write = (*changes)[i];
      if (const auto* put = std::get_if<core::PutQueue>(&write)) {
        changes_[put->msg.msg.id] = {changes, i};
      } else if (const auto* drop = std::get_if<core::DropQueue>(&write)) {
        changes_[drop->id] = {changes, i};
      }
    }
  }
}

const QueuedMsg* QueueThrough::Change::put() const {
  const auto* const put = std::get_if<core::PutQueue>(&(*layer)[write]);
  return put == nullptr ? nullptr : &put->msg;
}

// Two lists in the order of the ids become one. Where both have an id, the layers' word is the last.
store::Page<QueuedMsg> QueueThrough::queue(std::optional<Xid> after, std::size_t limit,
                                           std::size_t bytes) const {
  if (changes_.empty()) return index_.queue(after, limit, bytes);
  auto next = after ? changes_.upper_bound(*after) : changes_.begin();
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
    store::Page<QueuedMsg> page = index_.queue(after, grown.left(), bytes);
    more = page.more;
    if (!page.records.empty()) after = page.records.back().msg.id;
    for (QueuedMsg& msg : page.records) {
      const Xid id = msg.msg.id;
      if (!add_changed_until(changes_.upper_bound(id))) return std::move(grown).page();
      if (!changes_.contains(id) && !grown.add(std::move(msg))) return std::move(grown).page();
    }
  }
  (void)add_changed_until(changes_.end());
  return std::move(grown).page();
}

std::vector<QueuedMsg> QueueThrough::queued(std::span<const Xid> ids, std::size_t bytes) const {
  std::vector<Xid> unchanged;
  unchanged.reserve(ids.size());
  for (const Xid& id : ids) {
    if (!changes_.contains(id)) unchanged.push_back(id);
  }
  std::vector<QueuedMsg> read =
      unchanged.empty() ? std::vector<QueuedMsg>{} : index_.queued(unchanged, bytes);
  if (unchanged.size() == ids.size()) return read;
  auto from_index = read.begin();
  GrowingPage grown{ids.size(), bytes};
  for (const Xid& id : ids) {
    const auto change = changes_.find(id);
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

std::size_t erase_reported(Layers layers, std::vector<Xid>& ids) {
  if (layers.empty() || ids.empty()) return 0;
  std::unordered_set<Xid> reported;
  for (const store::ChangeSet* changes : layers) {
    for (const core::Write& write : *changes) {
      if (const auto* put = std::get_if<core::PutReport>(&write)) reported.insert(put->record.id);
    }
  }
  return std::erase_if(ids, [&](const Xid& id) { return reported.contains(id); });
}

void PutIds::note(const store::ChangeSet& changes) {
  for (; noted_ < changes.size(); ++noted_) {
    const core::Write& write = changes[noted_];
    if (const auto* queue = std::get_if<core::PutQueue>(&write)) ids_.insert(queue->msg.msg.id);
    if (const auto* report = std::get_if<core::PutReport>(&write)) ids_.insert(report->record.id);
    if (const auto* fail = std::get_if<core::PutFail>(&write)) ids_.insert(fail->record.msg.id);
  }
}

}  // namespace pena::turn
