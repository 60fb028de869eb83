// The judge: it stands outside of the world, sees true time and what is durable, and knows the laws
// but none of the code that keeps them. A law that is broken throws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "core/queue_names.hpp"
#include "core/status.hpp"
#include "sim/at_work.hpp"
#include "sim/law.hpp"
#include "sim/leaves.hpp"
#include "sim/said.hpp"
#include "sim/timeline.hpp"
#include "store/store.hpp"
#include "wire/json.hpp"

namespace pena::sim {

class Oracle {
 public:
  explicit Oracle(const core::Limits& limits)
      : max_attempts_(limits.max_resends + 1),
        fewest_pieces_(limits.fewest_pieces),
        window_(limits.window_msgs),
        linger_(limits.linger),
        retry_first_(std::min(limits.retry_first, limits.retry_most)),
        error_bytes_(limits.error_bytes),
        keep_reports_(limits.keep_reports),
        keep_fails_(limits.keep_fails),
        may_forget_{false, is_bounded(limits.keep_reports), is_bounded(limits.keep_fails)} {}

  // ---- the server's side
  // The change set of that number is on the disk for good. All come in their order.
  void durable(store::Ticket ticket, const store::ChangeSet& changes);
  // A batch leaves for its client.
  void batch_leaves(const core::Batch& batch);
  // 201 leaves for those ids, in this body.
  void accepted(const std::vector<core::Xid>& ids, const std::string& body) const;
  // That change set was closed when the server's wall clock stood there.
  void closed(store::Ticket ticket, core::Instant date) { dates_[ticket] = date; }
  // The server dies, and what becomes durable now sends nothing. Whom it was about to close is not known, and who
  // goes has no turn.
  void dies() { dies_ = true; }
  // Its clock was set: what was stamped before cannot be compared.
  void clock_set() {
    for (auto& [id, client] : clients_) client.passed_at.reset();
  }
  // The server takes notice of a client and of its end: in the round whose change set will have that number.
  void joined(store::Ticket round, const core::ClientJoined& joined);
  void left(store::Ticket round, const core::Xid& client);
  // That client says with that report that it takes no more.
  void said_last(store::Ticket round, core::RequestId request, const core::Xid& client);
  // Or without a batch, where so many were granted in this run of the server.
  void leaves(const core::Reported& leave, std::uint64_t granted) {
    leaves_.taken(leave, connected_.contains(*leave.client), granted);
    leaving_.insert(*leave.client);
  }
  // It closes the stream of one: that gets nothing more, and its end is noticed later.
  void closes(const core::Xid& client) {
    leaving_.insert(client);
    closed_.insert(client);
  }
  // A report is there. How many of its ids were reported before, for good.
  std::uint64_t report_arrives(const core::Reported& report);
  // The answer to it leaves, in this body. `before`: what report_arrives() said.
  void report_answered(const core::Reported& report, const std::string& body, std::uint64_t before);
  // Somebody wants msgs that have failed to be tried again.
  void retry_asked() { may_retry_ = true; }
  [[nodiscard]] bool may_retry() const { return may_retry_; }
  // Msgs may be forgotten from here on: some that wait, or have ended so.
  struct MayForget {
    bool waiting = false, reports = false, fails = false;
  };
  [[nodiscard]] const MayForget& may_forget() const { return may_forget_; }
  // Somebody wants msgs to be deleted: these, or all with that queue and from before that date, as far as they
  // are given. Until it is answered, or the server starts again.
  struct Wish {
    store::Bucket bucket = store::Bucket::queue;  // of those that wait: with those that are not due
    std::optional<std::vector<core::Xid>> ids;
    std::optional<std::string> queue;
    std::optional<core::Instant> before;
    // As of when the server took notice of it: a date, the round, and what stood where it was meant, with the
    // number of its moves.
    std::optional<core::Instant> taken_at = std::nullopt;
    store::Ticket round = 0;
    std::map<core::Xid, std::uint64_t> stood = {};
  };
  // Its number.
  std::uint64_t forget_asked(const Wish& wish);
  // The first of that bucket that was not taken notice of is now: in the round whose change set will have that
  // number.
  void forget_taken(store::Ticket round, store::Bucket bucket, core::Instant date,
                    const store::View& view);
  // It is done, and the answer is there.
  void forget_answered(std::uint64_t wish);
  // For the store says that it is full.
  void room_runs_out() { may_forget_.reports = makes_room_ = true; }
  // Who asks how it stands, and what leaves in answer to it.
  void status_asked(const core::StatusAsked& asked);
  void status_leaves(core::RequestId request, const core::Status& status);
  // What was asked first is answered first, among requests of one kind to one run of the server.
  enum class Answer : std::uint8_t { to_submission, refusal, to_report };
  void answer_leaves(Answer kind, core::RequestId request);
  // After a round the server has so much of its queue in memory, and has read so many msgs for it,
  // `in_vain` of which it knew, or could know, to be gone since.
  void round_done(const core::InMemory& in_memory, std::size_t read, std::size_t in_vain) const;
  // The server starts with this store.
  void started_with(const store::View& view);

  // ---- the clients' side, as sim/at_work.hpp has it
  void work_begins(TrueTime now, Process process, const core::Xid& id, bool exempt) {
    at_work_.begins(now, process, id, exempt);
  }
  void work_done(Process process, const core::Xid& id) { at_work_.done(process, id); }
  void work_stops(Process process, const core::Xid& id) { at_work_.stops(process, id); }
  // Somebody else than its holder reports it.
  void give_away(const core::Xid& id) { at_work_.give_away(id); }
  void froze(Process process) { at_work_.froze(process); }
  void ignores(Process process, const core::Xid& id, bool does) {
    at_work_.ignores(process, id, does);
  }
  void claims(Process process, const std::vector<core::Xid>& ids) const {
    at_work_.claims(process, ids);
  }

  // ---- the end
  // So many were generated, and at least and at most so many submitted.
  void all_ended(const store::View& view, std::uint64_t generated, std::uint64_t least,
                 std::uint64_t most) const;
  [[nodiscard]] bool settled() const {
    return msgs_.size() == reported_ + failed_ + forgotten_ && is_swept();
  }
  // No more reports are kept than may be.
  [[nodiscard]] bool is_swept() const {
    return !keep_reports_.msgs || report_order_.size() <= *keep_reports_.msgs;
  }
  // The oldest report, where it is to be swept by that date.
  [[nodiscard]] std::optional<core::Xid> to_be_swept(core::Instant date) const;
  [[nodiscard]] std::size_t msgs() const { return msgs_.size(); }
  [[nodiscard]] std::uint64_t reported() const { return reported_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }
  // How many msgs wait in the queues, and whether that client holds none.
  [[nodiscard]] std::size_t queued() const;
  // And how many in all, those that are not due yet with them.
  [[nodiscard]] std::size_t waiting() const;
  // How many msgs are held.
  [[nodiscard]] std::size_t held() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(msgs_, [](const auto& msg) { return msg.second.batch.has_value(); }));
  }
  [[nodiscard]] bool is_free(const core::Xid& client) const {
    return !batch_of_client_.contains(client);
  }
  // Of a client that is connected: whether a msg waits that it takes, and whether it takes what is made.
  [[nodiscard]] bool has_work_for(const core::Xid& client) const;
  [[nodiscard]] bool takes_generated(const core::Xid& client) const {
    return takes(client, core::kGeneratedQueue) && !is_paused(core::kGeneratedQueue);
  }
  [[nodiscard]] std::uint64_t generated() const { return generated_; }
  // Empty for `default`.
  [[nodiscard]] std::string queue_name(core::QueueNumber queue) const {
    const auto at = names_.find(queue);
    return at == names_.end() ? "" : at->second;
  }
  // The msg with the highest id of those that the server made; null where it made none.
  [[nodiscard]] const core::Msg* last_made() const {
    return last_made_msg_ ? &msgs_.at(*last_made_msg_).msg : nullptr;
  }
  // A number that two runs share where the same became durable in the same order.
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

 private:
  struct Place {
    bool queued = false, later = false;
    std::optional<core::Xid> batch;
    bool reported = false, failed = false;
    bool forgotten = false, was_reported = false;
    store::Bucket left = store::Bucket::queue;  // from where it went last
    std::uint64_t settled = 0;                  // its number in the order of settling
    std::uint64_t moves = 0;  // from one place to another, but for those that come due
    core::Instant accepted_at{}, ended_at{};
    store::Ticket accepted_in = 0, ended_in = 0;  // change sets
    int grants = 0;
    core::Msg msg;  // as it was accepted
    std::optional<core::Instant> not_before;
    bool retried = false;  // and not granted since
    int earlier = 0;       // misses before it was
    [[nodiscard]] int places() const {
      return int{queued} + int{later} + int{batch.has_value()} + int{reported} + int{failed} +
             int{forgotten};
    }
  };
  // A client that is connected.
  struct Client {
    std::optional<std::uint64_t> batches_left;
    std::optional<std::uint64_t> free_since;  // a round; none: it holds a batch
    std::optional<core::Instant> passed_at;   // another was served though this one was the first
    std::set<core::QueueNumber> queues;       // that it takes from, as far as they have msgs,
    std::set<std::string> names;              // and what it calls them
    bool may_be_last = false;                 // it said that it takes no more
  };

  [[nodiscard]] bool takes(const core::Xid& client, core::QueueNumber queue) const {
    const auto known = clients_.find(client);
    return known != clients_.end() && known->second.queues.contains(queue);
  }
  void apply(const core::PutQueue& put);
  void apply(const core::DropQueue& drop);
  void apply(const core::PutBatch& put);
  void apply(const core::DropBatch& drop);
  void apply(const core::PutReport& put);
  void apply(const core::PutFail& put);
  void apply(const core::PutMeta& put);
  void apply(const core::PutLater& put);
  void apply(const core::DropLater& drop);
  void apply(const core::DropReport& drop);
  void apply(const core::DropFail& drop);
  void apply(const core::PutKey& put);
  void apply(const core::DropKey& drop);
  void apply(const core::PutQueueName& put);
  void granted(const core::Batch& batch);
  void check_pieces(const core::Batch& batch) const;
  void last_word_answered(const core::Reported& report, const wire::ReportAnswer& answer);
  void check_turn(const core::Batch& batch);
  void check_turn(const core::Batch& batch, core::QueueNumber queue, std::uint64_t since);
  void check_queues(const core::Batch& batch, const Client& client) const;
  [[nodiscard]] int most_attempts(const Place& place) const {
    return place.msg.max_resends ? *place.msg.max_resends + 1 : max_attempts_;
  }
  void check_store(const store::View& view) const;
  void is_new(const core::Xid& id, const core::Xid& before);
  void check_misses(const core::Xid& id, const std::vector<core::Miss>& misses, int grants) const;
  void check_waiting(const Place& place, const core::QueuedMsg& msg);
  void check_last_miss(const core::Xid& id, const std::vector<core::Miss>& misses);
  Place& touch(const core::Xid& id);
  Place& touch(const core::Msg& msg);
  void forget_batch(const core::Xid& id);
  void forgotten(const core::Xid& id, Place& place);
  [[nodiscard]] bool is_meant(const Wish& wish, const core::Xid& id, const Place& place) const;
  [[nodiscard]] bool is_asked_for(const core::Xid& id, const Place& place) const;
  [[nodiscard]] bool is_too_old(const Place& ended, const core::Keep& keep) const;
  [[nodiscard]] bool is_paused(core::QueueNumber queue) const {
    return paused_.contains(core::shown_queue(queue));
  }
  [[nodiscard]] static bool is_bounded(const core::Keep& keep) {
    return keep.time.has_value() || keep.msgs.has_value();
  }
  void digest(std::uint64_t what);

  int max_attempts_;
  std::size_t fewest_pieces_;
  std::size_t window_;
  core::Duration linger_, retry_first_;
  std::uint64_t round_ = 0;  // change sets so far
  std::map<core::Xid, Client> clients_;
  std::map<Answer, core::RequestId> answered_;  // the last of each kind
  // As of the event that the server takes notice of now; and whom it has closed.
  std::map<core::Xid, core::ClientJoined> connected_;
  std::set<core::Xid> closed_;
  struct Asked {
    std::uint64_t round = 0;
    core::StatusAsked what;
    std::map<core::Xid, core::ClientJoined> connected;
  };
  std::map<core::RequestId, Asked> asked_;
  // What each client held, one after the other, since which round.
  struct Held {
    std::uint64_t round = 0;
    std::optional<core::Xid> batch;
    std::size_t msgs = 0;
  };
  std::map<core::Xid, std::vector<Held>> held_;
  [[nodiscard]] bool held(const core::ClientNow& shown, std::uint64_t round) const;
  // The server has closed them, or is about to take notice of their end.
  std::set<core::Xid> leaving_;
  // What was taken notice of in rounds that are not durable yet, by their numbers.
  std::deque<std::pair<store::Ticket, std::function<void()>>> notices_;
  std::size_t error_bytes_;
  std::map<core::Xid, Place> msgs_;
  std::map<core::QueueNumber, std::string> names_;
  std::map<std::pair<core::QueueNumber, std::string>, core::Xid> keys_;
  std::map<core::Xid, core::Batch> batches_;
  std::map<core::Xid, core::Xid> batch_of_client_;
  std::set<core::Xid> touched_;
  std::uint64_t reported_ = 0, failed_ = 0, forgotten_ = 0;
  std::uint64_t ever_forgotten_ = 0;
  bool may_retry_ = false;
  core::Keep keep_reports_, keep_fails_;
  MayForget may_forget_;
  std::map<std::uint64_t, Wish> wishes_;
  std::uint64_t last_wish_ = 0;
  std::map<store::Ticket, core::Instant> dates_;
  core::Instant date_{};                             // of the change set that is looked at
  bool dies_ = false;                                // what becomes durable is what a crash keeps
  bool makes_room_ = false;                          // the store was full
  std::map<std::uint64_t, core::Xid> report_order_;  // of those that are kept
  std::uint64_t settled_ = 0;
  std::set<core::QueueNumber> paused_;
  std::uint64_t generated_ = 0;
  std::uint64_t digest_ = 0;
  // Ids that the server made: the highest of the runs before this one, before the change set that is
  // looked at, and in all.
  core::Xid made_by_others_, made_before_, last_made_;
  std::optional<core::Xid> last_made_msg_;
  std::map<core::Xid, std::vector<core::Xid>> granted_;  // what each batch held at first
  Said said_;
  Leaves leaves_;
  AtWork at_work_;
};

}  // namespace pena::sim
