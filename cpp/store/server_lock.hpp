// The right to be the one server of a store.
#pragma once

#include <string>

namespace pena::store {

// A lock on the file `pena.lock` in the store's folder, held for as long as this lives; the kernel
// lets go of it when the process dies. It belongs to this open file and not to the process, so a
// second server in the same process is refused, too. The file holds the process id of whoever has
// the lock, for the message of whoever comes second. Forked children do not share it.
//
// Who only takes on what a crash left in the store's log has it for a moment, and is waited for.
class ServerLock {
 public:
  enum class For { serving, recovering };
  // Throws StoreInUse naming the process that has it, StoreError where the file cannot be had.
  ServerLock(const std::string& store, For purpose);
  ~ServerLock();
  // Throws StoreError where the file was deleted: another server can have the store now.
  void check() const;
  // For a start that failed: takes the file away again if this has made it.
  void undo() const;
  ServerLock(const ServerLock&) = delete;
  ServerLock& operator=(const ServerLock&) = delete;

 private:
  void open();
  [[nodiscard]] std::string read_holder() const;
  void write_holder() const;
  [[nodiscard]] bool is_recovered() const;

  std::string path_;
  For purpose_;
  int file_ = -1;
  bool made_ = false;
};

// Whether a server has the store now. Throws StoreError where that cannot be seen.
[[nodiscard]] bool has_server(const std::string& store);

}  // namespace pena::store
