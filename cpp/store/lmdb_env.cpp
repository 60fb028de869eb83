#include "store/lmdb_env.hpp"

#include <lmdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "process/standard_files.hpp"
#include "store/page_check.hpp"

namespace pena::store {
namespace {

// Reads the next number, behind spaces, off the line.
template <class Number>
bool read_number(std::string_view& line, Number& number, int base) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number, base);
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  return error == std::errc{};
}

constexpr std::array<const char*, kTables> kNames{"queue", "batch",      "report",   "fail",
                                                  "meta",  "queues",     "later",    "place",
                                                  "key",   "queue_info", "reported", "failed"};
constexpr unsigned kReaders = 512;
// Of a store that is opened so many pages are looked at, a quarter of a GiB, which takes a tenth of a
// second; `pena check` looks at all.
constexpr std::uint64_t kPagesAtOpen = 65'536;

// The environments that this process has open. An entry stays until its environment is closed and
// not only given up, for LMDB's locks are the process's: the closing of one would break another
// that was opened meanwhile.
struct Registry {
  struct Entry {
    std::weak_ptr<LmdbEnv> env;
    int process;  // a forked child inherits its parent's entries, which are of no use to it
  };
  std::mutex mutex;
  std::condition_variable closed;
  std::map<FileKey, Entry> open;
};
Registry& registry() {
  static Registry the_one;
  return the_one;
}

// What this process has open of the store; waits for one that is being closed.
std::shared_ptr<LmdbEnv> find_open(const std::string& path, std::unique_lock<std::mutex>& lock) {
  Registry& known = registry();
  for (;; known.closed.wait(lock)) {
    const auto key = key_of(data_file_of(path));
    const auto entry = key ? known.open.find(*key) : known.open.end();
    if (entry == known.open.end() || entry->second.process != ::getpid()) return nullptr;
    if (auto env = entry->second.env.lock()) return env;
  }
}

void close(const FileKey& key, LmdbEnv* env) {
  Registry& known = registry();
  const std::lock_guard lock(known.mutex);
  const auto entry = known.open.find(key);
  const bool own = entry != known.open.end() && entry->second.process == ::getpid() &&
                   entry->second.env.expired();
  if (own) known.open.erase(entry);
  delete env;
  known.closed.notify_all();
}

std::size_t longest_run(std::vector<std::size_t>& pages) {
  std::ranges::sort(pages);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    run = i > 0 && pages[i] == pages[i - 1] + 1 ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  return longest;
}

constexpr const char* kDamaged = "the store is damaged; `pena check` names its damaged pages";

// Instead of LMDB's abort, where it meets what no page can say: of a large store not every page was
// looked at. The transaction that it happens in is given up.
void told_by_lmdb(MDB_env* /*env*/, const char* what) {
  throw StoreError(std::string{kDamaged} + " (LMDB: " + what + ")");
}

// What comes from LMDB where a page is not what the one above it says, or from a transaction that met
// such a page before. Where a record is merely not there nobody is told an error.
bool is_of_damage(int code) {
  constexpr std::array kCodes{MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_CURSOR_FULL,
                              MDB_NOTFOUND,  MDB_BAD_TXN,       MDB_INCOMPATIBLE};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

}  // namespace

const char* name_of(Table table) {
  return kNames.at(static_cast<std::size_t>(table));
}
bool is_table(std::string_view name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

void throw_lmdb(const std::string& doing, int code, const std::string& folder) {
  // The last write that still had some room comes back from LMDB as EIO.
  if (code == EIO && is_full(folder)) code = ENOSPC;
  std::string text = doing + ": " + mdb_strerror(code);
  if (code == MDB_MAP_FULL) text += "; start the server with a larger map size";
  if (code == ENOMEM) text += "; start the server with a smaller map size";
  if (code == ENOSPC) text += "; free some space on its disk";
  if (code == MDB_INVALID || code == MDB_VERSION_MISMATCH) text += "; this is not a store of Pena";
  if (is_of_damage(code)) text += std::string{"; "} + kDamaged;
  if (code == ENOSPC) throw NoRoom(text);
  throw StoreError(text);
}

std::shared_ptr<LmdbEnv> LmdbEnv::open(const std::string& path, std::size_t map_bytes,
                                       bool create) {
  process::secure_standard_files();
  const std::string data = data_file_of(path);
  const bool there = key_of(data).has_value();
  if (!there && !create) {
    throw StoreError("no store at " + path + "; expected a folder that a server has made");
  }
  refuse_network_file_system(path);
  for (const std::string& file : {data, lock_file_of(path)}) refuse_what_is_no_file(file);
  std::shared_ptr<LmdbEnv> env;  // before the lock: its closing takes the mutex again
  std::unique_lock lock(registry().mutex);
  env = find_open(path, lock);
  if (env) {
    lock.unlock();
    if (create) {
      env->grow_map(map_bytes);
      env->make_tables();
    }
    return env;
  }
  if (!there) make_whole(path, map_bytes);
  std::unique_ptr<LmdbEnv> made(new LmdbEnv(path, path, map_bytes, create));
  const std::optional<FileKey> key = key_of(data);
  if (!key) throw StoreError("the store " + path + " was deleted while it was opened");
  env = {made.release(), [key = *key](LmdbEnv* last) {
           close(key, last);
         }};
  registry().open.insert_or_assign(*key, Registry::Entry{env, ::getpid()});
  lock.unlock();
  // At every start: the one that made the store may have died before it came to this.
  if (create) sync_folders_up_from(path);
  return env;
}

// LMDB writes the first two pages of a new file without a sync: a power cut there would leave one that
// nobody can open. So a new store is made aside, and gets its name when it is whole.
void LmdbEnv::make_whole(const std::string& path, std::size_t map_bytes) {
  const std::filesystem::path aside = std::filesystem::path{path} / ".new";
  std::error_code error;
  std::filesystem::remove_all(aside, error);  // of a start that was cut off
  std::filesystem::create_directory(aside, error);
  std::error_code ignored;
  try {
    if (!error) {
      const LmdbEnv made{aside.string(), path, map_bytes, true};
    }
    if (!error) std::filesystem::rename(aside / "data.mdb", data_file_of(path), error);
    if (error) throw StoreError("cannot create the store " + path + ": " + error.message());
  } catch (...) {
    std::filesystem::remove_all(aside, ignored);
    throw;
  }
  std::filesystem::remove_all(aside, ignored);
}

LmdbEnv::LmdbEnv(const std::string& folder, const std::string& path, std::size_t map_bytes,
                 bool create)
    : path_(path),
      folder_(std::filesystem::absolute(folder).lexically_normal().string()),
      files_(path_, folder_),
      mapped_("the store " + path +
              " is damaged, or was cut off while it was in use; `pena check " + path +
              "` names its damaged pages"),
      process_(::getpid()) {
  if (key_of(data_file_of(folder_))) look_at_metas();
  if (const int code = mdb_env_create(&env_); code != 0) throw_lmdb("cannot open " + path, code);
  mdb_env_set_assert(env_, told_by_lmdb);
  try {
    open_files(map_bytes);
    all_looked_at_ = look_at_pages(kPagesAtOpen);
    open_tables(create);
  } catch (...) {
    mdb_env_close(env_);
    throw;
  }
}

void LmdbEnv::open_files(std::size_t map_bytes) {
  mdb_env_set_maxdbs(env_, kTables);
  mdb_env_set_maxreaders(env_, kReaders);
  if (map_bytes > 0) mdb_env_set_mapsize(env_, map_bytes);
  // Not read-only where that can be: a server may want the same environment later in this process.
  const bool writable = ::access(folder_.c_str(), W_OK) == 0;
  int code = writable ? have_lock_file(folder_, kReaders) : 0;
  const unsigned flags = MDB_NOTLS | (writable ? 0U : static_cast<unsigned>(MDB_RDONLY));
  if (code == 0) code = mdb_env_open(env_, folder_.c_str(), flags, 0644);
  if (code != 0) throw_lmdb("cannot open the store " + path_, code);
  files_.opened(data_file());
  note_map();
}

LmdbEnv::~LmdbEnv() {
  // In a forked child closing would release the parent's locks. LMDB looks into its lock file then, and
  // where that was cut off a signal would come: what is open is given up.
  if (process_ == ::getpid() && files_.lock_is_whole()) mdb_env_close(env_);
}

void LmdbEnv::copy_to(const std::string& folder, const std::string& to) const {
  const int code = mdb_env_copy2(env_, folder.c_str(), 0);
  if (code != 0) throw_lmdb("cannot copy the store to " + to, code, to);
}

void LmdbEnv::open_tables(bool create) const {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, create ? 0U : static_cast<unsigned>(MDB_RDONLY), &txn);
  if (code != 0) throw_lmdb("cannot open the store " + path_, code);
  std::size_t have = 0;
  const unsigned flags = create ? static_cast<unsigned>(MDB_CREATE) : 0U;
  code = mdb_dbi_open(txn, nullptr, 0, &main_database_);
  for (; code == 0 && have < kTables; ++have) {
    code = mdb_dbi_open(txn, kNames[have], flags, &tables_[have]);
    if (code != 0) break;
  }
  const bool older = code == MDB_NOTFOUND && have >= kTablesOfOldest;
  if (code != 0 && !older) mdb_txn_abort(txn);
  if (code == MDB_NOTFOUND && !older) {
    throw StoreError("the store " + path_ + " has no bucket " + kNames[have] +
                     "; expected a folder that a server has made");
  }
  if (code != 0 && !older) throw_lmdb("cannot open the buckets of " + path_, code);
  code = mdb_txn_commit(txn);
  if (code != 0) throw_lmdb("cannot create the buckets of " + path_, code, folder_);
  have_ = have;
}

// Of an environment that a view has opened before.
void LmdbEnv::make_tables() {
  const std::unique_lock alone(map_);
  if (have_ < kTables) open_tables(true);
}

// In an older store, that a server of another process may take over.
void LmdbEnv::look_for_tables() const {
  const std::unique_lock alone(map_);
  if (have_ < kTables) open_tables(false);
}

// Of an environment that a view has opened before. The map never shrinks.
void LmdbEnv::grow_map(std::size_t map_bytes) {
  const std::unique_lock alone(map_);
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  if (info.me_mapsize >= map_bytes) return;
  if (const int code = mdb_env_set_mapsize(env_, map_bytes); code != 0) {
    throw_lmdb("cannot map the store " + path_, code);
  }
  note_map();
}

// Another process made the map larger.
void LmdbEnv::follow_map() const {
  const std::unique_lock alone(map_);
  if (const int code = mdb_env_set_mapsize(env_, 0); code != 0) {
    throw_lmdb("cannot map the store " + path_, code);
  }
  note_map();
}

// LMDB does not say where its map is.
void LmdbEnv::note_map() const {
  const LmdbFiles::Map map = files_.map();
  mapped_.is_at(map.begin, map.bytes);
}

int LmdbEnv::data_file() const {
  mdb_filehandle_t file{};
  const int code = mdb_env_get_fd(env_, &file);
  if (code != 0) throw_lmdb("cannot find the file of the store " + path_, code);
  return file;
}

LmdbEnv::Pages LmdbEnv::pages() const {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  return {info.me_mapsize / stat.ms_psize, info.me_last_pgno + 1, stat.ms_psize};
}

std::size_t LmdbEnv::last_txn() const {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  return info.me_last_txnid;
}

// LMDB tells them as a table in text: process, thread, and the transaction, or a dash where there is
// none.
std::vector<LmdbEnv::Reader> LmdbEnv::readers() const {
  std::vector<Reader> found;
  const auto read_line = [](const char* line, void* into) {
    int process = 0;
    std::size_t thread = 0;
    std::size_t txn = 0;
    std::string_view rest{line};
    if (read_number(rest, process, 10) && read_number(rest, thread, 16) &&
        read_number(rest, txn, 10)) {
      static_cast<std::vector<Reader>*>(into)->push_back({process, txn});
    }
    return 0;
  };
  mdb_reader_list(env_, read_line, &found);
  return found;
}

// Table 0 is LMDB's own list of free pages: transaction → the pages that it gave up. Every value begins
// with how many it names. A commit may use what was given up before the last one, and before the
// oldest reader began.
LmdbEnv::FreeList LmdbEnv::free_list(bool runs) const {
  check_process();
  mdb_reader_check(env_, nullptr);
  std::size_t oldest_reader = SIZE_MAX;
  for (const Reader& reader : readers()) oldest_reader = std::min(oldest_reader, reader.txn);
  const ReadTxn txn(*this);
  const std::size_t last = mdb_txn_id(txn.get());
  // One that reads what is newest holds nothing that is free already.
  if (oldest_reader >= last) oldest_reader = SIZE_MAX;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(txn.get(), 0, &cursor) != 0) return {};
  FreeList free;
  std::vector<std::size_t> ready;
  MDB_val key{};
  MDB_val value{};
  for (; mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0; ++free.entries) {
    std::size_t count = 0;
    if (value.mv_size < sizeof count) continue;
    std::memcpy(&count, value.mv_data, sizeof count);
    std::size_t given_up_by = 0;
    std::memcpy(&given_up_by, key.mv_data, std::min(key.mv_size, sizeof given_up_by));
    if (given_up_by > oldest_reader) {
      free.held += count;
      continue;
    }
    free.pages += count;
    if (given_up_by >= std::min(last, oldest_reader)) continue;
    free.ready += count;
    if (!runs) continue;
    const std::size_t there = std::min(count, value.mv_size / sizeof count - 1);
    if (there == 0) continue;
    const std::size_t before = ready.size();
    ready.resize(before + there);
    std::memcpy(ready.data() + before, static_cast<const char*>(value.mv_data) + sizeof count,
                there * sizeof count);
  }
  free.longest = longest_run(ready);
  mdb_cursor_close(cursor);
  return free;
}

void LmdbEnv::look_at_metas() const {
  const PageCheck check(data_file_of(folder_));
  // More than once: a server may write them at this very moment.
  constexpr int kTries = 10;
  std::vector<PageProblem> problems;
  for (int i = 0; i < kTries; ++i) {
    problems = check.metas();
    if (problems.empty()) return;
  }
  throw DamagedStore(path_, std::move(problems));
}

bool LmdbEnv::look_at_pages(std::uint64_t most) const {
  const PageCheck check(data_file_of(folder_));
  WalkPlace place;
  place.left = most;
  while (!place.over) look(check, place, AtPause::goes_on);
  return place.left > 0;
}

void LmdbEnv::look_at_slice(const PageCheck& check, WalkPlace& place) const {
  look(check, place, AtPause::ends);
}

void LmdbEnv::look(const PageCheck& check, WalkPlace& place, AtPause at_pause) const {
  constexpr int kTries = 1000;
  for (int tried = 0; tried < kTries; ++tried) {
    std::optional<ReadTxn> txn;
    txn.emplace(*this);
    const std::size_t snapshot = mdb_txn_id(txn->get());
    const auto still_there = [&] {
      if (at_pause == AtPause::ends) return false;
      txn.reset();
      txn.emplace(*this);
      return mdb_txn_id(txn->get()) == snapshot;
    };
    const auto problems = check.pages(snapshot, place, still_there);
    if (!problems) continue;  // a server has written twice since
    if (!problems->empty()) throw DamagedStore(path_, *problems);
    return;
  }
  throw StoreError("cannot read the meta pages of the store " + path_);
}

void LmdbEnv::check_process() const {
  if (process_ == ::getpid()) return;
  throw StoreError("the store " + path_ +
                   " was opened before this process was forked; expected that it is opened anew "
                   "in the child");
}

}  // namespace pena::store
