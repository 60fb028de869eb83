// The log in front of a store as the server has it, on files and a store whose power may go at each write and each
// sync.
//
//   a process that dies    leaves what it wrote: the system has it, synced or not
//   a power cut            leaves of what was not synced any 512 bytes, or not
//
// LMDB's part is whole or not at all, as its checksums and its two meta pages have it: that it keeps this on real
// bytes is what tests/crash shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/dice.hpp"
#include "store/log_store.hpp"

namespace pena::sim {

class LogDisk {
 public:
  explicit LogDisk(Dice dice);
  ~LogDisk();
  LogDisk(const LogDisk&) = delete;
  LogDisk& operator=(const LogDisk&) = delete;

  // As a start finds it; now and then the power goes within, too, and it is started once more. Errors: LawBroken,
  // where it does not start. It is this disk's, and goes before it.
  [[nodiscard]] std::unique_ptr<store::LogStore> opened();
  // What the applier does in its turn.
  void apply(store::LogStore& log);
  // The process dies, or the power goes: of the process that has `log`, within an append of `next`, where that is
  // given, or within what the applier does, or between. Nothing of `log` is to be used behind it.
  void fall(store::LogStore& log, const std::shared_ptr<const store::ChangeSet>& next);

 private:
  class Files;
  class Inside;
  struct File;

  // Each write and each sync has one, before it and behind it.
  void step();
  void fail_now_and_then();
  void lose_what_was_not_synced();

  Dice dice_;
  store::LogShape shape_;
  std::unique_ptr<store::Store> inside_;  // while no log has it
  std::vector<File> files_;
  std::optional<std::uint64_t> steps_;  // until the power goes; none: it stays
  bool gone_ = false;
  bool makes_ready_ = false;  // within what the applier does; there a disk may fail
};

}  // namespace pena::sim
