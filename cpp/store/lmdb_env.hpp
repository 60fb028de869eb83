// One LMDB environment, opened once a process: LMDB forbids to open it twice, so a server and the
// views beside it share it. Transactions as values that end themselves.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

struct MDB_env;
struct MDB_txn;

namespace pena::store {

enum class Table : std::size_t { queue, batch, report, fail, meta };
inline constexpr std::size_t kTables = 5;

class LmdbEnv {
 public:
  // Of a process: the one that is open already, or a new one. `create`: makes what is missing.
  // Throws StoreError.
  [[nodiscard]] static std::shared_ptr<LmdbEnv> open(const std::string& path, std::size_t map_bytes,
                                                     bool create);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  [[nodiscard]] MDB_env* get() const { return env_; }
  [[nodiscard]] unsigned table(Table table) const {
    return tables_[static_cast<std::size_t>(table)];
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Share of the map that is in use, free pages counted as free. Scans the list of free pages where
  // the file has grown beyond half of the map.
  [[nodiscard]] double used_share() const;
  // Throws where this is a forked child: LMDB's locks are the parent's.
  void check_process() const;

 private:
  LmdbEnv(const std::string& path, std::size_t map_bytes, bool create);
  void open_tables(bool create);
  void grow_map(std::size_t map_bytes);
  [[nodiscard]] std::size_t free_pages() const;

  std::string path_;
  MDB_env* env_ = nullptr;
  std::array<unsigned, kTables> tables_{};
  int process_ = 0;
};

// A short read transaction.
class ReadTxn {
 public:
  explicit ReadTxn(const LmdbEnv& env);
  ~ReadTxn();
  ReadTxn(const ReadTxn&) = delete;
  ReadTxn& operator=(const ReadTxn&) = delete;
  [[nodiscard]] MDB_txn* get() const { return txn_; }

 private:
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
  MDB_txn* txn_ = nullptr;
};

// Throws StoreError with `doing`, LMDB's words for `code` and, where there is one, the way out.
[[noreturn]] void throw_lmdb(const std::string& doing, int code);

}  // namespace pena::store
