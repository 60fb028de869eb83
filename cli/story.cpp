#include "cli/story.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <unordered_set>

namespace pena::cli {
namespace {

using core::MissReason;

// Past this many the sentences repeat themselves.
constexpr std::size_t kMostProblems = 20;

class Audit {
 public:
  Audit(const Evidence& evidence, Story& story) : evidence_(evidence), story_(story) {}

  void run() {
    check_counts();
    for (const core::ReportRecord& record : evidence_.reports) check(record);
    for (const core::FailRecord& record : evidence_.fails) check(record);
    for (const core::QueuedMsg& msg : evidence_.queued) check_queued(msg);
    for (const core::QueuedMsg& msg : evidence_.later) check_queued(msg);
    for (const core::QueuedMsg& msg : evidence_.held) check_held(msg);
    expect_equal("sent", evidence_.sent, "the deliveries on record are", deliveries_);
  }

 private:
  void check_counts() {
    const auto& [queue, later, batch, report, fail] = evidence_.buckets;
    expect_equal("generated", evidence_.generated, "the buckets hold",
                 queue + later + batch + report + fail);
    expect_equal("the count of queue", queue, "its records are", evidence_.queued.size());
    expect_equal("the count of later", later, "its records are", evidence_.later.size());
    expect_equal("the count of batch", batch, "its records are", evidence_.held.size());
    expect_equal("the count of report", report, "its records are", evidence_.reports.size());
    expect_equal("the count of fail", fail, "its records are", evidence_.fails.size());
    if (!evidence_.interrupted && queue + later + batch > 0) {
      problem("queue, later and batch should be empty, but hold " + std::to_string(queue) + ", " +
              std::to_string(later) + " and " + std::to_string(batch));
    }
  }

  void check(const core::ReportRecord& record) {
    check_once(record.id);
    check_misses(record.id, record.misses);
    check_last_delivery(record);
    note_deliveries(record.misses, true);
    if (record.attempts > most_attempts()) {
      problem(record.id, "was sent " + std::to_string(record.attempts) + " times, more than " +
                             std::to_string(most_attempts()));
    }
    if (record.period <= evidence_.harmless_up_to) ++story_.harmless;
  }

  void check(const core::FailRecord& record) {
    check_once(record.msg.id);
    check_misses(record.msg.id, record.misses);
    note_deliveries(record.misses, false);
    if (record.attempts != most_attempts()) {
      problem(record.msg.id, "is in fail after " + std::to_string(record.attempts) +
                                 " deliveries instead of " + std::to_string(most_attempts()));
    }
    if (record.msg.period <= evidence_.harmless_up_to) {
      ++story_.harmless;
      ++story_.harmless_failed;
    }
  }

  void check_queued(const core::QueuedMsg& msg) {
    check_once(msg.msg.id);
    check_misses(msg.msg.id, msg.misses);
    note_deliveries(msg.misses, false);
  }

  void check_held(const core::QueuedMsg& msg) {
    check_once(msg.msg.id);
    check_misses(msg.msg.id, msg.misses);
    note_deliveries(msg.misses, true);
  }

  // No id twice, in one bucket or in two (R5).
  void check_once(const core::Xid& id) {
    if (!seen_.insert(id).second) problem(id, "is in the buckets more than once");
  }

  // One holder after the other (R6).
  void check_misses(const core::Xid& id, const std::vector<core::Miss>& misses) {
    for (auto miss = misses.begin(); miss != misses.end(); ++miss) {
      if (miss->missed_at < miss->granted_at) problem(id, "was missed before it was sent");
      if (miss == misses.begin()) continue;
      if (miss->granted_at < std::prev(miss)->missed_at) problem(id, kTwoHolders);
    }
  }

  void check_last_delivery(const core::ReportRecord& record) {
    if (record.reported_at < record.granted_at) {
      problem(record.id, "was reported before it was sent");
    }
    if (!record.misses.empty() && record.granted_at < record.misses.back().missed_at) {
      problem(record.id, kTwoHolders);
    }
  }

  // `delivered_since`: there was a delivery after the last miss.
  void note_deliveries(const std::vector<core::Miss>& misses, bool delivered_since) {
    deliveries_ += misses.size() + (delivered_since ? 1 : 0);
    for (std::size_t i = 0; i < misses.size(); ++i) {
      if (i + 1 == misses.size() && !delivered_since) break;
      ++story_.resent;
      ++story_.resent_because[misses[i].reason];
    }
  }

  [[nodiscard]] std::size_t most_attempts() const {
    return static_cast<std::size_t>(evidence_.max_resends) + 1;
  }

  void expect_equal(std::string_view name, std::uint64_t number, std::string_view other_name,
                    std::uint64_t other) {
    if (number == other) return;
    problem(std::string{name} + " is " + std::to_string(number) + ", but " +
            std::string{other_name} + " " + std::to_string(other));
  }
  void problem(std::string sentence) {
    if (story_.problems.size() < kMostProblems) story_.problems.push_back(std::move(sentence));
  }
  void problem(const core::Xid& id, std::string_view what) {
    problem("msg " + id.text() + " " + std::string{what});
  }

  static constexpr std::string_view kTwoHolders = "had two holders at one time";

  const Evidence& evidence_;
  Story& story_;
  std::unordered_set<core::Xid> seen_;
  std::uint64_t deliveries_ = 0;
};

std::string line(std::string_view name, std::uint64_t number, const std::string& remark) {
  std::string text = "  " + std::string{name};
  text.resize(std::max<std::size_t>(text.size(), 18), ' ');
  const std::string digits = std::to_string(number);
  text.append(digits.size() < 8 ? 8 - digits.size() : 0, ' ');
  return text + digits + (remark.empty() ? "" : "  ") + remark + "\n";
}

std::string with_one_decimal(double number) {
  const auto tenths = static_cast<std::uint64_t>(std::lround(number * 10.0));
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

std::string reasons(const Story& story) {
  std::string text;
  for (const auto& [reason, count] : story.resent_because) {
    text +=
        (text.empty() ? "" : ", ") + std::string{core::word(reason)} + " " + std::to_string(count);
  }
  return text;
}

std::string harmless(const Story& story) {
  const double share = story.harmless == 0 ? 0.0
                                           : 100.0 * static_cast<double>(story.harmless_failed) /
                                                 static_cast<double>(story.harmless);
  return "  harmless msgs (period up to " + std::to_string(story.harmless_up_to) +
         ") that ended in fail: " + std::to_string(story.harmless_failed) + " of " +
         std::to_string(story.harmless) + " (" + with_one_decimal(share) + " %)\n";
}

std::string verdict(const Story& story) {
  if (!story.adds_up()) {
    std::string text = "It does not add up:\n";
    for (const std::string& problem : story.problems) text += "  " + problem + "\n";
    return text;
  }
  const std::string most = std::to_string(story.most_attempts);
  return std::string{"It adds up: "} +
         (story.interrupted ? "generated = report + fail + queue + later + batch"
                            : "generated = report + fail, queue, later and batch are empty") +
         ",\nno id is in two buckets, no msg was sent more than " + most +
         " times or had two holders at one time.\n";
}

}  // namespace

Story story_of(const Evidence& evidence) {
  Story story;
  story.interrupted = evidence.interrupted;
  story.generated = evidence.generated;
  story.sent = evidence.sent;
  story.reported = evidence.buckets.report;
  story.failed = evidence.buckets.fail;
  story.waiting = evidence.buckets.queue + evidence.buckets.later + evidence.buckets.batch;
  story.most_attempts = evidence.max_resends + 1;
  story.harmless_up_to = evidence.harmless_up_to;
  for (const MissReason reason : {MissReason::omitted, MissReason::failed, MissReason::refused,
                                  MissReason::dropped, MissReason::expired}) {
    story.resent_because[reason] = 0;
  }
  Audit{evidence, story}.run();
  return story;
}

std::string told(const Story& story) {
  std::string text = "The story of " + with_one_decimal(story.seconds) + " s, seed " +
                     std::to_string(story.seed) +
                     (story.interrupted ? ", stopped before its end:\n" : ":\n");
  text += line("generated", story.generated, "");
  text += line("sent", story.sent, "in " + std::to_string(story.batches) + " batches");
  text += line("reported", story.reported, "");
  text += line("resent", story.resent, "because " + reasons(story));
  text += line("failed", story.failed,
               "after " + std::to_string(story.most_attempts) + " deliveries each");
  if (story.interrupted) text += line("waiting", story.waiting, "in queue, later and batch");
  text += line("clients ended", story.clients_ended, "by a period above 900, each started again");
  text += line("panicked", story.panicked, "by a period of 801 to 900");
  text += harmless(story);
  text += verdict(story);
  if (!story.store.empty()) text += "The store is kept in " + story.store + "\n";
  text.pop_back();
  return text;
}

}  // namespace pena::cli
