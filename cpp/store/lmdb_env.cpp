#include "store/lmdb_env.hpp"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "store/store.hpp"

namespace pena::store {
namespace {

constexpr std::array<const char*, kTables> kNames{"queue", "batch", "report", "fail", "meta"};
constexpr unsigned kReaders = 512;

using FolderKey = std::pair<dev_t, ino_t>;

// The environments that this process has open.
struct Registry {
  std::mutex mutex;
  std::map<FolderKey, std::weak_ptr<LmdbEnv>> open;
};
Registry& registry() {
  static Registry the_one;
  return the_one;
}

// LMDB's locks and its mapped file need one machine's page cache.
void refuse_network_file_system(const std::string& path) {
  struct statfs about {};
  if (::statfs(path.c_str(), &about) != 0) return;
  constexpr std::array<unsigned long, 4> kNetwork{0x6969, 0x517B, 0xFF534D42, 0xFE534D42};
  for (const unsigned long type : kNetwork) {
    if (static_cast<unsigned long>(about.f_type) == type) {
      throw StoreError("the store " + path +
                       " lies on a network file system; expected a local one, for LMDB's locks "
                       "and syncs do not hold over a network");
    }
  }
}

// A new file survives a power cut only when its folder is on the disk, too.
void sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int failed = ::fsync(folder);
  ::close(folder);
  if (failed != 0) throw StoreError("cannot sync the folder " + path + ": " + std::strerror(errno));
}

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw StoreError("cannot create the store " + path + ": " + error.message());
}

}  // namespace

void throw_lmdb(const std::string& doing, int code) {
  std::string text = doing + ": " + mdb_strerror(code);
  if (code == MDB_MAP_FULL) text += "; start the server with a larger map size";
  if (code == ENOSPC) text += "; free some space on its disk";
  if (code == MDB_INVALID || code == MDB_CORRUPTED) text += "; this is not a store of Pena";
  throw StoreError(text);
}

std::shared_ptr<LmdbEnv> LmdbEnv::open(const std::string& path, std::size_t map_bytes,
                                       bool create) {
  if (create) make_folder(path);
  struct stat folder {};
  const bool there = ::stat((path + "/data.mdb").c_str(), &folder) == 0;
  if (!there && !create) {
    throw StoreError("no store at " + path + "; expected a folder that a server has made");
  }
  if (::stat(path.c_str(), &folder) != 0) {
    throw StoreError("cannot look at the store " + path + ": " + std::strerror(errno));
  }
  refuse_network_file_system(path);
  Registry& known = registry();
  const std::lock_guard lock(known.mutex);
  std::weak_ptr<LmdbEnv>& place = known.open[{folder.st_dev, folder.st_ino}];
  std::shared_ptr<LmdbEnv> env = place.lock();
  if (env && env->process_ != ::getpid()) env = nullptr;
  if (env) {
    if (create && env.use_count() == 1) env->grow_map(map_bytes);
    return env;
  }
  env.reset(new LmdbEnv(path, map_bytes, create));
  place = env;
  if (!there) {
    sync_folder(path);
    const std::string parent = std::filesystem::absolute(path).parent_path();
    sync_folder(parent);
  }
  return env;
}

LmdbEnv::LmdbEnv(const std::string& path, std::size_t map_bytes, bool create)
    : path_(path), process_(::getpid()) {
  if (const int code = mdb_env_create(&env_); code != 0) throw_lmdb("cannot open " + path, code);
  try {
    mdb_env_set_maxdbs(env_, kTables);
    mdb_env_set_maxreaders(env_, kReaders);
    if (map_bytes > 0) mdb_env_set_mapsize(env_, map_bytes);
    // Not read-only where that can be: a server may want the same environment later in this
    // process.
    const bool writable = ::access(path.c_str(), W_OK) == 0;
    const unsigned flags = MDB_NOTLS | (writable ? 0U : static_cast<unsigned>(MDB_RDONLY));
    const int code = mdb_env_open(env_, path.c_str(), flags, 0644);
    if (code != 0) throw_lmdb("cannot open the store " + path, code);
    open_tables(create);
  } catch (...) {
    mdb_env_close(env_);
    throw;
  }
}

LmdbEnv::~LmdbEnv() {
  // In a forked child closing would release the parent's locks.
  if (process_ == ::getpid()) mdb_env_close(env_);
}

void LmdbEnv::open_tables(bool create) {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, create ? 0U : static_cast<unsigned>(MDB_RDONLY), &txn);
  if (code != 0) throw_lmdb("cannot open the store " + path_, code);
  for (std::size_t i = 0; i < kTables && code == 0; ++i) {
    code =
        mdb_dbi_open(txn, kNames[i], create ? static_cast<unsigned>(MDB_CREATE) : 0U, &tables_[i]);
    if (code == MDB_NOTFOUND) {
      mdb_txn_abort(txn);
      throw StoreError("the store " + path_ + " has no bucket " + kNames[i] +
                       "; expected a folder that a server has made");
    }
  }
  if (code != 0) {
    mdb_txn_abort(txn);
    throw_lmdb("cannot open the buckets of " + path_, code);
  }
  code = mdb_txn_commit(txn);
  if (code != 0) throw_lmdb("cannot create the buckets of " + path_, code);
}

// Of an environment that a view has opened before. The map never shrinks.
void LmdbEnv::grow_map(std::size_t map_bytes) {
  MDB_envinfo info{};
  if (mdb_env_info(env_, &info) == 0 && info.me_mapsize >= map_bytes) return;
  if (const int code = mdb_env_set_mapsize(env_, map_bytes); code != 0) {
    throw_lmdb("cannot map the store " + path_, code);
  }
}

double LmdbEnv::used_share() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  const double pages = static_cast<double>(info.me_mapsize) / stat.ms_psize;
  const auto grown = static_cast<double>(info.me_last_pgno + 1);
  if (grown < pages / 2) return grown / pages;
  return (grown - static_cast<double>(free_pages())) / pages;
}

// Table 0 is LMDB's own list of free pages; every value begins with how many it names.
std::size_t LmdbEnv::free_pages() const {
  const ReadTxn txn(*this);
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn.get(), 0, &cursor) != 0) return 0;
  std::size_t pages = 0;
  MDB_val key{};
  MDB_val value{};
  while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
    std::size_t count = 0;
    if (value.mv_size < sizeof count) continue;
    std::memcpy(&count, value.mv_data, sizeof count);
    pages += count;
  }
  mdb_cursor_close(cursor);
  return pages;
}

void LmdbEnv::check_process() const {
  if (process_ == ::getpid()) return;
  throw StoreError("the store " + path_ +
                   " was opened before this process was forked; expected that it is opened anew "
                   "in the child");
}

ReadTxn::ReadTxn(const LmdbEnv& env) {
  env.check_process();
  int code = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &txn_);
  if (code == MDB_MAP_RESIZED) {
    // Another process made the map larger.
    mdb_env_set_mapsize(env.get(), 0);
    code = mdb_txn_begin(env.get(), nullptr, MDB_RDONLY, &txn_);
  }
  if (code != 0) throw_lmdb("cannot read the store " + env.path(), code);
}

ReadTxn::~ReadTxn() {
  mdb_txn_abort(txn_);
}

WriteTxn::WriteTxn(const LmdbEnv& env) {
  env.check_process();
  const int code = mdb_txn_begin(env.get(), nullptr, 0, &txn_);
  if (code != 0) throw_lmdb("cannot write to the store " + env.path(), code);
}

WriteTxn::~WriteTxn() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

void WriteTxn::commit() {
  const int code = mdb_txn_commit(std::exchange(txn_, nullptr));
  if (code != 0) throw_lmdb("cannot commit to the store", code);
}

}  // namespace pena::store
