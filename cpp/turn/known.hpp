// What of a submission is known: accepted before, be it under its id or under its key. Wherever a msg is, in
// the store, in memory or among the writes on their way, it is found here.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/content.hpp"
#include "core/dispatcher.hpp"
#include "core/event.hpp"
#include "store/index.hpp"
#include "turn/overlay.hpp"

namespace pena::turn {

// For one look at one submission.
class Known {
 public:
  // `layers`: what the index does not have, the open round included; `puts`: what they put;
  // `max_resends`: of msgs that do not say it.
  Known(const store::Index& index, const core::Dispatcher& dispatcher,
        std::vector<const store::ChangeSet*> layers, std::vector<const PutIds*> puts,
        int max_resends)
      : index_(index),
        dispatcher_(dispatcher),
        max_resends_(max_resends),
        layers_(std::move(layers)),
        puts_(std::move(puts)) {}

  // Moves the msgs that are known from `msgs` to `known`; what is left is in the order of the ids. Of two
  // with one id in a request the first counts. The first that says something else than what is known is
  // returned: then nothing of the request is to be taken.
  struct Conflict {
    core::Msg msg;
    core::Xid id;  // of the one that is known
    bool by_key = false;
    std::string difference = {};
  };
  [[nodiscard]] std::optional<Conflict> leave_out(core::Submitted& submitted) const;

 private:
  // What each of the msgs is known as, by its id and by its key.
  using Ids = std::vector<std::optional<core::Xid>>;
  [[nodiscard]] Ids known_ids(const core::Submitted& submitted) const;
  [[nodiscard]] Ids known_keys(const core::Submitted& submitted) const;
  [[nodiscard]] std::optional<core::QueueNumber> number_of(const core::Submitted& submitted,
                                                           const core::Msg& msg) const;
  [[nodiscard]] std::optional<core::Content> content(const core::Xid& id) const;

  const store::Index& index_;
  const core::Dispatcher& dispatcher_;
  int max_resends_;
  std::vector<const store::ChangeSet*> layers_;
  std::vector<const PutIds*> puts_;
};

}  // namespace pena::turn
