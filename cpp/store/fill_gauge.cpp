#include "store/fill_gauge.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <utility>

namespace pena::store {
namespace {

// Free pages matter only where the file has grown beyond this share of the map.
constexpr double kScanFrom = 0.5;
// A scan reads every entry of the free list; it is spread over commits, so many for each.
constexpr std::size_t kEntriesPerCommit = 64;
constexpr std::size_t kPagesPerCommit = 4096;  // where they are sorted
// Where the end of the map and of the disk has more than this, nobody needs to know of free pages.
constexpr std::uint64_t kPlentyBytes = std::uint64_t{1} << 30U;
constexpr std::size_t kCommitsPerScan = 8;
// Accepting must stop before the map is full, however large the changes: after this share of the map
// there is a scan in any case.
constexpr std::size_t kMapPerScan = 50;

// What a commit needs of the disk besides, such as the file system's own records.
constexpr std::uint64_t kKeptOfDisk = 1U << 20U;

// Of the file and not of its path: the process may have gone to another folder.
std::uint64_t disk_bytes(const LmdbEnv& env) {
  struct statvfs disk {};
  // Far from where a sum would run over.
  if (::fstatvfs(env.data_file(), &disk) != 0) return UINT64_MAX / 4;
  return std::uint64_t{disk.f_bavail} * disk.f_frsize;
}

std::uint64_t less(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

}  // namespace

void FillGauge::committed(const Written& written) {
  const std::lock_guard lock(mutex_);
  ++since_.commits;
  since_.written.records += written.records;
  since_.written.forgotten += written.forgotten;
  since_.written.bytes += written.bytes;
}

void FillGauge::take_up() {
  Since since;
  {
    const std::lock_guard lock(mutex_);
    since = std::exchange(since_, {});
  }
  commits_ += since.commits;
  written_bytes_ += since.written.bytes;
  written_records_ += since.written.records;
  if (since.written.forgotten > 0) scan_after_ = commits_;
}

// Pages behind what the file has used, as far as the disk has room for them.
std::uint64_t FillGauge::end_pages(const LmdbEnv& env, const LmdbEnv::Pages& pages) const {
  const std::uint64_t ahead = less(env.file_bytes(), pages.grown * pages.bytes);
  const std::uint64_t on_disk = (less(disk_bytes_, kKeptOfDisk) + ahead) / pages.bytes;
  return std::min<std::uint64_t>(less(pages.map, pages.grown + 1), on_disk);
}

double FillGauge::read(const LmdbEnv& env) {
  take_up();
  disk_bytes_ = disk_bytes(env);
  const LmdbEnv::Pages pages = env.pages();
  const std::size_t limit = std::max<std::size_t>(limit_bytes_ / pages.bytes, 1);
  const auto share = [&](std::size_t used) {
    return static_cast<double>(used) / static_cast<double>(limit);
  };
  const bool nearly_full = share(pages.grown) >= kScanFrom;
  const std::uint64_t plenty = std::min<std::uint64_t>(pages.map / 2, kPlentyBytes / pages.bytes);
  const bool scarce = end_pages(env, pages) < plenty;
  // Asked twice without a commit in between, there may be none to come: then what is told must not
  // be old, or a store that was drained in a few commits would count as full for good.
  const bool idle = std::exchange(asked_at_, commits_) == commits_;
  const bool much = written_bytes_ / pages.bytes > limit / kMapPerScan;
  const std::size_t after = nearly_full ? scan_after_ : std::max(scan_after_, kCommitsPerScan);
  const bool due = commits_ >= after || much || (idle && (commits_ > 0 || held_bytes_ > 0));
  if ((nearly_full || scarce) && due) scan(env, scarce);
  return share(nearly_full ? pages.grown - std::min(free_pages_, pages.grown) : pages.grown);
}

// Large records find room at the end of the map, or in the longest run of free pages, half of which is left
// to the small ones.
core::Room FillGauge::room(const LmdbEnv& env) {
  take_up();
  const LmdbEnv::Pages pages = env.pages();
  const std::uint64_t end = end_pages(env, pages);
  const std::uint64_t ready = less(ready_pages_, taken_since_scan(pages.bytes));
  const std::uint64_t run = less(longest_run_, taken_since_scan(pages.bytes)) / 2;
  return {less(end + ready, core::kPagesOfCommits),
          std::max(less(end, core::kPagesOfCommits), run)};
}

// At most.
std::size_t FillGauge::taken_since_scan(std::size_t page_bytes) const {
  constexpr std::size_t kPagesOfCommit = 64;
  return commits_ * kPagesOfCommit + written_records_ * core::kPagesOfRecord +
         written_bytes_ / page_bytes;
}

void FillGauge::scan(const LmdbEnv& env, bool runs) {
  take_up();
  const LmdbEnv::FreeList free = env.free_list(runs);
  longest_run_ = free.longest;
  free_pages_ = free.pages;
  ready_pages_ = free.ready;
  held_bytes_ = free.held * env.pages().bytes;
  written_records_ = 0;
  scan_after_ = 1 + free.entries / kEntriesPerCommit + (runs ? free.ready / kPagesPerCommit : 0);
  commits_ = 0;
  written_bytes_ = 0;
  asked_at_ = 0;
}

}  // namespace pena::store
