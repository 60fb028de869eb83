#include "store/queue_registry.hpp"

#include <array>
#include <utility>

#include "core/number_text.hpp"
#include "store/error.hpp"
#include "store/format.hpp"

namespace pena::store {
namespace {

struct Named {
  QueueRegistry::Count count;
  const char* name;
};
constexpr std::array<Named, 4> kCounts{
    Named{&QueueInfo::queued, "queued"}, Named{&QueueInfo::later, "later"},
    Named{&QueueInfo::reported, "reported"}, Named{&QueueInfo::failed, "failed"}};

void add(QueueInfo& to, const QueueInfo& sum) {
  for (const auto& [count, name] : kCounts) {
    const std::uint64_t before = to.*count;
    to.*count += sum.*count;
    const bool less = static_cast<std::int64_t>(sum.*count) < 0;
    if (less && to.*count > before) {
      throw StoreError("the queue " + std::to_string(to.number) + " is said to have " +
                       core::msgs_text(before) + " " + name + ", and has more");
    }
  }
}

[[noreturn]] void refuse_name(const core::PutQueueName& put, const std::string& why) {
  throw StoreError("a bug: the queue " + std::to_string(put.queue) + " is to be called \"" +
                   put.name + "\", but " + why);
}

}  // namespace

bool is_worth_telling(const QueueInfo& info) {
  return !info.name.empty() || info.paused ||
         (info.queued | info.later | info.reported | info.failed) != 0;
}

QueueRegistry::QueueRegistry(std::vector<QueueInfo> known) {
  for (QueueInfo& info : known) {
    if (!info.name.empty()) names_.insert(info.name);
    known_.emplace(info.number, std::move(info));
  }
}

void QueueRegistry::name(const core::PutQueueName& put) {
  QueueInfo& info = change(put.queue);
  info.paused = put.paused;
  if (put.queue < core::kFirstNamedQueue || put.name == info.name) return;
  if (put.name.empty() || put.name == core::kDefaultQueueName) refuse_name(put, "that is no name");
  if (!info.name.empty()) refuse_name(put, "its name is \"" + info.name + "\"");
  if (!names_.insert(put.name).second) refuse_name(put, "another one has that name");
  info.name = put.name;
}

void QueueRegistry::begin_sum(core::QueueNumber queue) {
  last_sum_ = &sums_[queue];
  last_sum_->number = queue;
}

void QueueRegistry::settle() {
  for (const auto& [number, sum] : sums_) {
    if (!is_worth_telling(sum)) continue;
    QueueInfo& info = change(number);
    add(info, sum);
    if (number >= core::kFirstNamedQueue && info.name.empty()) {
      throw StoreError("a bug: msgs are of the queue " + std::to_string(number) +
                       ", which has no name");
    }
  }
  sums_.clear();
  last_sum_ = nullptr;
}

// As its record says it.
bool QueueRegistry::is_changed(const QueueInfo& info, const std::optional<QueueInfo>& before) {
  if (!before || says_reported(info.number)) return true;
  QueueInfo but_for_reports = info;
  but_for_reports.reported = before->reported;
  return but_for_reports != *before;
}

void QueueRegistry::undo() {
  for (auto& [number, info] : before_) {
    const std::string& name = known_[number].name;
    const bool was_named = info && !info->name.empty();
    if (!name.empty() && !was_named) names_.erase(name);
    if (info) {
      known_[number] = std::move(*info);
    } else {
      known_.erase(number);
    }
  }
  before_.clear();
  sums_.clear();
  last_sum_ = nullptr;
}

std::vector<QueueInfo> QueueRegistry::all() const {
  std::vector<QueueInfo> infos;
  for (const auto& [number, info] : known_) {
    if (is_worth_telling(info)) infos.push_back(info);
  }
  return infos;
}

QueueInfo& QueueRegistry::change(core::QueueNumber queue) {
  const auto known = known_.find(queue);
  if (!before_.contains(queue)) {
    before_.emplace(queue, known == known_.end() ? std::nullopt : std::optional{known->second});
  }
  if (known != known_.end()) return known->second;
  QueueInfo& made = known_[queue];
  made.number = queue;
  return made;
}

}  // namespace pena::store
