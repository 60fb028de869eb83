#include "store/check_log.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "store/change_bytes.hpp"
#include "store/check_facts.hpp"
#include "store/error.hpp"
#include "store/format.hpp"
#include "store/lmdb_records.hpp"
#include "store/log_store.hpp"
#include "store/segment_log.hpp"

namespace pena::store {
namespace {

// Counts msgs on: each write moves one, but for those of batches, which are as large as they are.
class Counting {
 public:
  Counting(const LmdbEnv& env, CheckReport& report) : env_(env), report_(report) {}

  void operator()(const core::PutQueue& /*write*/) { ++report_.msgs.queue; }
  void operator()(const core::DropQueue& /*write*/) { --report_.msgs.queue; }
  void operator()(const core::PutLater& /*write*/) { ++report_.msgs.later; }
  void operator()(const core::DropLater& /*write*/) { --report_.msgs.later; }
  void operator()(const core::PutReport& /*write*/) { ++report_.msgs.report; }
  void operator()(const core::DropReport& /*write*/) { --report_.msgs.report; }
  void operator()(const core::PutFail& /*write*/) { ++report_.msgs.fail; }
  void operator()(const core::DropFail& /*write*/) { --report_.msgs.fail; }
  void operator()(const core::PutBatch& write) {
    if (write.replaces) forget(write.batch->id);
    ++report_.batches;
    report_.msgs.batch += write.batch->msgs.size();
    sizes_[write.batch->id] = write.batch->msgs.size();
  }
  void operator()(const core::DropBatch& write) { forget(write.id); }
  template <class Other>
  void operator()(const Other& /*write*/) {}

 private:
  void forget(const core::Xid& id) {
    --report_.batches;
    report_.msgs.batch -= size_of(id);
    sizes_.erase(id);
  }
  std::size_t size_of(const core::Xid& id) const {
    if (const auto at = sizes_.find(id); at != sizes_.end()) return at->second;
    const ReadTxn txn(env_);
    const auto value = value_of(env_, txn.get(), Table::batch, id);
    if (!value) throw StoreError("it drops the batch " + id.text() + ", which is not there");
    return batch_size(id, *value);
  }

  const LmdbEnv& env_;
  CheckReport& report_;
  std::map<core::Xid, std::size_t> sizes_;
};

std::uint64_t meta_of(const LmdbEnv& env, const char* name) {
  return number_of(env, ReadTxn(env).get(), name).value_or(0);
}

}  // namespace

void check_log(const LmdbEnv& env, CheckReport& report) {
  const std::uint64_t segments = meta_of(env, kLogOpen);
  if (segments == 0) return;
  Counting counting(env, report);
  const auto count = [&](std::uint64_t number, std::string_view body) {
    try {
      for (const core::Write& write : decode_changes(body)) std::visit(counting, write);
      ++report.logged;
    } catch (const StoreError& error) {
      add_problem(report, "log", std::to_string(number), error.what());
    }
  };
  try {
    (void)read_log(*log_files_in(env.folder()), meta_of(env, kLogId),
                   static_cast<std::uint32_t>(segments), meta_of(env, kLogApplied), count);
  } catch (const StoreError& error) {
    add_problem(report, "log", "log", error.what());
  }
}

}  // namespace pena::store
