#include "turn/ended.hpp"

#include <optional>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace pena::turn {
namespace {

using core::Xid;

const Xid& id_of(const core::FailRecord& fail) {
  return fail.msg.id;
}
const Xid& id_of(const core::ReportRecord& report) {
  return report.id;
}

std::size_t size_of_payload(const core::FailRecord& fail) {
  return fail.msg.payload.size();
}
std::size_t size_of_payload(const core::ReportRecord& report) {
  return report.result.size();
}

template <class Drop>
std::unordered_set<Xid> dropped_in(Layers layers) {
  std::unordered_set<Xid> dropped;
  for (const store::ChangeSet* changes : layers) {
    for (const core::Write& write : *changes) {
      if (const auto* const drop = std::get_if<Drop>(&write)) dropped.insert(drop->id);
    }
  }
  return dropped;
}

// By id: until they have so many bytes of payload, that one included.
template <class Record, class Find>
void look_up(const core::WantedEnded& wanted, const std::unordered_set<Xid>& dropped,
             const Find& find, core::EndedRead& into, std::vector<Record>& found) {
  std::size_t bytes = 0;
  for (; into.looked_up < wanted.ids.size() && bytes < wanted.bytes; ++into.looked_up) {
    const Xid& id = wanted.ids[into.looked_up];
    auto record = dropped.contains(id) ? std::nullopt : find(id);
    if (!record) continue;
    bytes += sizeof *record + size_of_payload(*record);
    found.push_back(std::move(*record));
  }
}

template <class Record>
void keep(store::Page<Record>&& page, const std::unordered_set<Xid>& dropped, core::EndedRead& into,
          std::vector<Record>& found) {
  into.more = page.more;
  if (!page.records.empty()) into.up_to = page.records.back().order;
  found = std::move(page.records);
  std::erase_if(found, [&](const Record& record) { return dropped.contains(id_of(record)); });
}

}  // namespace

core::EndedRead read_ended(const store::Index& index, Layers layers,
                           const core::WantedEnded& wanted) {
  core::EndedRead read;
  read.as_of = wanted.as_of;
  const store::Most most{wanted.limit, wanted.bytes};
  const auto dropped =
      wanted.reports ? dropped_in<core::DropReport>(layers) : dropped_in<core::DropFail>(layers);
  if (!wanted.ids.empty() && wanted.reports) {
    look_up(
        wanted, dropped, [&](const Xid& id) { return index.report(id); }, read, read.reports);
  } else if (!wanted.ids.empty()) {
    look_up(
        wanted, dropped, [&](const Xid& id) { return index.fail(id); }, read, read.fails);
  } else if (wanted.reports) {
    keep(index.reports_since(wanted.after, most), dropped, read, read.reports);
  } else {
    keep(index.fails_since(wanted.after, most), dropped, read, read.fails);
  }
  return read;
}

}  // namespace pena::turn
