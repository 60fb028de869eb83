// The pages of one snapshot, from its roots down: the list of free pages, the list of buckets, and each
// bucket. A page by itself is the matter of store/tree_page.hpp; here is what only many of them tell.
// In a sound store
//
//   each page lies within the file, and is used once or free, and never both
//   a tree has as many leaves, branches, large values and entries as it says
//   nothing is lost: what is neither used nor free
//
// The last two are looked at where one walk sees all pages of the snapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "store/page_check.hpp"
#include "store/page_format.hpp"
#include "store/tree_page.hpp"

namespace pena::store {

// A file that is read with pread: no damage is met through the map.
struct PageSource {
  int file;
  std::uint64_t bytes;  // of the file

  // Whether so many bytes could be read from there.
  [[nodiscard]] bool read(std::uint64_t at, std::size_t size, char* into) const;
};

// What it is given is there for as long as it is. One thread.
class PageWalk {
 public:
  // `meta`: of the snapshot. `place`, `still_there`: as in PageCheck::pages.
  PageWalk(const PageSource& source, const Meta& meta, WalkPlace& place,
           const std::function<bool()>& still_there);

  // Once.
  [[nodiscard]] std::vector<PageProblem> run();

 private:
  struct Named {
    std::string name;
    Tree tree;
    std::uint64_t page;  // that names it
  };
  struct Counted {
    std::uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0;
  };
  // Which tree is walked: what may be in its leaves.
  enum class Of { free_list, buckets, records };

  [[nodiscard]] bool is_cut_off();
  void walk_buckets();
  void walk_bucket(const Named& bucket);
  void walk_tree(const std::string& name, Of of, const Tree& tree, std::uint64_t named_by);
  void compare(const Tree& tree, std::uint64_t named_by);
  [[nodiscard]] bool mark_used(std::uint64_t page, std::uint64_t from);
  [[nodiscard]] bool is_gone(const KeyBounds& bounds);
  void visit(std::uint64_t page, std::uint64_t from, int levels, const KeyBounds& bounds);
  void visit_branch(std::uint64_t page, const TreePage& branch, int levels,
                    const KeyBounds& bounds);
  void visit_leaf(std::uint64_t page, const TreePage& leaf);
  void visit_node(std::uint64_t page, const TreePage& leaf, std::size_t node);
  void visit_large_value(std::uint64_t from, std::uint64_t page, std::size_t size);
  [[nodiscard]] std::string wrong_large_value(std::uint64_t page, const char* header,
                                              std::size_t size) const;
  void read_free_entry(std::uint64_t page, std::size_t size);
  void note_free(std::uint64_t page, const char* data, std::size_t size);
  void look_for_lost_pages();
  void problem(std::uint64_t page, const std::string& what);

  const PageSource& source_;
  const Meta& meta_;
  WalkPlace& place_;
  const std::function<bool()>& still_there_;
  std::size_t page_bytes_;
  std::vector<bool> used_;  // by page
  std::vector<std::uint64_t> free_;
  std::vector<Named> buckets_;
  std::vector<PageProblem> problems_;
  std::string in_ = "the meta pages";
  Counted counted_;
  Of of_ = Of::records;
  bool whole_ = true;       // nothing was left out
  std::uint64_t read_ = 0;  // pages, since the snapshot was looked after
  bool gone_ = false;       // the snapshot
  std::string after_;       // of a bucket: what lies before this key was looked at
};

}  // namespace pena::store
