// Who reads GET /report and GET /fail page by page, while the world goes on: all that was there when a walk
// began is in it once, in order, and nothing that is not in the store. On no link of its own: faults of the
// network have nothing to do with what a page says.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/environment.hpp"

namespace pena::sim {

class PageReader : public std::enable_shared_from_this<PageReader> {
 public:
  using Get =
      std::function<void(const std::string& path, const std::string& query, OnReply on_reply)>;
  PageReader(Environment& environment, Get get);
  void start();

 private:
  struct Page {
    std::vector<core::Xid> ids;
    std::optional<core::Xid> next;
  };

  void begin_walk();
  void ask();
  void take(const Reply& reply);
  void check(const Page& page);
  void end_walk();
  [[nodiscard]] std::string path() const;
  [[nodiscard]] bool may_leave() const;
  [[nodiscard]] std::optional<Page> parse(const std::string& body) const;
  void after(core::Duration wait, Timeline::Action action);

  Environment& environment_;
  Get get_;
  Dice dice_;
  core::Duration pause_;  // between two walks, at most
  // Of the walk.
  store::Bucket bucket_ = store::Bucket::report;
  bool records_ = false;
  std::set<core::Xid> there_;  // when it began, and not seen yet
  std::optional<core::Xid> after_;
  std::size_t limit_ = 0;  // of the page that is asked for
  std::uint64_t try_ = 0;
};

}  // namespace pena::sim
