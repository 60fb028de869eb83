#include "store/page_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "process/fork.hpp"
#include "store/page_format.hpp"

namespace pena::store {
namespace {

constexpr std::size_t kNamedProblems = 100;

struct Source {
  int file;
  std::uint64_t bytes;  // of the file

  // Whether so many bytes could be read from there.
  bool read(std::uint64_t at, std::size_t size, char* into) const {
    std::size_t got = 0;
    while (got < size) {
      const ssize_t some = ::pread(file, into + got, size - got, static_cast<off_t>(at + got));
      if (some < 0 && errno == EINTR) continue;
      if (some <= 0) return false;
      got += static_cast<std::size_t>(some);
    }
    return true;
  }
};

Source source_of(int file, const std::string& path) {
  struct stat about {};
  if (::fstat(file, &about) != 0) {
    throw StoreError("cannot read " + path + ": " + std::strerror(errno));
  }
  return {file, static_cast<std::uint64_t>(about.st_size)};
}

std::optional<Meta> read_meta(const Source& source, std::uint64_t page_bytes, int which) {
  std::array<char, kMetaBytes> bytes{};
  const std::uint64_t at = page_bytes * static_cast<std::uint64_t>(which);
  if (!source.read(at, bytes.size(), bytes.data())) return std::nullopt;
  return meta_at(bytes.data());
}

// Keys of a page lie between those of the page above.
struct Bounds {
  std::optional<std::string> least;  // at least this
  std::optional<std::string> below;  // less than this
};

class Walk {
 public:
  Walk(const Source& source, const Meta& meta, WalkPlace& place,
       const std::function<bool()>& still_there)
      : source_(source),
        meta_(meta),
        place_(place),
        still_there_(still_there),
        page_bytes_(meta.free.pad),
        used_(static_cast<std::size_t>(std::min(meta.last_page, source.bytes / page_bytes_) + 1)) {}

  std::vector<PageProblem> run() {
    in_ = "the meta pages";
    // A commit may leave pages unwritten at the end that it took and gave up again, but not many.
    constexpr std::uint64_t kUnwritten = 131'072;
    const std::uint64_t pages = source_.bytes / page_bytes_;
    if (meta_.last_page > pages + kUnwritten) {
      problem(meta_.txn % 2, "its last page is " + text(meta_.last_page) + ", the file has " +
                                 text(pages) + " pages");
      return std::move(problems_);
    }
    whole_ = !std::exchange(place_.began, true);
    if (whole_) {
      free_tree_ = true;
      walk("the list of free pages", meta_.free, 0);
      free_tree_ = false;
    }
    main_tree_ = true;
    walk("the list of buckets", meta_.main, 0);
    main_tree_ = false;
    // The small ones first, where not all can be looked at.
    std::ranges::sort(buckets_, {}, [&](const Named& bucket) {
      return std::pair{bucket.name != place_.bucket, bucket.tree.leaves};
    });
    for (const Named& bucket : buckets_) {
      if (gone_) return std::move(problems_);
      if (std::ranges::find(place_.done, bucket.name) == place_.done.end()) walk(bucket);
    }
    place_.over = !gone_;
    if (whole_ && problems_.empty()) look_for_lost_pages();
    return std::move(problems_);
  }

 private:
  struct Named {
    std::string name;
    Tree tree;
    std::uint64_t page;  // that names it
  };
  struct Counted {
    std::uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0;
  };

  void walk(const Named& bucket) {
    if (place_.bucket != bucket.name) place_.key.clear();
    place_.bucket = bucket.name;
    after_ = place_.key;
    walk("the bucket " + bucket.name, bucket.tree, bucket.page);
    if (!gone_) place_.done.push_back(bucket.name);
  }

  void walk(const std::string& name, const Tree& tree, std::uint64_t named_by) {
    in_ = name;
    counted_ = {};
    if (!free_tree_ && tree.flags != 0)
      return problem(named_by, "its flags are those of no bucket");
    if (tree.root == kNoPage) {
      if (tree.entries != 0) problem(named_by, "it has entries, but no root");
      return;
    }
    if (tree.depth < 1 || tree.depth > kDeepest) {
      return problem(named_by, "its depth is " + text(tree.depth));
    }
    const bool was_whole = std::exchange(whole_, after_.empty() && !gone_);
    const std::size_t problems_before = problems_.size();
    visit(tree.root, named_by, tree.depth, {});
    if (whole_ && problems_.size() == problems_before) compare(tree, named_by);
    whole_ = whole_ && was_whole;
  }

  void compare(const Tree& tree, std::uint64_t named_by) {
    const std::array<std::pair<const char*, std::pair<std::uint64_t, std::uint64_t>>, 4> counts{{
        {"entries", {tree.entries, counted_.entries}},
        {"leaves", {tree.leaves, counted_.leaves}},
        {"branches", {tree.branches, counted_.branches}},
        {"pages of large values", {tree.overflow, counted_.overflow}},
    }};
    for (const auto& [what, count] : counts) {
      if (count.first == count.second) continue;
      problem(named_by,
              "it says " + text(count.first) + " " + what + ", there are " + text(count.second));
    }
  }

  // Marks a page as used. False where it may not be read.
  bool take(std::uint64_t page, std::uint64_t from) {
    if (page < 2 || page > meta_.last_page) {
      problem(from, "it names page " + text(page) + " of " + text(meta_.last_page));
      return false;
    }
    if (page >= used_.size() || (page + 1) * page_bytes_ > source_.bytes) {
      problem(page, "it lies behind the end of the file");
      return false;
    }
    if (used_[page]) {
      problem(page, "it is used twice");
      return false;
    }
    used_[page] = true;
    return true;
  }

  // Whether the snapshot is gone. Then the walk can go on with what lies behind `least`.
  bool is_gone(const Bounds& bounds) {
    if (gone_ || ++read_ < place_.pages_at_once) return gone_;
    read_ = 0;
    if (still_there_()) return false;
    gone_ = true;
    whole_ = false;
    if (bounds.least && !free_tree_ && !main_tree_) place_.key = *bounds.least;
    return true;
  }

  void visit(std::uint64_t page, std::uint64_t from, int levels, const Bounds& bounds) {
    if (is_gone(bounds) || !take(page, from)) return;
    if (place_.left == 0) {
      whole_ = false;
      return;
    }
    --place_.left;
    std::string bytes(page_bytes_, '\0');
    if (!source_.read(page * page_bytes_, bytes.size(), bytes.data())) {
      return problem(page, "it cannot be read");
    }
    visit(page, bytes.data(), levels, bounds);
  }

  void visit(std::uint64_t page, const char* bytes, int levels, const Bounds& bounds) {
    const std::uint64_t number = number_at<std::uint64_t>(bytes);
    if (number != page) return problem(page, "it says that it is page " + text(number));
    const auto flags = number_at<std::uint16_t>(bytes + 10);
    const std::uint16_t expected = levels == 1 ? kLeaf : kBranch;
    if (flags != expected) {
      return problem(page, "its flags are " + text(flags) + ", expected " + text(expected));
    }
    const auto lower = number_at<std::uint16_t>(bytes + 12);
    const auto upper = number_at<std::uint16_t>(bytes + 14);
    if (lower < kHeader || lower > upper || upper > page_bytes_ || lower % 2 != 0) {
      return problem(page, "its free room is from " + text(lower) + " to " + text(upper));
    }
    const std::size_t nodes = (lower - kHeader) / 2;
    // The list of free pages is shrunk otherwise than the rest.
    if (nodes < (levels == 1 || free_tree_ ? 1U : 2U)) {
      return problem(page, "it has " + text(nodes) + " nodes");
    }
    std::size_t node_bytes = 0;
    std::vector<std::uint16_t> places;
    places.reserve(nodes);
    for (std::size_t i = 0; i < nodes; ++i) {
      const auto place = number_at<std::uint16_t>(bytes + kHeader + 2 * i);
      const std::size_t size = node_size(bytes, place, upper, levels == 1);
      if (size == 0) return problem(page, "its node " + text(i) + " does not lie within it");
      node_bytes += size;
      places.push_back(place);
    }
    if (node_bytes != page_bytes_ - upper) {
      return problem(page, "its nodes overlap or leave gaps");
    }
    if (!keys_in_order(page, bytes, places, levels == 1, bounds)) return;
    if (levels == 1) {
      ++counted_.leaves;
      counted_.entries += nodes;
      for (const std::uint16_t place : places) leaf_node(page, bytes + place);
      return;
    }
    ++counted_.branches;
    for (std::size_t i = 0; i < nodes; ++i) {
      Bounds below = bounds;
      if (i > 0) below.least = key(bytes + places[i]);
      if (i + 1 < nodes) below.below = key(bytes + places[i + 1]);
      if (!after_.empty() && below.below && !is_less(after_, *below.below)) continue;
      const char* const node = bytes + places[i];
      const std::uint64_t child = std::uint64_t{number_at<std::uint16_t>(node)} |
                                  std::uint64_t{number_at<std::uint16_t>(node + 2)} << 16U |
                                  std::uint64_t{number_at<std::uint16_t>(node + 4)} << 32U;
      visit(child, page, levels - 1, below);
      if (gone_ || problems_.size() == kNamedProblems) return;
    }
  }

  // 0 where it does not lie between `upper` and the end of the page.
  [[nodiscard]] std::size_t node_size(const char* bytes, std::size_t place, std::size_t upper,
                                      bool of_leaf) const {
    if (place < upper || place % 2 != 0 || place + kNodeHeader > page_bytes_) return 0;
    const char* const node = bytes + place;
    std::size_t size = kNodeHeader + number_at<std::uint16_t>(node + 6);
    if (of_leaf) {
      const auto flags = number_at<std::uint16_t>(node + 4);
      size += (flags & kBig) != 0 ? sizeof(std::uint64_t) : data_size(node);
    }
    size += size % 2;
    return place + size <= page_bytes_ ? size : 0;
  }
  [[nodiscard]] static std::size_t data_size(const char* node) {
    return std::size_t{number_at<std::uint16_t>(node)} |
           std::size_t{number_at<std::uint16_t>(node + 2)} << 16U;
  }
  [[nodiscard]] static std::string_view key(const char* node) {
    return {node + kNodeHeader, number_at<std::uint16_t>(node + 6)};
  }
  [[nodiscard]] bool is_less(std::string_view a, std::string_view b) const {
    if (free_tree_ && a.size() == sizeof(std::uint64_t) && b.size() == a.size()) {
      return number_at<std::uint64_t>(a.data()) < number_at<std::uint64_t>(b.data());
    }
    return a < b;
  }

  bool keys_in_order(std::uint64_t page, const char* bytes,
                     const std::vector<std::uint16_t>& places, bool of_leaf, const Bounds& bounds) {
    constexpr std::size_t kLongest = 511;
    std::optional<std::string_view> last;
    // The first key of a branch says nothing.
    for (std::size_t i = of_leaf ? 0 : 1; i < places.size(); ++i) {
      const std::string_view at = key(bytes + places[i]);
      const bool fits =
          free_tree_ ? at.size() == sizeof(std::uint64_t) : !at.empty() && at.size() <= kLongest;
      const bool in_order = fits && (!last || is_less(*last, at)) &&
                            (!bounds.least || !is_less(at, *bounds.least)) &&
                            (!bounds.below || is_less(at, *bounds.below));
      if (!in_order) {
        problem(page, "its key " + text(i) + " is out of order");
        return false;
      }
      last = at;
    }
    return true;
  }

  void leaf_node(std::uint64_t page, const char* node) {
    const auto flags = number_at<std::uint16_t>(node + 4);
    const std::size_t size = data_size(node);
    const char* const data = node + kNodeHeader + key(node).size();
    if (flags == kBig) return large_value(page, number_at<std::uint64_t>(data), size);
    if (flags != (main_tree_ ? kTree : 0)) {
      return problem(page, "a node of it has the flags " + text(flags));
    }
    if (free_tree_) return free_entry(page, data, size);
    if (!main_tree_) return;
    if (size != kTreeBytes) return problem(page, "a bucket has " + text(size) + " bytes");
    buckets_.push_back({std::string{key(node)}, Tree::at(data), page});
  }

  void large_value(std::uint64_t from, std::uint64_t page, std::size_t size) {
    if (main_tree_) return problem(from, "a bucket is a large value");
    ++read_;
    if (!take(page, from)) return;
    std::array<char, kHeader> header{};
    if (!source_.read(page * page_bytes_, header.size(), header.data())) {
      return problem(page, "it cannot be read");
    }
    const std::uint64_t number = number_at<std::uint64_t>(header.data());
    if (number != page) return problem(page, "it says that it is page " + text(number));
    const auto flags = number_at<std::uint16_t>(header.data() + 10);
    if (flags != kOverflow) {
      return problem(page, "its flags are " + text(flags) + ", expected " + text(kOverflow));
    }
    const auto pages = number_at<std::uint32_t>(header.data() + 12);
    if (pages < (kHeader - 1 + size) / page_bytes_ + 1) {
      return problem(page,
                     "it has " + text(pages) + " pages for a value of " + text(size) + " bytes");
    }
    for (std::uint64_t i = 1; i < pages; ++i) {
      if (!take(page + i, page)) return;
    }
    counted_.overflow += pages;
    if (!free_tree_) return;
    std::string value(size, '\0');
    if (!source_.read(page * page_bytes_ + kHeader, size, value.data())) {
      return problem(page, "it cannot be read");
    }
    free_entry(page, value.data(), value.size());
  }

  void free_entry(std::uint64_t page, const char* data, std::size_t size) {
    const std::uint64_t count = size < 8 ? 1 : number_at<std::uint64_t>(data);
    if (size % 8 != 0 || size < 8 || count > size / 8 - 1) {
      return problem(page, "an entry of " + text(size) + " bytes names " + text(count) + " pages");
    }
    std::uint64_t before = meta_.last_page + 1;
    for (std::uint64_t i = 1; i <= count; ++i) {
      const std::uint64_t one = number_at<std::uint64_t>(data + 8 * i);
      if (one < 2 || one >= before) {
        return problem(page, "it names page " + text(one) + " as free, after page " + text(before));
      }
      free_.push_back({one, page});
      before = one;
    }
  }

  void look_for_lost_pages() {
    std::vector<bool> free(meta_.last_page + 1);
    for (const auto& [page, named_by] : free_) {
      if (page < used_.size() && used_[page]) problem(page, "it is used, and free as well");
      if (free[page]) problem(page, "it is free twice");
      free[page] = true;
    }
    std::uint64_t lost = 0;
    std::uint64_t first = 0;
    for (std::uint64_t page = 2; page <= meta_.last_page; ++page) {
      if (free[page] || (page < used_.size() && used_[page])) continue;
      if (lost++ == 0) first = page;
    }
    in_ = "no bucket";
    if (lost > 0) problem(first, "it and " + text(lost - 1) + " more are neither used nor free");
  }

  void problem(std::uint64_t page, const std::string& what) {
    if (problems_.size() < kNamedProblems) problems_.push_back({page, "in " + in_ + ": " + what});
  }

  const Source& source_;
  const Meta& meta_;
  WalkPlace& place_;
  const std::function<bool()>& still_there_;
  std::size_t page_bytes_;
  std::vector<bool> used_;                                     // by page
  std::vector<std::pair<std::uint64_t, std::uint64_t>> free_;  // page, and the one that names it
  std::vector<Named> buckets_;
  std::vector<PageProblem> problems_;
  std::string in_;
  Counted counted_;
  bool free_tree_ = false;
  bool main_tree_ = false;
  bool whole_ = true;       // nothing was left out
  std::uint64_t read_ = 0;  // pages, since the snapshot was looked after
  bool gone_ = false;       // the snapshot
  std::string after_;       // of a bucket: what lies before this key was looked at
};

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
  const Source source = source_of(file_, path_);
  // The size of a page is in both, and the second can only be found by it.
  std::array<std::optional<Meta>, 2> metas;
  metas[0] = read_meta(source, 0, 0);
  std::uint64_t page_bytes = metas[0] ? metas[0]->free.pad : 0;
  const bool is_first = metas[0] && metas[0]->magic == kMagic && is_page_size(page_bytes);
  if (!is_first) page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  metas[1] = read_meta(source, page_bytes, 1);
  const bool is_second = metas[1] && metas[1]->magic == kMagic;
  if (!is_first && !is_second) {
    throw StoreError(path_ +
                     " is not a store of Pena: neither of its first two pages is a meta page");
  }
  std::vector<PageProblem> problems;
  for (int which = 0; which < 2; ++which) {
    const auto& meta = metas.at(static_cast<std::size_t>(which));
    const std::string wrong =
        meta ? wrong_with(*meta, page_bytes, which) : "it lies behind the end of the file";
    if (!wrong.empty())
      problems.push_back({static_cast<std::uint64_t>(which), "of the meta pages: " + wrong});
  }
  if (!problems.empty()) return problems;
  const int newer = metas[0]->txn < metas[1]->txn ? 1 : 0;
  if (const std::string wrong = wrong_roots(*metas.at(static_cast<std::size_t>(newer)));
      !wrong.empty()) {
    return {{static_cast<std::uint64_t>(newer), "of the meta pages: " + wrong}};
  }
  // Commits take them in turn.
  const std::uint64_t even = metas[0]->txn;
  const std::uint64_t odd = metas[1]->txn;
  const bool in_turn = even % 2 == 0 && odd % 2 == 1 && (even + 1 == odd || odd + 1 == even);
  if (!in_turn && (even != 0 || odd != 0)) {
    problems.push_back({0, "of the meta pages: its transaction is " + text(even) +
                               ", that of page 1 is " + text(odd)});
  }
  return problems;
}

std::optional<std::vector<PageProblem>> PageCheck::pages(
    std::uint64_t txn, WalkPlace& place, const std::function<bool()>& still_there) const {
  const Source source = source_of(file_, path_);
  const auto first = read_meta(source, 0, 0);
  if (!first || !is_page_size(first->free.pad)) return std::nullopt;
  for (int which = 0; which < 2; ++which) {
    const auto meta = which == 0 ? first : read_meta(source, first->free.pad, 1);
    const bool is_it = meta && meta->txn == txn;
    if (!is_it || !wrong_with(*meta, first->free.pad, which).empty()) continue;
    if (!wrong_roots(*meta).empty()) continue;
    const bool is_short = (meta->last_page + 1) * meta->free.pad > source.bytes;
    if (is_short) place.left = kNoPage;
    return Walk(source, *meta, place, still_there).run();
  }
  return std::nullopt;
}

}  // namespace pena::store
