#include "store/backup.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "store/error.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_files.hpp"
#include "store/lmdb_records.hpp"
#include "store/log_store.hpp"
#include "store/outside_view.hpp"

namespace pena::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = "unfinished";

// But for what a copy has left that was killed.
bool is_free(const fs::path& to) {
  if (!fs::exists(fs::symlink_status(to))) return true;
  if (!fs::is_directory(to)) return false;
  return std::ranges::all_of(fs::directory_iterator{to}, [](const fs::directory_entry& one) {
    return one.path().filename() == kUnfinished;
  });
}

bool lies_within(const fs::path& to, const fs::path& from) {
  const fs::path inner = fs::weakly_canonical(to);
  const fs::path outer = fs::weakly_canonical(from);
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

void refuse_what_cannot_be(const std::string& from, const std::string& to) {
  try {
    if (lies_within(to, from)) {
      throw StoreError(to + " lies in the store " + from + "; expected a folder elsewhere");
    }
    if (!is_free(to)) {
      throw StoreError("there is something at " + to +
                       "; expected a folder that is not there yet, or an empty one");
    }
  } catch (const fs::filesystem_error& error) {
    throw StoreError("cannot look at " + to + ": " + error.code().message());
  }
}

// The copy goes on by itself.
void close_log_of(const std::string& copy) {
  const auto env = LmdbEnv::open(copy, 0, false);
  if (number_of(*env, ReadTxn(*env).get(), kLogOpen).value_or(0) == 0) return;
  WriteTxn txn(*env);
  put_number(*env, txn.get(), kLogOpen, 0);
  txn.commit();
}

// A folder within, and what is in it, while the copy is not whole.
class Unfinished {
 public:
  explicit Unfinished(const std::string& to) : folder_(fs::path{to} / kUnfinished) {
    std::error_code error;
    fs::remove_all(folder_, error);
    if (fs::create_directory(folder_, error)) return;
    throw StoreError("cannot create " + folder_.string() + ": " + error.message());
  }
  ~Unfinished() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  [[nodiscard]] std::string folder() const { return folder_.string(); }

 private:
  fs::path folder_;
};

}  // namespace

std::uint64_t back_up(const std::string& from, const std::string& to) {
  const auto env = LmdbEnv::open(from, 0, false);
  refuse_what_cannot_be(from, to);
  NewFolders made(to);
  refuse_network_file_system(to);
  wait_for_log(from);
  std::uint64_t bytes = 0;
  {
    const Unfinished unfinished(to);
    const std::string folder = unfinished.folder();
    env->copy_to(folder, to);
    close_log_of(folder);
    sync_file(data_file_of(folder));
    std::error_code error;
    bytes = fs::file_size(data_file_of(folder), error);
    if (!error) fs::rename(data_file_of(folder), data_file_of(to), error);
    if (error) throw StoreError("cannot copy the store to " + to + ": " + error.message());
  }
  sync_folders_up_from(to);
  made.keep();
  return bytes;
}

}  // namespace pena::store
