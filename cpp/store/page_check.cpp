#include "store/page_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "process/fork.hpp"
#include "store/page_format.hpp"
#include "store/page_walk.hpp"

namespace pena::store {
namespace {

PageSource source_of(int file, const std::string& path) {
  struct stat about {};
  if (::fstat(file, &about) != 0) {
    throw StoreError("cannot read " + path + ": " + std::strerror(errno));
  }
  return {file, static_cast<std::uint64_t>(about.st_size)};
}

std::optional<Meta> read_meta(const PageSource& source, std::uint64_t page_bytes, int which) {
  std::array<char, kMetaBytes> bytes{};
  const std::uint64_t at = page_bytes * static_cast<std::uint64_t>(which);
  if (!source.read(at, bytes.size(), bytes.data())) return std::nullopt;
  return meta_at(bytes.data());
}

struct Metas {
  std::array<std::optional<Meta>, 2> both;
  std::uint64_t page_bytes = 0;
  bool is_store = false;  // one of them at least is a meta page
};

// The size of a page is in both, and the second can only be found by it.
Metas read_metas(const PageSource& source) {
  Metas metas;
  metas.both[0] = read_meta(source, 0, 0);
  metas.page_bytes = metas.both[0] ? metas.both[0]->free.pad : 0;
  const bool is_first =
      metas.both[0] && metas.both[0]->magic == kMagic && is_page_size(metas.page_bytes);
  if (!is_first) metas.page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  metas.both[1] = read_meta(source, metas.page_bytes, 1);
  metas.is_store = is_first || (metas.both[1] && metas.both[1]->magic == kMagic);
  return metas;
}

PageProblem of_the_metas(int which, const std::string& wrong) {
  return {static_cast<std::uint64_t>(which), "of the meta pages: " + wrong};
}

// What two meta pages say of each other, each of which may be believed by itself. Commits take them in
// turn, the even ones page 0.
std::vector<PageProblem> wrong_together(const Meta& zero, const Meta& one) {
  const int newer = zero.txn < one.txn ? 1 : 0;
  const std::string wrong = wrong_roots(newer == 0 ? zero : one);
  if (!wrong.empty()) return {of_the_metas(newer, wrong)};
  const std::uint64_t even = zero.txn;
  const std::uint64_t odd = one.txn;
  const bool in_turn = even % 2 == 0 && odd % 2 == 1 && (even + 1 == odd || odd + 1 == even);
  if (in_turn || (even == 0 && odd == 0)) return {};
  return {of_the_metas(0, "its transaction is " + text(even) + ", that of page 1 is " + text(odd))};
}

}  // namespace

DamagedStore::DamagedStore(const std::string& path, std::vector<PageProblem> found)
    : StoreError(
          "the store " + path + " is damaged: page " + text(found.front().page) + " " +
          found.front().what + "; `pena check " + path +
          "` names what else is wrong, and a copy from before the damage can take its place"),
      problems(std::move(found)) {}

PageCheck::PageCheck(const std::string& file)
    : file_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)), path_(file) {
  if (file_ < 0) throw StoreError("cannot open " + file + ": " + std::strerror(errno));
  process::close_in_forked_children(file_);
}

PageCheck::~PageCheck() {
  ::close(file_);
}

std::vector<PageProblem> PageCheck::metas() const {
  const Metas metas = read_metas(source_of(file_, path_));
  if (!metas.is_store) {
    throw StoreError(path_ +
                     " is not a store of Pena: neither of its first two pages is a meta page");
  }
  std::vector<PageProblem> problems;
  for (int which = 0; which < 2; ++which) {
    const auto& meta = metas.both.at(static_cast<std::size_t>(which));
    const std::string wrong =
        meta ? wrong_with(*meta, metas.page_bytes, which) : "it lies behind the end of the file";
    if (!wrong.empty()) problems.push_back(of_the_metas(which, wrong));
  }
  return problems.empty() ? wrong_together(*metas.both[0], *metas.both[1]) : problems;
}

std::optional<std::vector<PageProblem>> PageCheck::pages(
    std::uint64_t txn, WalkPlace& place, const std::function<bool()>& still_there) const {
  const PageSource source = source_of(file_, path_);
  const auto first = read_meta(source, 0, 0);
  if (!first || !is_page_size(first->free.pad)) return std::nullopt;
  for (int which = 0; which < 2; ++which) {
    const auto meta = which == 0 ? first : read_meta(source, first->free.pad, 1);
    const bool is_it = meta && meta->txn == txn;
    if (!is_it || !wrong_with(*meta, first->free.pad, which).empty()) continue;
    if (!wrong_roots(*meta).empty()) continue;
    const bool is_short = (meta->last_page + 1) * meta->free.pad > source.bytes;
    if (is_short) place.left = kNoPage;
    return PageWalk(source, *meta, place, still_there).run();
  }
  return std::nullopt;
}

}  // namespace pena::store
