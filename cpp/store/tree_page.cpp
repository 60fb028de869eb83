#include "store/tree_page.hpp"

#include "store/page_format.hpp"

namespace pena::store {
namespace {

std::size_t data_size_of(const char* node) {
  return std::size_t{number_at<std::uint16_t>(node)} |
         std::size_t{number_at<std::uint16_t>(node + 2)} << 16U;
}

}  // namespace

std::string TreePage::wrong(std::uint64_t number, const KeyBounds& bounds) {
  std::string wrong = wrong_header(number);
  if (wrong.empty()) wrong = wrong_nodes();
  return wrong.empty() ? wrong_keys(bounds) : wrong;
}

std::uint16_t TreePage::lower() const {
  return number_at<std::uint16_t>(bytes_.data() + 12);
}

std::uint16_t TreePage::upper() const {
  return number_at<std::uint16_t>(bytes_.data() + 14);
}

std::string TreePage::wrong_header(std::uint64_t number) const {
  const auto said = number_at<std::uint64_t>(bytes_.data());
  if (said != number) return "it says that it is page " + text(said);
  const auto flags = number_at<std::uint16_t>(bytes_.data() + 10);
  const std::uint16_t expected = level_ == Level::leaf ? kLeaf : kBranch;
  if (flags != expected) return "its flags are " + text(flags) + ", expected " + text(expected);
  if (lower() < kHeader || lower() > upper() || upper() > bytes_.size() || lower() % 2 != 0) {
    return "its free room is from " + text(lower()) + " to " + text(upper());
  }
  return {};
}

std::string TreePage::wrong_nodes() {
  const std::size_t nodes = (lower() - kHeader) / 2;
  const bool one_will_do = level_ == Level::leaf || kind_ == Kind::free_list;
  if (nodes < (one_will_do ? 1U : 2U)) return "it has " + text(nodes) + " nodes";
  std::size_t node_bytes = 0;
  places_.reserve(nodes);
  for (std::size_t i = 0; i < nodes; ++i) {
    const auto place = number_at<std::uint16_t>(bytes_.data() + kHeader + 2 * i);
    const std::size_t size = size_of_node(place);
    if (size == 0) return "its node " + text(i) + " does not lie within it";
    node_bytes += size;
    places_.push_back(place);
  }
  if (node_bytes != bytes_.size() - upper()) return "its nodes overlap or leave gaps";
  return {};
}

// 0 where it does not lie between the free room and the end of the page.
std::size_t TreePage::size_of_node(std::size_t place) const {
  if (place < upper() || place % 2 != 0 || place + kNodeHeader > bytes_.size()) return 0;
  const char* const node = bytes_.data() + place;
  std::size_t size = kNodeHeader + number_at<std::uint16_t>(node + 6);
  if (level_ == Level::leaf) {
    const bool is_big = (number_at<std::uint16_t>(node + 4) & kBig) != 0;
    size += is_big ? sizeof(std::uint64_t) : data_size_of(node);
  }
  size += size % 2;
  return place + size <= bytes_.size() ? size : 0;
}

std::string TreePage::wrong_keys(const KeyBounds& bounds) const {
  std::optional<std::string_view> last;
  // The first key of a branch says nothing.
  for (std::size_t i = level_ == Level::leaf ? 0 : 1; i < nodes(); ++i) {
    const std::string_view here = key(i);
    const bool in_order = may_be_key(here) && (!last || is_less(*last, here)) &&
                          (!bounds.least || !is_less(here, *bounds.least)) &&
                          (!bounds.below || is_less(here, *bounds.below));
    if (!in_order) return "its key " + text(i) + " is out of order";
    last = here;
  }
  return {};
}

bool TreePage::may_be_key(std::string_view key) const {
  constexpr std::size_t kLongest = 511;
  if (kind_ == Kind::free_list) return key.size() == sizeof(std::uint64_t);
  return !key.empty() && key.size() <= kLongest;
}

std::string_view TreePage::key(std::size_t node) const {
  return {node_at(node) + kNodeHeader, number_at<std::uint16_t>(node_at(node) + 6)};
}

bool TreePage::is_less(std::string_view a, std::string_view b) const {
  if (kind_ == Kind::free_list && a.size() == sizeof(std::uint64_t) && b.size() == a.size()) {
    return number_at<std::uint64_t>(a.data()) < number_at<std::uint64_t>(b.data());
  }
  return a < b;
}

std::uint64_t TreePage::child(std::size_t node) const {
  const char* const at = node_at(node);
  return std::uint64_t{number_at<std::uint16_t>(at)} |
         std::uint64_t{number_at<std::uint16_t>(at + 2)} << 16U |
         std::uint64_t{number_at<std::uint16_t>(at + 4)} << 32U;
}

KeyBounds TreePage::bounds_of_child(std::size_t node, const KeyBounds& bounds) const {
  KeyBounds below = bounds;
  if (node > 0) below.least = key(node);
  if (node + 1 < nodes()) below.below = key(node + 1);
  return below;
}

std::uint16_t TreePage::flags(std::size_t node) const {
  return number_at<std::uint16_t>(node_at(node) + 4);
}

std::size_t TreePage::data_size(std::size_t node) const {
  return data_size_of(node_at(node));
}

const char* TreePage::data(std::size_t node) const {
  return node_at(node) + kNodeHeader + key(node).size();
}

}  // namespace pena::store
