#include "turn/bulk.hpp"

#include <algorithm>
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
void look_up(const core::WantedBulk& wanted, const std::unordered_set<Xid>& dropped,
             const Find& find, core::BulkRead& into, std::vector<Record>& found) {
  std::size_t bytes = 0;
  for (; into.looked_up < wanted.ids.size() && bytes < wanted.bytes; ++into.looked_up) {
    const Xid& id = wanted.ids[into.looked_up];
    auto record = dropped.contains(id) ? std::nullopt : find(id);
    if (!record) continue;
    bytes += sizeof *record + size_of_payload(*record);
    found.push_back(std::move(*record));
  }
}

// Where the newest word on them is: in a layer, or in the index.
void look_up_waiting(const store::Index& index, Layers layers, const core::WantedBulk& wanted,
                     core::BulkRead& into) {
  const WaitingThrough through{index, layers};
  std::size_t bytes = 0;
  for (; into.looked_up < wanted.ids.size() && bytes < wanted.bytes; ++into.looked_up) {
    auto msg = through.waiting(wanted.ids[into.looked_up]);
    if (!msg) continue;
    bytes += msg->msg.memory_bytes();
    into.waiting.push_back(std::move(*msg));
  }
}

void read_waiting(const store::Index& index, Layers layers, const core::WantedBulk& wanted,
                  core::BulkRead& into) {
  const bool later = wanted.from == core::WantedBulk::From::later;
  std::optional<QueueThrough::Behind> behind;
  if (!later) behind = QueueThrough::Behind{wanted.queue, wanted.after_id};
  const QueueThrough through{index, layers, behind};
  auto page = later ? through.later(wanted.after_due, wanted.limit, wanted.bytes)
                    : through.queue(wanted.queue, wanted.after_id, wanted.limit, wanted.bytes);
  into.more = page.more;
  into.waiting.reserve(page.records.size());
  for (core::QueuedMsg& msg : page.records) into.waiting.push_back({std::move(msg), later});
}

template <class Record>
void keep(store::Page<Record>&& page, const std::unordered_set<Xid>& dropped, core::BulkRead& into,
          std::vector<Record>& found) {
  into.more = page.more;
  if (!page.records.empty()) into.up_to = page.records.back().order;
  found = std::move(page.records);
  std::erase_if(found, [&](const Record& record) { return dropped.contains(id_of(record)); });
}

}  // namespace

core::BulkRead read_bulk(const store::Index& index, Layers layers, const core::WantedBulk& wanted) {
  using From = core::WantedBulk::From;
  core::BulkRead read;
  read.as_of = wanted.as_of;
  if (wanted.from == From::queue || wanted.from == From::later) {
    if (wanted.ids.empty()) {
      read_waiting(index, layers, wanted, read);
    } else {
      look_up_waiting(index, layers, wanted, read);
    }
    return read;
  }
  const store::Most most{wanted.limit, wanted.bytes};
  const bool of_reports = wanted.from == From::report;
  const auto dropped =
      of_reports ? dropped_in<core::DropReport>(layers) : dropped_in<core::DropFail>(layers);
  if (!wanted.ids.empty() && of_reports) {
    look_up(
        wanted, dropped, [&](const Xid& id) { return index.report(id); }, read, read.reports);
  } else if (!wanted.ids.empty()) {
    look_up(
        wanted, dropped, [&](const Xid& id) { return index.fail(id); }, read, read.fails);
  } else if (of_reports) {
    keep(index.reports_since(wanted.after, most), dropped, read, read.reports);
  } else {
    keep(index.fails_since(wanted.after, most), dropped, read, read.fails);
  }
  return read;
}

bool may_have_missed(Layers layers, const core::WantedBulk& wanted, const core::BulkRead& read) {
  using From = core::WantedBulk::From;
  if (wanted.from != From::report && wanted.from != From::fail) return false;
  const std::size_t found = read.reports.size() + read.fails.size();
  if (wanted.ids.empty() ? read.more : found == read.looked_up) return false;
  const auto puts = [&](const core::Write& write) {
    return wanted.from == From::report ? std::holds_alternative<core::PutReport>(write)
                                       : std::holds_alternative<core::PutFail>(write);
  };
  return std::ranges::any_of(
      layers, [&](const store::ChangeSet* changes) { return std::ranges::any_of(*changes, puts); });
}

}  // namespace pena::turn
