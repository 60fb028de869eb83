#include "sim/disk.hpp"

#include <cstdint>
#include <utility>

namespace pena::sim {

std::unique_ptr<store::Store> Disk::copy_of(const store::BucketView& from) {
  auto copy = store::make_memory_store();
  store::ChangeSet all;
  for (auto& msg : from.queue({}, SIZE_MAX).records)
    all.emplace_back(core::PutQueue{std::move(msg)});
  for (auto& batch : from.batches()) {
    all.emplace_back(core::PutBatch{std::make_shared<const core::Batch>(std::move(batch))});
  }
  for (auto& record : from.reports({}, SIZE_MAX).records) {
    all.emplace_back(core::PutReport{std::move(record)});
  }
  for (auto& record : from.fails({}, SIZE_MAX).records) {
    all.emplace_back(core::PutFail{std::move(record)});
  }
  for (const char* key : {"generated", "id_second"}) {
    if (const auto number = from.meta(key)) all.emplace_back(core::PutMeta{key, *number});
  }
  copy->commit(all);
  return copy;
}

}  // namespace pena::sim
