#include "store/file_room.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace pena::store {
namespace {

constexpr std::size_t kAhead = 512UL * 1024;
// A commit that grows by more than this writes so much that the journal is the smaller part.
constexpr std::size_t kMostGrowth = 32UL * 1024;
constexpr std::array<char, 64UL * 1024> kZeros{};

}  // namespace

void FileRoom::keep_ahead(const LmdbEnv& env) {
  const LmdbEnv::Pages pages = env.pages();
  const std::size_t growth = pages.grown - std::exchange(grown_pages_, pages.grown);
  if (growth * pages.bytes > kMostGrowth) return;
  const std::size_t used = pages.grown * pages.bytes;
  std::size_t there = env.file_bytes();
  if (used + kMostGrowth <= there) return;
  const int file = env.data_file();
  const std::size_t wanted = used + kAhead;
  // From the end on and in order: what is there already is never touched.
  while (there < wanted) {
    const ssize_t written = ::pwrite(file, kZeros.data(), kZeros.size(), static_cast<off_t>(there));
    if (written < 0 && errno == EIO) throw_lmdb("cannot write to the store", errno);
    if (written <= 0) return;
    there += static_cast<std::size_t>(written);
    env.note_file_bytes(there);
  }
}

}  // namespace pena::store
