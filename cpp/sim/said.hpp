// What reports said so far, whoever sent them: the ground for whatever the server writes down of them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/event.hpp"
#include "core/xid.hpp"

namespace pena::sim {

// All ids that a report says something of.
[[nodiscard]] std::set<core::Xid> named_by(const core::Reported& report);

class Said {
 public:
  void note(const core::Reported& report);

  [[nodiscard]] bool done(const core::Xid& id) const { return done_.contains(id); }
  [[nodiscard]] bool failed(const core::Xid& id) const { return failed_.contains(id); }
  [[nodiscard]] bool retry_in(const core::Xid& id) const { return retry_in_.contains(id); }
  [[nodiscard]] bool final(const core::Xid& id) const { return final_.contains(id); }
  [[nodiscard]] bool refused(const core::Xid& id) const { return refused_.contains(id); }
  // Of the batch a report told all that there was, and named it.
  [[nodiscard]] bool settled_by_name(const core::Xid& batch) const {
    return settled_.contains(batch);
  }
  // Somebody named msgs of these, which are all of one batch, and nothing else.
  [[nodiscard]] bool settled_by_list(const std::vector<core::Xid>& held) const;

 private:
  std::set<core::Xid> done_, failed_, retry_in_, final_, refused_;
  std::set<core::Xid> settled_;
  // All that a report without a batch named, in order; under the first id of it.
  std::map<core::Xid, std::vector<std::vector<core::Xid>>> lists_;
};

}  // namespace pena::sim
