// The last value that was said of each key: filled once, then asked.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

namespace pena::turn {

// A sorted vector. What is filled in comes nearly in order, where a tree would cost a block of memory a key.
template <class Key, class Value>
class Latest {
 public:
  using Entry = std::pair<Key, Value>;
  using Iterator = typename std::vector<Entry>::const_iterator;

  void say(const Key& key, const Value& value) { all_.emplace_back(key, value); }
  // Behind the last say(), and before anything is asked.
  void settle() {
    const auto in_order = [](const Entry& a, const Entry& b) {
      return a.first < b.first;
    };
    if (!std::is_sorted(all_.begin(), all_.end(), in_order)) {
      std::stable_sort(all_.begin(), all_.end(), in_order);
    }
    auto end = all_.begin();
    for (auto at = all_.begin(); at != all_.end(); ++at) {
      if (at + 1 == all_.end() || at->first < (at + 1)->first) *end++ = *at;
    }
    all_.erase(end, all_.end());
  }

  [[nodiscard]] Iterator begin() const { return all_.begin(); }
  [[nodiscard]] Iterator end() const { return all_.end(); }
  [[nodiscard]] Iterator lower_bound(const Key& key) const {
    return std::lower_bound(begin(), end(), key,
                            [](const Entry& a, const Key& b) { return a.first < b; });
  }
  [[nodiscard]] Iterator upper_bound(const Key& key) const {
    return std::upper_bound(begin(), end(), key,
                            [](const Key& a, const Entry& b) { return a < b.first; });
  }
  [[nodiscard]] Iterator find(const Key& key) const {
    const auto at = lower_bound(key);
    return at != end() && at->first == key ? at : end();
  }
  [[nodiscard]] bool contains(const Key& key) const { return find(key) != end(); }

 private:
  std::vector<Entry> all_;
};

}  // namespace pena::turn
