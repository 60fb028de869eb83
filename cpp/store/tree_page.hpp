// One page of a tree by itself: whether its header, its nodes and its keys may be believed. Pure.
//
// LMDB follows each number of a page, so none of them is followed here before it was compared:
//
//   header    it says its own number, and that it is a leaf or a branch as its level wants
//   room      the places of the nodes end before the nodes begin, and both lie within the page
//   nodes     each lies within the page; together they fill what is behind the free room, so that no
//             two overlap
//   keys      ascend, and lie between those that the branch above has around this page
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pena::store {

// Keys of a page lie between those of the page above.
struct KeyBounds {
  std::optional<std::string> least;  // at least this
  std::optional<std::string> below;  // less than this
};

class TreePage {
 public:
  enum class Level { leaf, branch };
  // The keys of the list of free pages are numbers, and its pages are shrunk otherwise than the rest.
  enum class Kind { records, free_list };

  TreePage(std::string bytes, Level level, Kind kind)
      : bytes_(std::move(bytes)), level_(level), kind_(kind) {}

  // What is wrong with it as the page of that number, a sentence; empty where nothing is. Asked first:
  // what follows is only asked of a page with which nothing is wrong.
  [[nodiscard]] std::string wrong(std::uint64_t number, const KeyBounds& bounds);

  [[nodiscard]] std::size_t nodes() const { return places_.size(); }
  [[nodiscard]] std::string_view key(std::size_t node) const;
  [[nodiscard]] bool is_less(std::string_view a, std::string_view b) const;
  // Of a branch: the page below. Keys of it lie within the bounds.
  [[nodiscard]] std::uint64_t child(std::size_t node) const;
  [[nodiscard]] KeyBounds bounds_of_child(std::size_t node, const KeyBounds& bounds) const;
  // Of a leaf. `data`: as many bytes as `data_size` says, or of a large value the number of its page.
  [[nodiscard]] std::uint16_t flags(std::size_t node) const;
  [[nodiscard]] std::size_t data_size(std::size_t node) const;
  [[nodiscard]] const char* data(std::size_t node) const;

 private:
  [[nodiscard]] std::string wrong_header(std::uint64_t number) const;
  [[nodiscard]] std::string wrong_nodes();
  [[nodiscard]] std::string wrong_keys(const KeyBounds& bounds) const;
  [[nodiscard]] bool may_be_key(std::string_view key) const;
  [[nodiscard]] std::size_t size_of_node(std::size_t place) const;
  [[nodiscard]] std::uint16_t lower() const;
  [[nodiscard]] std::uint16_t upper() const;
  [[nodiscard]] const char* node_at(std::size_t node) const {
    return bytes_.data() + places_[node];
  }

  std::string bytes_;
  Level level_;
  Kind kind_;
  std::vector<std::uint16_t> places_;  // of the nodes, in the order of their keys
};

}  // namespace pena::store
