#include "store/lmdb_store.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "store/fill_gauge.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_files.hpp"
#include "store/lmdb_log.hpp"
#include "store/lmdb_view.hpp"
#include "store/log_files.hpp"
#include "store/server_lock.hpp"
#include "store/slow_readers.hpp"

namespace pena::store {
namespace {

constexpr std::size_t kLeastUpperPart = std::size_t{64} << 20U;

class LmdbStore final : public LmdbReading<Store> {
 public:
  // Takes the lock when nothing can fail any more.
  LmdbStore(std::unique_ptr<ServerLock>& lock, std::shared_ptr<LmdbEnv> env,
            std::size_t limit_bytes, std::size_t least_disk_bytes)
      : LmdbReading(std::move(env)), log_(index()), gauge_(limit_bytes, least_disk_bytes) {
    (void)gauge_.read(LmdbStore::env());
    lock_ = std::move(lock);
  }

  void commit(const ChangeSet& changes) override {
    std::vector<const core::Write*> writes;
    writes.reserve(changes.size());
    for (const core::Write& write : changes) writes.push_back(&write);
    commit_writes(writes);
  }
  void commit_writes(std::span<const core::Write* const> writes) override {
    lock_->check();
    gauge_.committed(log_.commit(writes));
  }

  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const override {
    return index().queued(queue, ids, bytes);
  }
  [[nodiscard]] std::optional<core::Instant> next_due() const override {
    return index().next_due();
  }
  [[nodiscard]] std::vector<std::optional<core::Xid>> find_keys(
      const std::vector<Key>& keys) const override {
    return index().find_keys(keys);
  }
  [[nodiscard]] std::vector<std::optional<core::Content>> contents(
      const std::vector<Found>& msgs) const override {
    return index().contents(msgs);
  }
  [[nodiscard]] std::optional<core::Xid> last_up_to(const core::Xid& id) const override {
    return index().last_up_to(id);
  }
  [[nodiscard]] double fill() const override { return gauge_.read(env()); }
  [[nodiscard]] bool disk_is_low() const override { return gauge_.disk_is_low(); }
  [[nodiscard]] core::Room room() const override { return gauge_.room(env()); }
  [[nodiscard]] std::optional<std::string> warning() override {
    return readers_.warning(env(), gauge_, SlowReaders::Clock::now());
  }

 private:
  std::unique_ptr<ServerLock> lock_;
  LmdbLog log_;
  mutable FillGauge gauge_;
  SlowReaders readers_;
};

// The upper part is for what becomes of msgs that were taken.
std::size_t map_of(std::size_t map_bytes) {
  return map_bytes + std::max(map_bytes, kLeastUpperPart);
}

// What was acknowledged may be in it.
void refuse_log_alone(const std::string& path) {
  if (key_of(data_file_of(path)) || !log_files_in(path)->bytes(0)) return;
  throw StoreError("the store " + path +
                   " has a log and no data.mdb; expected both, or an empty folder for a new store");
}

}  // namespace
std::optional<std::string> map_problem(const core::Limits& limits) {
  constexpr std::uint64_t kOfNothing = 64;  // pages of an empty store
  const std::uint64_t record = core::kMsgFields + core::kLongestKey + limits.payload_bytes;
  core::BatchRoom granted{limits};
  granted.add(record);
  const std::uint64_t pages = kOfNothing + core::kPagesOfCommits +
                              core::room_of_record(record).pages + granted.total().pages;
  if (pages <= map_of(limits.map_bytes) / core::kRoomPage) return std::nullopt;
  return "map_bytes (" + std::to_string(limits.map_bytes) + ") must be at least " +
         std::to_string(pages * core::kRoomPage / 2) + " for payload_bytes (" +
         std::to_string(limits.payload_bytes) + "), or the largest msg finds no room";
}

std::unique_ptr<Store> open_lmdb_store(const std::string& path, std::size_t map_bytes,
                                       std::size_t least_disk_bytes, ServerLock::For purpose) {
  refuse_log_alone(path);
  NewFolders folders(path);
  // The lock first: a second server must not touch the environment of the first.
  auto lock = std::make_unique<ServerLock>(path, purpose);
  const bool fresh = !key_of(data_file_of(path));
  try {
    auto env = LmdbEnv::open(path, map_of(map_bytes), true);
    auto store = std::make_unique<LmdbStore>(lock, std::move(env), map_bytes, least_disk_bytes);
    folders.keep();
    return store;
  } catch (...) {
    // Who has the lock is the only one who makes a store.
    std::error_code ignored;
    const std::array<std::string, 2> files{data_file_of(path), lock_file_of(path)};
    for (const auto& file : files) {
      if (fresh) std::filesystem::remove(file, ignored);
    }
    lock->undo();
    throw;
  }
}

}  // namespace pena::store
