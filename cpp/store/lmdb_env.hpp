// One LMDB environment, opened once a process: LMDB forbids to open it twice, so a server and the
// views beside it share it. Transactions as values that end themselves.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "process/mapped_file.hpp"
#include "store/lmdb_files.hpp"

struct MDB_env;
struct MDB_txn;

namespace pena::store {

class PageCheck;
struct WalkPlace;

// As store/format.hpp has them. A store of schema 1 or 2 has the first five.
enum class Table : std::size_t {
  queue,
  batch,
  report,
  fail,
  meta,
  queues,
  later,
  place,
  key,
  queue_info,
  reported,
  failed
};
inline constexpr std::size_t kTables = 12;
inline constexpr std::size_t kTablesOfOldest = 5;
[[nodiscard]] const char* name_of(Table table);
[[nodiscard]] bool is_table(std::string_view name);

class LmdbEnv {
 public:
  // Of a process: the one that is open already, or a new one. `create`: makes what is missing in
  // the folder, and makes the map at least `map_bytes` large; no write transaction may run then.
  // `map_bytes` 0: the size that the store has. Any thread. Throws StoreError.
  [[nodiscard]] static std::shared_ptr<LmdbEnv> open(const std::string& path, std::size_t map_bytes,
                                                     bool create);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  [[nodiscard]] MDB_env* get() const { return env_; }
  [[nodiscard]] unsigned table(Table table) const {
    return tables_[static_cast<std::size_t>(table)];
  }
  // LMDB's unnamed one, in which each table has an entry.
  [[nodiscard]] unsigned main_database() const { return main_database_; }
  // Within a transaction.
  [[nodiscard]] bool has(Table table) const { return static_cast<std::size_t>(table) < have_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // The same, good wherever the process changes its working directory to.
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const LmdbFiles& files() const { return files_; }
  // As `files` has them.
  [[nodiscard]] std::size_t file_bytes() const { return files_.bytes(); }
  void note_file_bytes(std::size_t bytes) const { files_.note_bytes(bytes); }
  // One snapshot, as `data.mdb` in another folder, which has none yet; not synced. No page of it is used again
  // meanwhile. `to`: as errors name it.
  void copy_to(const std::string& folder, const std::string& to) const;
  // LMDB's own descriptor of `data.mdb`, open for writing where the store is.
  [[nodiscard]] int data_file() const;

  struct Pages {
    std::size_t map = 0;    // as many as the map has room for
    std::size_t grown = 0;  // as many as the file has ever used
    std::size_t bytes = 0;  // of one
  };
  [[nodiscard]] Pages pages() const;
  struct FreeList {
    std::size_t pages = 0;  // without those that a reader holds
    std::size_t ready = 0;  // of them those that the next commit may use
    std::size_t held = 0;   // pages that readers hold: of snapshots that are gone but for them
    std::size_t entries = 0;
    std::size_t longest = 0;  // of the ready ones, so many side by side; 0 where nobody asked
  };
  // Pages that a write may use again. Reads the whole list, and lets go of what readers held that
  // were killed: such a reader would keep every page from being used again.
  // `runs`: look for pages side by side, which takes a sort.
  [[nodiscard]] FreeList free_list(bool runs = false) const;

  // A transaction that reads, of any process.
  struct Reader {
    int process = 0;
    std::size_t txn = 0;
    friend bool operator==(const Reader&, const Reader&) = default;
  };
  [[nodiscard]] std::vector<Reader> readers() const;
  [[nodiscard]] std::size_t last_txn() const;

  // Compares what the pages say with what they may say, so many of them at most: what LMDB follows
  // would otherwise end the process by a signal. In short transactions. Throws DamagedStore.
  // False where there are more.
  bool look_at_pages(std::uint64_t most) const;
  // The same from `place` on, in one transaction of `place.pages_at_once` pages.
  void look_at_slice(const PageCheck& check, WalkPlace& place) const;
  // Whether this was done with all of them when it was opened.
  [[nodiscard]] bool all_looked_at() const { return all_looked_at_; }

  // Throws where this is a forked child: LMDB's locks are the parent's.
  void check_process() const;

 private:
  friend class ReadTxn;
  // `path`: as errors name it.
  LmdbEnv(const std::string& folder, const std::string& path, std::size_t map_bytes, bool create);
  static void make_whole(const std::string& path, std::size_t map_bytes);
  enum class AtPause { goes_on, ends };
  void look(const PageCheck& check, WalkPlace& place, AtPause at_pause) const;
  void look_at_metas() const;
  void open_files(std::size_t map_bytes);
  void open_tables(bool create) const;
  void make_tables();
  void look_for_tables() const;
  [[nodiscard]] bool lacks_tables() const { return have_ > 0 && have_ < kTables; }
  void grow_map(std::size_t map_bytes);
  void follow_map() const;
  void note_map() const;

  std::string path_;
  std::string folder_;  // absolute
  LmdbFiles files_;
  mutable process::MappedFile mapped_;  // guarded by map_, alone
  bool all_looked_at_ = false;
  MDB_env* env_ = nullptr;
  // Guarded by map_, as long as they are not all: a server may make them while a view is open.
  mutable std::array<unsigned, kTables> tables_{};
  mutable unsigned main_database_ = 0;
  mutable std::atomic<std::size_t> have_ = 0;  // of them, from the first on
  int process_ = 0;
  mutable std::shared_mutex map_;  // shared by those who read; whoever moves the map has it alone
};

// A short read transaction. A thread has one at a time.
class ReadTxn {
 public:
  explicit ReadTxn(const LmdbEnv& env);
  ~ReadTxn();
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }

 private:
  std::shared_lock<std::shared_mutex> map_stays_;
  MDB_txn* txn_ = nullptr;
};

// A write transaction: what is not committed is undone.
class WriteTxn {
 public:
  explicit WriteTxn(const LmdbEnv& env);
  ~WriteTxn();
  WriteTxn(const WriteTxn&) = delete;
  WriteTxn& operator=(const WriteTxn&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }
  // Durable when it returns.
  void commit();

 private:
  const LmdbEnv& env_;
  MDB_txn* txn_ = nullptr;
};

// Throws StoreError with `doing`, LMDB's words for `code` and, where there is one, the way out.
// `folder`: whose disk is looked at where the code says less than it could.
[[noreturn]] void throw_lmdb(const std::string& doing, int code, const std::string& folder = {});

}  // namespace pena::store
