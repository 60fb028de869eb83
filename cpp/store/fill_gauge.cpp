#include "store/fill_gauge.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pena::store {
namespace {

// The disk's own end, whatever the map's: below this accepting stops.
constexpr std::uint64_t kLeastDiskBytes = 64U << 20U;
// Free pages matter only where the file has grown beyond this share of the map.
constexpr double kScanFrom = 0.5;
// A scan reads every entry of the free list; it is spread over commits, so many for each.
constexpr std::size_t kEntriesPerCommit = 64;
// Accepting must stop before the map is full, however large the changes: after this share of the map
// there is a scan in any case.
constexpr std::size_t kMapPerScan = 50;

bool disk_ends(const std::string& path) {
  struct statvfs disk {};
  return ::statvfs(path.c_str(), &disk) == 0 &&
         std::uint64_t{disk.f_bavail} * disk.f_frsize < kLeastDiskBytes;
}

}  // namespace

double FillGauge::read(const LmdbEnv& env) {
  if (disk_ends(env.path())) return 1.0;
  const LmdbEnv::Pages pages = env.pages();
  const auto share = [&](std::size_t used) {
    return static_cast<double>(used) / static_cast<double>(pages.map);
  };
  if (share(pages.grown) < kScanFrom) return share(pages.grown);
  // Asked twice without a commit in between, there may be none to come: then what is told must not
  // be old, or a store that was drained in a few commits would count as full for good.
  const bool idle = std::exchange(asked_at_, commits_) == commits_;
  const bool much = written_bytes_ / pages.bytes > pages.map / kMapPerScan;
  if (commits_ >= scan_after_ || much || (idle && commits_ > 0)) scan(env);
  return share(pages.grown - std::min(free_pages_, pages.grown));
}

void FillGauge::scan(const LmdbEnv& env) {
  const LmdbEnv::FreeList free = env.free_list();
  free_pages_ = free.pages;
  scan_after_ = 1 + free.entries / kEntriesPerCommit;
  commits_ = 0;
  written_bytes_ = 0;
  asked_at_ = 0;
}

}  // namespace pena::store
