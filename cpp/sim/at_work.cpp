#include "sim/at_work.hpp"

#include <string>

#include "sim/law.hpp"

namespace pena::sim {

using core::Xid;

void AtWork::begins(TrueTime now, Process process, const Xid& id, bool exempt) {
  auto& at_work = working_[id];
  exempt = exempt || given_away_.contains(id);
  for (const Working& other : at_work) {
    if (exempt || other.exempt || other.process == process) continue;
    throw LawBroken("one_at_work", id.text() + " is worked on by the processes " +
                                       std::to_string(other.process) + " and " +
                                       std::to_string(process) + " at " +
                                       std::to_string(now.count()) + " us");
  }
  at_work.push_back({process, exempt});
}

void AtWork::done(Process process, const Xid& id) {
  stops(process, id);
  done_[process].insert(id);
  ever_done_.insert(id);
}

void AtWork::stops(Process process, const Xid& id) {
  const auto at = working_.find(id);
  if (at == working_.end()) return;
  std::erase_if(at->second, [&](const Working& one) { return one.process == process; });
  if (at->second.empty()) working_.erase(at);
}

void AtWork::froze(Process process) {
  for (auto& [id, at_work] : working_) {
    for (Working& one : at_work) {
      if (one.process == process) one.exempt = true;
    }
  }
}

void AtWork::ignores(Process process, const Xid& id, bool does) {
  const auto at = working_.find(id);
  if (at == working_.end()) return;
  for (Working& one : at->second) {
    if (one.process == process) one.exempt = does;
  }
}

void AtWork::give_away(const Xid& id) {
  given_away_.insert(id);
  const auto at = working_.find(id);
  if (at == working_.end()) return;
  for (Working& one : at->second) one.exempt = true;
}

void AtWork::claims(Process process, const std::vector<Xid>& ids) const {
  const auto done = done_.find(process);
  for (const Xid& id : ids) {
    law(done != done_.end() && done->second.contains(id), "honest_report",
        "process " + std::to_string(process) + " reports " + id.text() + ", which it did not do");
  }
}

}  // namespace pena::sim
