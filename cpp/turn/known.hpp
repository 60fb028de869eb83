// What of a submission is known: accepted before, be it under its id or under its key. Wherever a msg is, in
// the store, in memory or among the writes on their way, it is found here; and what they delete is not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/content.hpp"
#include "core/dispatcher.hpp"
#include "core/event.hpp"
#include "store/index.hpp"
#include "turn/changed_ids.hpp"

namespace pena::turn {

// For one look at one submission.
class Known {
 public:
  // What the index does not have: a change set, and what it does to which ids.
  struct Layer {
    const store::ChangeSet* writes = nullptr;
    const ChangedIds* ids = nullptr;
  };
  // `layers`: the oldest first, the open round is the last. `max_resends`: of msgs that do not say it.
  Known(const store::Index& index, const core::Dispatcher& dispatcher, std::vector<Layer> layers,
        int max_resends)
      : index_(index),
        dispatcher_(dispatcher),
        max_resends_(max_resends),
        layers_(std::move(layers)) {}

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
  // Where what a msg says is to be read, if it is known and nobody holds it.
  struct Place {
    core::Xid id;
    bool known = false, held = false;
    std::optional<store::Bucket> bucket;  // of the index
    const core::Write* put = nullptr;     // of the newest layer that puts it
  };
  using Contents = std::vector<std::optional<core::Content>>;
  [[nodiscard]] std::vector<Place> places(const std::vector<core::Xid>& ids) const;
  [[nodiscard]] std::vector<std::optional<core::Xid>> known_keys(
      const core::Submitted& submitted) const;
  [[nodiscard]] std::optional<core::QueueNumber> number_of(const core::Submitted& submitted,
                                                           const core::Msg& msg) const;
  [[nodiscard]] Contents contents(const std::vector<Place>& places) const;
  void read_held(const std::vector<Place>& places, Contents& into) const;
  void read_stored(const std::vector<Place>& places, Contents& into) const;

  const store::Index& index_;
  const core::Dispatcher& dispatcher_;
  int max_resends_;
  std::vector<Layer> layers_;
};

}  // namespace pena::turn
