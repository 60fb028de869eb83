// The right to be the one server of a store.
#pragma once

#include <string>

namespace pena::store {

// A lock on the file `pena.lock` in the store's folder, held for as long as this lives; the kernel
// lets go of it when the process dies. It belongs to this open file and not to the process, so a
// second server in the same process is refused, too. The file holds the process id of whoever has
// the lock, for the message of whoever comes second. Forked children do not share it.
class ServerLock {
 public:
  // Throws StoreInUse naming the process that has it, StoreError where the file cannot be had.
  explicit ServerLock(const std::string& store);
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

  std::string path_;
  int file_ = -1;
  bool made_ = false;
};

}  // namespace pena::store
