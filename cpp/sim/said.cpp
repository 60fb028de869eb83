#include "sim/said.hpp"

#include <algorithm>

namespace pena::sim {

using core::Xid;

void Said::note(const core::Reported& report) {
  done_.insert(report.ids.begin(), report.ids.end());
  refused_.insert(report.refused.begin(), report.refused.end());
  for (const core::FailedId& failed : report.failed) {
    failed_.insert(failed.id);
    if (failed.retry_in) retry_in_.insert(failed.id);
    if (failed.final) final_.insert(failed.id);
  }
  if (report.partial) return;
  if (report.batch) {
    settled_.insert(*report.batch);
    return;
  }
  const std::set<Xid> named = named_by(report);
  if (!named.empty()) lists_[*named.begin()].emplace_back(named.begin(), named.end());
}

std::set<Xid> named_by(const core::Reported& report) {
  std::set<Xid> named(report.ids.begin(), report.ids.end());
  for (const core::FailedId& failed : report.failed) named.insert(failed.id);
  named.insert(report.refused.begin(), report.refused.end());
  return named;
}

bool Said::settled_by_list(const std::vector<Xid>& held) const {
  const std::set<Xid> all(held.begin(), held.end());
  return std::ranges::any_of(all, [&](const Xid& first) {
    const auto lists = lists_.find(first);
    return lists != lists_.end() &&
           std::ranges::any_of(lists->second, [&](const std::vector<Xid>& named) {
             return std::ranges::includes(all, named);
           });
  });
}

}  // namespace pena::sim
