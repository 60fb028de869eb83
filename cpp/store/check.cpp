#include "store/check.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/check_facts.hpp"
#include "store/check_log.hpp"
#include "store/error.hpp"
#include "store/format.hpp"
#include "store/lmdb_cursor.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_places.hpp"
#include "store/lmdb_records.hpp"
#include "store/outside_view.hpp"
#include "store/page_check.hpp"
#include "store/queue_table.hpp"
#include "store/server_lock.hpp"

namespace pena::store {
namespace {

using core::Xid;

std::string text_of(std::string_view key) {
  constexpr std::size_t kQueue = sizeof(core::QueueNumber);
  if (key.size() < kQueue) return std::string{key};
  return std::to_string(number_of_key<core::QueueNumber>(key)) + "/" +
         std::string{key.substr(kQueue)};
}

// What several records say together. Where a server wrote meanwhile only that is looked at which is true of
// one moment.
class Laws {
 public:
  explicit Laws(const LmdbEnv& env) : env_(env), facts_(read_facts(env)), still_(facts_.still) {}

  CheckReport run() {
    if (still_) {
      for (const auto& [id, last] : facts_.overlaps) {
        problem("queue", id.text(), "a record before it ends with " + last.text());
      }
    }
    std::ranges::stable_sort(facts_.msgs, {}, &Found::id);
    check_one_place();
    check_meta();
    if (still_ && whole_) {
      check_places();
      check_keys();
      check_order(Table::report, Table::reported, facts_.reported);
      check_order(Table::fail, Table::failed, facts_.failed);
      check_queues();
    }
    check_last_id();
    return std::move(facts_.report);
  }

 private:
  // All of these were read whole, so that what they say can be compared.
  [[nodiscard]] bool were_read(std::initializer_list<Table> tables) const {
    return std::ranges::none_of(tables, [&](Table table) { return facts_.unread.contains(table); });
  }

  void check_one_place() {
    const std::vector<Found>& msgs = facts_.msgs;
    if (!still_) return look_again();
    for (std::size_t i = 1; i < msgs.size(); ++i) {
      if (msgs[i].id != msgs[i - 1].id) continue;
      problem(msgs[i].bucket, msgs[i].id.text(),
              std::string{"it is in "} + msgs[i - 1].bucket + ", too");
    }
  }

  // A server moved msgs meanwhile.
  void look_again() {
    std::set<Xid> twice;
    for (std::size_t i = 1; i < facts_.msgs.size(); ++i) {
      if (facts_.msgs[i].id == facts_.msgs[i - 1].id) twice.insert(facts_.msgs[i].id);
    }
    if (twice.empty()) return;
    const ReadTxn txn(env_);
    const std::set<Xid> held = held_now(txn);
    Cursor cursor(env_, txn.get(), core::kDefaultQueue);
    QueuedIds queued(cursor);
    Cursor reports(env_, txn.get(), Table::report);
    Cursor fails(env_, txn.get(), Table::fail);
    Cursor places(env_, txn.get(), Table::place);
    for (const Xid& id : twice) {
      const char* first = nullptr;
      const auto at = [&](bool there, const char* bucket) {
        if (there && first != nullptr) {
          problem(bucket, id.text(), std::string{"it is in "} + first + ", too");
        }
        if (there) first = bucket;
      };
      at(queued.contains(id), "queue");
      at(places.to(id), "place");
      at(held.contains(id), "batch");
      at(reports.to(id), "report");
      at(fails.to(id), "fail");
    }
  }
  [[nodiscard]] std::set<Xid> held_now(const ReadTxn& txn) const {
    std::set<Xid> held;
    Cursor batches(env_, txn.get(), Table::batch);
    for (bool there = batches.first(); there; there = batches.next()) {
      try {
        for (const core::QueuedMsg& msg : decode_batch(batches.id(), batches.value()).msgs) {
          held.insert(msg.msg.id);
        }
      } catch (const StoreError&) {
        continue;  // it was told
      }
    }
    return held;
  }

  void check_meta() {
    const std::optional<std::uint64_t> schema = meta(kSchemaKey);
    if (schema && (*schema < kOldestSchema || *schema > kSchema)) {
      problem("meta", "schema",
              "it is " + std::to_string(*schema) + ", expected " + std::to_string(kOldestSchema) +
                  " to " + std::to_string(kSchema));
    }
    for (const char* name : {kSchemaKey, kBootsKey}) {
      if (meta(name).value_or(0) == 0) problem("meta", name, "it is missing or no number");
    }
    const std::optional<std::uint64_t> from = meta(kTakenFromKey);
    whole_ = is_ordered(schema.value_or(0)) && !from;
    const std::optional<std::uint64_t> older = from ? from : schema;
    if (older && *older < kSchema && !is_ordered(*older)) check_count_of_older(*older);
  }
  void check_count_of_older(std::uint64_t schema) {
    const std::optional<std::uint64_t> queued = meta(kQueuedKey);
    if (!queued && schema == kOldestSchema) return;
    if (!still_ || !were_read({Table::queue}) || queued == facts_.report.msgs.queue) return;
    problem("meta", kQueuedKey,
            "it says " + (queued ? std::to_string(*queued) : "nothing") +
                ", the bucket queue has " + std::to_string(facts_.report.msgs.queue));
  }

  // A msg that waits elsewhere than in the default queue has a place, and no other msg has one.
  void check_places() {
    if (!were_read({Table::queues, Table::later, Table::place})) return;
    std::map<Xid, Place> places{facts_.places.begin(), facts_.places.end()};
    for (const Found& msg : facts_.msgs) {
      const bool later = std::string_view{msg.bucket} == name_of(Table::later);
      if (!later && std::string_view{msg.bucket} != name_of(Table::queues)) continue;
      const auto at = places.find(msg.id);
      if (at == places.end()) {
        problem(msg.bucket, msg.id.text(), "the bucket place does not name it");
        continue;
      }
      const auto& [queue, due_at] = at->second;
      const bool agrees = due_at ? later && core::to_us(*due_at) == msg.due_us : !later;
      if (queue != msg.queue || !agrees) {
        problem("place", msg.id.text(), "the msg waits elsewhere");
      }
      places.erase(at);
    }
    for (const auto& [id, place] : places) problem("place", id.text(), "no such msg waits there");
  }

  void check_keys() {
    if (!were_read({Table::key, Table::queue, Table::queues, Table::later, Table::batch,
                    Table::report, Table::fail})) {
      return;
    }
    std::ranges::sort(facts_.keys);
    std::ranges::sort(facts_.called);
    each_left(facts_.keys, facts_.called, [&](const FoundKey& key) {
      problem("key", text_of(key.key), "it names " + key.id.text() + ", which is not called so");
    });
    each_left(facts_.called, facts_.keys, [&](const FoundKey& key) {
      problem("key", text_of(key.key),
              "it does not name " + key.id.text() + ", which is called so");
    });
  }
  template <class Tell>
  static void each_left(const std::vector<FoundKey>& all, const std::vector<FoundKey>& less,
                        Tell tell) {
    for (const FoundKey& key : all) {
      if (!std::ranges::binary_search(less, key)) tell(key);
    }
  }

  // Each record and its place name each other.
  void check_order(Table records, Table order, const std::vector<Settled>& settled) {
    if (!were_read({records, order})) return;
    std::map<std::uint64_t, Xid> left;
    for (const Settled& one : settled) left.emplace(one.order, one.id);
    for (const Found& msg : facts_.msgs) {
      if (std::string_view{msg.bucket} != name_of(records)) continue;
      const auto at = left.find(msg.order);
      if (at != left.end() && at->second == msg.id) {
        left.erase(at);
      } else {
        problem(msg.bucket, msg.id.text(),
                std::string{"the bucket "} + name_of(order) + " does not name it at its place " +
                    std::to_string(msg.order));
      }
    }
    for (const auto& [number, id] : left) {
      problem(name_of(order), std::to_string(number),
              "it names " + id.text() + ", which has another place or is not there");
    }
  }

  void check_queues() {
    if (!were_read({Table::queue, Table::queues, Table::later, Table::report, Table::fail,
                    Table::queue_info})) {
      return;
    }
    std::map<core::QueueNumber, QueueInfo> counted;
    for (const Found& msg : facts_.msgs) count(msg, counted[msg.queue]);
    std::set<std::string> names;
    for (const QueueInfo& said : facts_.queues) {
      const QueueInfo has = counted[said.number];
      counted.erase(said.number);
      const bool named = said.number >= core::kFirstNamedQueue;
      if (named == said.name.empty() || (named && !names.insert(said.name).second)) {
        problem("queue_info", std::to_string(said.number),
                "its name is \"" + said.name + "\", which is none or another one's");
      }
      compare(said, has);
    }
    for (const auto& [number, has] : counted) {
      if (number >= core::kFirstNamedQueue) {
        problem("queue_info", std::to_string(number), "msgs are of it, and it has no name");
      } else {
        QueueInfo nothing;
        nothing.number = number;
        compare(nothing, has);
      }
    }
  }
  static void count(const Found& msg, QueueInfo& into) {
    const std::string_view bucket = msg.bucket;
    if (bucket == "queue" || bucket == "queues") ++into.queued;
    if (bucket == "later") ++into.later;
    if (bucket == "report") ++into.reported;
    if (bucket == "fail") ++into.failed;
  }
  void compare(const QueueInfo& said, const QueueInfo& has) {
    const auto one = [&](const char* what, std::uint64_t number, std::uint64_t is) {
      if (number == is) return;
      problem("queue_info", std::to_string(said.number),
              "it says " + std::to_string(number) + " " + what + ", the queue has " +
                  std::to_string(is));
    };
    one("queued", said.queued, has.queued);
    one("later", said.later, has.later);
    if (says_reported(said.number)) one("reported", said.reported, has.reported);
    one("failed", said.failed, has.failed);
  }

  // Only ids of batches are surely a server's own. An older store does not say it.
  void check_last_id() {
    const std::optional<std::uint64_t> second = meta(kIdSecond);
    if (second && facts_.last_batch.seconds() > *second) {
      problem("meta", kIdSecond,
              "it is " + std::to_string(*second) + ", and the batch " + facts_.last_batch.text() +
                  " was made later");
    }
  }

  // None where there is no such number.
  [[nodiscard]] std::optional<std::uint64_t> meta(const char* name) const {
    try {
      return number_of(env_, ReadTxn(env_).get(), name);
    } catch (const StoreError&) {
      return std::nullopt;
    }
  }

  void problem(std::string bucket, std::string id, std::string what) {
    add_problem(facts_.report, std::move(bucket), std::move(id), std::move(what));
  }

  const LmdbEnv& env_;
  Facts facts_;
  bool still_;          // nothing was written while it was read
  bool whole_ = false;  // nothing of it is left to be taken over
};

}  // namespace

CheckReport check_lmdb_store(const std::string& path) {
  try {
    auto env = LmdbEnv::open(path, 0, false);
    env->look_at_pages(~std::uint64_t{0});
    const bool is_served = has_server(path);
    if (is_served) wait_for_log(path);
    CheckReport report = Laws{*env}.run();
    if (is_served) return report;
    CheckReport with_log = report;
    check_log(*env, with_log);
    // A server that has begun meanwhile writes what was read.
    return has_server(path) ? report : with_log;
  } catch (const DamagedStore& damaged) {
    CheckReport report;
    for (const PageProblem& problem : damaged.problems) {
      report.problems.push_back({"page", std::to_string(problem.page), problem.what});
    }
    return report;
  }
}

}  // namespace pena::store
