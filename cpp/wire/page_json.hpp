// Pages of buckets, and the story of one msg. Instants are in ISO 8601 UTC with ms
// ("2026-11-23T18:00:00.000Z"). `queue`: the name of the msg's queue, empty for `default`, which pages do
// not say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/msg.hpp"

namespace pena::wire {

// {"ids":[…],"next"?,"first"?} or {"records":[…],"next"?,"first"?}, appended to one text or to one after the other.
class PageJson {
 public:
  explicit PageJson(std::string_view name) : name_(name) {}  // "ids" or "records"
  void add(std::string& out, const core::Xid& id);
  void add(std::string& out, const core::ReportRecord& record, std::string_view queue = {});
  void add(std::string& out, const core::FailRecord& record, std::string_view queue = {});
  // Of a queue, or of what is not due yet.
  void add(std::string& out, const core::QueuedMsg& msg, bool is_later,
           std::string_view queue = {});
  // `next`: where the next page begins; none: this is the last.
  void end(std::string& out, const std::optional<core::Xid>& next);
  // The same, as JSON; empty: this is the last. `first`: of what is in the order of settling.
  void end_at(std::string& out, std::string_view next,
              std::optional<std::uint64_t> first = std::nullopt);

 private:
  void begin_one(std::string& out);

  std::string_view name_;
  bool begun_ = false;
};

// {"id","queue","state", … ,"story":[{"batch","client","name"?,"granted_at","ended_at"?,"outcome",
// "error"?}]}: what GET /task/<id> answers. The first of them: "queued", or "later" where it is.
[[nodiscard]] std::string story_json(const core::QueuedMsg& msg, bool is_later,
                                     std::string_view queue);
[[nodiscard]] std::string story_json(const core::QueuedMsg& msg, const core::Batch& held_in,
                                     std::string_view queue);
[[nodiscard]] std::string story_json(const core::ReportRecord& record, std::string_view queue);
[[nodiscard]] std::string story_json(const core::FailRecord& record, std::string_view queue);

}  // namespace pena::wire
