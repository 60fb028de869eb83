#include "store/page_walk.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "store/format.hpp"

namespace pena::store {
namespace {

constexpr std::size_t kNamedOfWalk = 100;

}  // namespace

bool PageSource::read(std::uint64_t at, std::size_t size, char* into) const {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t some = ::pread(file, into + got, size - got, static_cast<off_t>(at + got));
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) return false;
    got += static_cast<std::size_t>(some);
  }
  return true;
}

PageWalk::PageWalk(const PageSource& source, const Meta& meta, WalkPlace& place,
                   const std::function<bool()>& still_there)
    : source_(source),
      meta_(meta),
      place_(place),
      still_there_(still_there),
      page_bytes_(meta.free.pad),
      used_(static_cast<std::size_t>(std::min(meta.last_page, source.bytes / page_bytes_) + 1)) {}

std::vector<PageProblem> PageWalk::run() {
  if (is_cut_off()) return std::move(problems_);
  whole_ = !std::exchange(place_.began, true);
  if (whole_) walk_tree("the list of free pages", Of::free_list, meta_.free, 0);
  walk_tree("the list of buckets", Of::buckets, meta_.main, 0);
  walk_buckets();
  if (whole_ && problems_.empty()) look_for_lost_pages();
  return std::move(problems_);
}

// A commit may leave pages unwritten at the end that it took and gave up again, but not many.
bool PageWalk::is_cut_off() {
  constexpr std::uint64_t kUnwritten = 131'072;
  const std::uint64_t pages = source_.bytes / page_bytes_;
  if (meta_.last_page <= pages + kUnwritten) return false;
  problem(meta_.txn % 2,
          "its last page is " + text(meta_.last_page) + ", the file has " + text(pages) + " pages");
  return true;
}

// The small ones first, where not all can be looked at.
void PageWalk::walk_buckets() {
  std::ranges::sort(buckets_, {}, [&](const Named& bucket) {
    return std::pair{bucket.name != place_.bucket, bucket.tree.leaves};
  });
  for (const Named& bucket : buckets_) {
    if (gone_) return;
    if (std::ranges::find(place_.done, bucket.name) == place_.done.end()) walk_bucket(bucket);
  }
  place_.over = !gone_;
}

void PageWalk::walk_bucket(const Named& bucket) {
  if (place_.bucket != bucket.name) place_.key.clear();
  place_.bucket = bucket.name;
  after_ = place_.key;
  walk_tree("the bucket " + bucket.name, Of::records, bucket.tree, bucket.page);
  if (!gone_) place_.done.push_back(bucket.name);
}

void PageWalk::walk_tree(const std::string& name, Of of, const Tree& tree, std::uint64_t named_by) {
  in_ = name;
  of_ = of;
  counted_ = {};
  if (of != Of::free_list && tree.flags != 0) {
    return problem(named_by, "its flags are those of no bucket");
  }
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

void PageWalk::compare(const Tree& tree, std::uint64_t named_by) {
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
bool PageWalk::mark_used(std::uint64_t page, std::uint64_t from) {
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
bool PageWalk::is_gone(const KeyBounds& bounds) {
  if (gone_ || ++read_ < place_.pages_at_once) return gone_;
  read_ = 0;
  if (still_there_()) return false;
  gone_ = true;
  whole_ = false;
  if (bounds.least && of_ == Of::records) place_.key = *bounds.least;
  return true;
}

// ---- from the root down

void PageWalk::visit(std::uint64_t page, std::uint64_t from, int levels, const KeyBounds& bounds) {
  if (is_gone(bounds) || !mark_used(page, from)) return;
  if (place_.left == 0) {
    whole_ = false;
    return;
  }
  --place_.left;
  std::string bytes(page_bytes_, '\0');
  if (!source_.read(page * page_bytes_, bytes.size(), bytes.data())) {
    return problem(page, "it cannot be read");
  }
  TreePage read(std::move(bytes), levels == 1 ? TreePage::Level::leaf : TreePage::Level::branch,
                of_ == Of::free_list ? TreePage::Kind::free_list : TreePage::Kind::records);
  if (const std::string wrong = read.wrong(page, bounds); !wrong.empty()) {
    return problem(page, wrong);
  }
  if (levels == 1) return visit_leaf(page, read);
  visit_branch(page, read, levels, bounds);
}

void PageWalk::visit_branch(std::uint64_t page, const TreePage& branch, int levels,
                            const KeyBounds& bounds) {
  ++counted_.branches;
  for (std::size_t i = 0; i < branch.nodes(); ++i) {
    const KeyBounds below = branch.bounds_of_child(i, bounds);
    if (!after_.empty() && below.below && !branch.is_less(after_, *below.below)) continue;
    visit(branch.child(i), page, levels - 1, below);
    if (gone_ || problems_.size() == kNamedOfWalk) return;
  }
}

void PageWalk::visit_leaf(std::uint64_t page, const TreePage& leaf) {
  ++counted_.leaves;
  counted_.entries += leaf.nodes();
  for (std::size_t i = 0; i < leaf.nodes(); ++i) visit_node(page, leaf, i);
}

void PageWalk::visit_node(std::uint64_t page, const TreePage& leaf, std::size_t node) {
  const std::uint16_t flags = leaf.flags(node);
  const std::size_t size = leaf.data_size(node);
  const char* const data = leaf.data(node);
  if (flags == kBig) return visit_large_value(page, number_at<std::uint64_t>(data), size);
  const bool is_bucket = of_ == Of::buckets && !is_tail(leaf.key(node));
  if (flags != (is_bucket ? kTree : 0)) {
    return problem(page, "a node of it has the flags " + text(flags));
  }
  if (of_ == Of::free_list) return note_free(page, data, size);
  if (!is_bucket) return;
  if (size != kTreeBytes) return problem(page, "a bucket has " + text(size) + " bytes");
  buckets_.push_back({std::string{leaf.key(node)}, Tree::at(data), page});
}

void PageWalk::visit_large_value(std::uint64_t from, std::uint64_t page, std::size_t size) {
  if (of_ == Of::buckets) return problem(from, "a bucket is a large value");
  ++read_;
  if (!mark_used(page, from)) return;
  std::array<char, kHeader> header{};
  if (!source_.read(page * page_bytes_, header.size(), header.data())) {
    return problem(page, "it cannot be read");
  }
  const std::string wrong = wrong_large_value(page, header.data(), size);
  if (!wrong.empty()) return problem(page, wrong);
  const auto pages = number_at<std::uint32_t>(header.data() + 12);
  for (std::uint64_t i = 1; i < pages; ++i) {
    if (!mark_used(page + i, page)) return;
  }
  counted_.overflow += pages;
  if (of_ == Of::free_list) read_free_entry(page, size);
}

std::string PageWalk::wrong_large_value(std::uint64_t page, const char* header,
                                        std::size_t size) const {
  const auto number = number_at<std::uint64_t>(header);
  if (number != page) return "it says that it is page " + text(number);
  const auto flags = number_at<std::uint16_t>(header + 10);
  if (flags != kOverflow) {
    return "its flags are " + text(flags) + ", expected " + text(kOverflow);
  }
  const auto pages = number_at<std::uint32_t>(header + 12);
  if (pages >= (kHeader - 1 + size) / page_bytes_ + 1) return {};
  return "it has " + text(pages) + " pages for a value of " + text(size) + " bytes";
}

// ---- the free pages

void PageWalk::read_free_entry(std::uint64_t page, std::size_t size) {
  std::string value(size, '\0');
  if (!source_.read(page * page_bytes_ + kHeader, size, value.data())) {
    return problem(page, "it cannot be read");
  }
  note_free(page, value.data(), value.size());
}

void PageWalk::note_free(std::uint64_t page, const char* data, std::size_t size) {
  const std::uint64_t count = size < 8 ? 1 : number_at<std::uint64_t>(data);
  if (size % 8 != 0 || size < 8 || count > size / 8 - 1) {
    return problem(page, "an entry of " + text(size) + " bytes names " + text(count) + " pages");
  }
  std::uint64_t before = meta_.last_page + 1;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto one = number_at<std::uint64_t>(data + 8 * i);
    if (one < 2 || one >= before) {
      return problem(page, "it names page " + text(one) + " as free, after page " + text(before));
    }
    free_.push_back(one);
    before = one;
  }
}

void PageWalk::look_for_lost_pages() {
  std::vector<bool> free(meta_.last_page + 1);
  for (const std::uint64_t page : free_) {
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

void PageWalk::problem(std::uint64_t page, const std::string& what) {
  if (problems_.size() < kNamedOfWalk) problems_.push_back({page, "in " + in_ + ": " + what});
}

}  // namespace pena::store
