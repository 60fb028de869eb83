// Descriptors that stay with this process when it forks.
#pragma once

#include <mutex>

namespace pena::process {

// What is opened while this lives is in no forked child before close_in_forked_children() was told
// of it: a fork waits until it is gone. So keep it short, and open nothing that blocks.
class ForkWaits {
 public:
  ForkWaits();

 private:
  std::unique_lock<std::mutex> lock_;
};

// A child that is forked from now on closes its copy of `file` at once, so that a lock, a port or a
// connection ends with this process and not with the last of its children. Nobody has to say when
// `file` is closed: a child closes a number only where the same file is still behind it.
void close_in_forked_children(int file, const ForkWaits& proof);
void close_in_forked_children(int file);

}  // namespace pena::process
