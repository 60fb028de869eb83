// The judge: it stands outside of the world, sees true time and what is durable, and knows the laws
// but none of the code that keeps them. A law that is broken throws.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "sim/timeline.hpp"
#include "store/store.hpp"

namespace pena::sim {

// `law` is a word of the list in docs/simulator.md; what() names the law and what broke it.
struct LawBroken : std::runtime_error {
  LawBroken(std::string law_given, const std::string& what)
      : std::runtime_error(law_given + ": " + what), law(std::move(law_given)) {}
  std::string law;
};

// One run of one client's process.
using Process = std::uint64_t;

class Oracle {
 public:
  explicit Oracle(const core::Limits& limits)
      : max_attempts_(limits.max_resends + 1),
        fewest_pieces_(limits.fewest_pieces),
        window_(limits.window_msgs),
        linger_(limits.linger),
        error_bytes_(limits.error_bytes) {}

  // ---- the server's side
  // A change set is on the disk for good.
  void durable(const store::ChangeSet& changes);
  // A batch leaves for its client.
  void batch_leaves(const core::Batch& batch);
  // 201 leaves for those ids.
  void accepted(const std::vector<core::Xid>& ids);
  // The server takes notice of a client, of its end, and of its word that it takes no more.
  void joined(const core::Xid& session, std::optional<std::uint64_t> batches);
  void left(const core::Xid& session) { clients_.erase(session); }
  void said_last(const core::Xid& session);
  // A report is there.
  void report_arrives(const core::Reported& report);
  // The answer to it leaves.
  void report_answered(const core::Reported& report, std::uint64_t reported,
                       std::uint64_t duplicate, std::uint64_t unknown) const;
  // After a round the server has so much of its queue in memory, and has read so many msgs for it.
  void round_done(const core::InMemory& in_memory, std::size_t read) const;
  // The server starts with this store.
  void started_with(const store::BucketView& view);

  // ---- the clients' side
  // `exempt`: the process was frozen, so that P2 does not hold for it.
  void work_begins(TrueTime now, Process process, const core::Xid& id, bool exempt);
  // It ends by itself: then the process may report it.
  void work_done(Process process, const core::Xid& id);
  // It was stopped, or the process is gone.
  void work_stops(Process process, const core::Xid& id);
  // The process is frozen with what it works on.
  void froze(Process process);
  // What a process says that it did.
  void claims(Process process, const std::vector<core::Xid>& ids) const;

  // ---- the end
  void all_ended(const store::BucketView& view, std::uint64_t generated,
                 std::uint64_t submitted) const;
  [[nodiscard]] bool settled() const { return msgs_.size() == reported_ + failed_; }
  [[nodiscard]] std::size_t msgs() const { return msgs_.size(); }
  [[nodiscard]] std::uint64_t reported() const { return reported_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  // How many msgs wait in the queue, and whether that client holds none.
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] bool is_free(const core::Xid& session) const {
    return !batch_of_client_.contains(session);
  }
  [[nodiscard]] std::uint64_t generated() const { return generated_; }
  // The highest id of a msg that the server made.
  [[nodiscard]] std::optional<core::Xid> last_made() const { return last_made_msg_; }
  // A number that two runs share where the same became durable in the same order.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  struct Place {
    bool queued = false;
    std::optional<core::Xid> batch;
    bool reported = false, failed = false;
    int grants = 0;
    [[nodiscard]] int places() const {
      return int{queued} + int{batch.has_value()} + int{reported} + int{failed};
    }
  };
  // A client that is connected.
  struct Client {
    std::optional<std::uint64_t> batches_left;
    std::optional<std::uint64_t> free_since;  // a round; none: it holds a batch
    std::optional<core::Instant> passed_at;   // another was served though this one was the first
  };
  struct Working {
    Process process;
    bool exempt;
  };

  void apply(const core::PutQueue& put);
  void apply(const core::DropQueue& drop);
  void apply(const core::PutBatch& put);
  void apply(const core::DropBatch& drop);
  void apply(const core::PutReport& put);
  void apply(const core::PutFail& put);
  void apply(const core::PutMeta& put);
  void granted(const core::Batch& batch);
  void check_pieces(const core::Batch& batch) const;
  void check_turn(const core::Batch& batch);
  void check_store(const store::BucketView& view) const;
  void is_new(const core::Xid& id);
  void check_misses(const core::Xid& id, const std::vector<core::Miss>& misses, int grants) const;
  [[nodiscard]] bool is_settled_by_list(const core::Xid& batch) const;
  void check_last_miss(const core::Xid& id, const std::vector<core::Miss>& misses);
  Place& touch(const core::Xid& id);
  void forget_batch(const core::Xid& id);
  void digest(std::uint64_t what);

  int max_attempts_;
  std::size_t fewest_pieces_;
  std::size_t window_;
  core::Duration linger_;
  std::uint64_t round_ = 0;  // change sets so far
  std::map<core::Xid, Client> clients_;
  std::size_t error_bytes_;
  std::map<core::Xid, Place> msgs_;
  std::map<core::Xid, core::Batch> batches_;
  std::map<core::Xid, core::Xid> batch_of_client_;
  std::set<core::Xid> touched_;
  std::uint64_t reported_ = 0, failed_ = 0;
  std::uint64_t generated_ = 0;
  std::uint64_t digest_ = 0;
  // Ids that the server made: the highest before the change set that is looked at, and in all.
  core::Xid made_before_, last_made_;
  std::optional<core::Xid> last_made_msg_;
  std::map<core::Xid, std::vector<core::Xid>> granted_;  // what each batch held at first
  // What reports said so far, by msg; and the batches that they settled whole by name.
  std::set<core::Xid> said_done_, said_failed_, said_refused_, settled_whole_;
  // All that a report without a batch named, in order; under the first id of it.
  std::map<core::Xid, std::vector<std::vector<core::Xid>>> lists_;
  // Left out of a report that names no batch, which may be an old one of somebody else: whoever holds
  // them works on. Who wants P2 names the batch.
  std::set<core::Xid> given_away_;
  std::set<core::Xid> finished_;  // by whichever process
  std::map<core::Xid, std::vector<Working>> working_;
  std::map<Process, std::set<core::Xid>> done_;
};

}  // namespace pena::sim
