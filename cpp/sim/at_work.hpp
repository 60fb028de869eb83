// Who works on what, in true time. No msg is worked on by two processes at once, and nobody claims what
// he did not do. The oracle's half that looks at the clients: it knows nothing of the store.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "core/xid.hpp"
#include "sim/timeline.hpp"

namespace pena::sim {

// One run of one client's process.
using Process = std::uint64_t;

class AtWork {
 public:
  // `exempt`: the process was frozen, so that P2 does not hold for it.
  void begins(TrueTime now, Process process, const core::Xid& id, bool exempt);
  // It ends by itself: then the process may report it.
  void done(Process process, const core::Xid& id);
  // It was stopped, or the process is gone.
  void stops(Process process, const core::Xid& id);
  // The process is frozen with what it works on.
  void froze(Process process);
  // It was told to stop that and does not, so that P2 does not hold for it; or it may go on again.
  void ignores(Process process, const core::Xid& id, bool does);
  // What a process says that it did.
  void claims(Process process, const std::vector<core::Xid>& ids) const;

  // Somebody else reported it, or left it out of a report that names no batch, which may be an old one:
  // whoever holds it works on. Who wants P2 names the batch, and reports his own.
  void give_away(const core::Xid& id);
  // Whether any process has ended it by itself.
  [[nodiscard]] bool was_done(const core::Xid& id) const { return ever_done_.contains(id); }

 private:
  struct Working {
    Process process;
    bool exempt;
  };

  std::map<core::Xid, std::vector<Working>> working_;
  std::map<Process, std::set<core::Xid>> done_;
  std::set<core::Xid> ever_done_;
  std::set<core::Xid> given_away_;
};

}  // namespace pena::sim
