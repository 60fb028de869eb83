#include "turn/changed_ids.hpp"

#include <variant>

namespace pena::turn {

using core::Xid;
using store::Bucket;

void ChangedIds::note(const store::ChangeSet& changes) {
  for (; noted_ < changes.size(); ++noted_) {
    const core::Write& write = changes[noted_];
    if (const auto* put_queue = std::get_if<core::PutQueue>(&write)) {
      put(put_queue->msg.msg.id, Bucket::queue);
    } else if (const auto* drop_queue = std::get_if<core::DropQueue>(&write)) {
      drop(drop_queue->id, Bucket::queue);
    } else if (const auto* put_later = std::get_if<core::PutLater>(&write)) {
      put(put_later->msg.msg.id, Bucket::later);
    } else if (const auto* drop_later = std::get_if<core::DropLater>(&write)) {
      drop(drop_later->id, Bucket::later);
    } else if (const auto* put_report = std::get_if<core::PutReport>(&write)) {
      put(put_report->id(), Bucket::report);
    } else if (const auto* drop_report = std::get_if<core::DropReport>(&write)) {
      drop(drop_report->id, Bucket::report);
    } else if (const auto* put_fail = std::get_if<core::PutFail>(&write)) {
      put(put_fail->record.msg.id, Bucket::fail);
    } else if (const auto* drop_fail = std::get_if<core::DropFail>(&write)) {
      drop(drop_fail->id, Bucket::fail);
    } else if (const auto* put_key = std::get_if<core::PutKey>(&write)) {
      keys_.insert_or_assign(std::pair{put_key->queue, put_key->key}, put_key->id);
    } else if (const auto* drop_key = std::get_if<core::DropKey>(&write)) {
      keys_.insert_or_assign(std::pair{drop_key->queue, drop_key->key}, std::nullopt);
    }
  }
}

void ChangedIds::put(const Xid& id, Bucket bucket) {
  Change& change = ids_[id];
  change.put.add(bucket);
  change.dropped.remove(bucket);
  change.write = noted_;
}

void ChangedIds::drop(const Xid& id, Bucket bucket) {
  Change& change = ids_[id];
  change.put.remove(bucket);
  change.dropped.add(bucket);
}

const ChangedIds::Change* ChangedIds::find(const Xid& id) const {
  const auto at = ids_.find(id);
  return at == ids_.end() ? nullptr : &at->second;
}

const std::optional<Xid>* ChangedIds::find_key(core::QueueNumber queue,
                                               const std::string& key) const {
  const auto at = keys_.find({queue, key});
  return at == keys_.end() ? nullptr : &at->second;
}

}  // namespace pena::turn
