// A worker's machine in simulated time: it is told what happens, and says what is to be done.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/worker_logic.hpp"
#include "sample.hpp"

namespace pena::core::test {

class WorkerTest : public testing::Test {
 protected:
  using Actions = std::vector<WorkerAction>;

  Actions start(const WorkerRules& rules) {
    logic_.emplace(rules);
    return noted(logic_->start(now_));
  }
  Actions start(std::uint32_t slots) {
    WorkerRules rules;
    rules.slots = slots;
    return start(rules);
  }
  Actions happen(const WorkerEvent& event) { return noted(logic_->step(event, now_)); }
  Actions tell(std::uint64_t stream, const StreamEvent& event) {
    return noted(logic_->step(stream, event, now_));
  }

  // ---- a stream

  // How the server calls the client of a stream.
  static Xid client_of(std::uint64_t stream) { return id_of(7, stream); }
  Actions open(std::uint64_t stream) {
    (void)tell(stream, StreamAsked{});
    Actions actions =
        tell(stream, StreamOpened{now_, timing_, true, promises_lease_, client_of(stream)});
    add(actions, beat(stream));
    return actions;
  }
  // The one that is asked for, and what follows.
  Actions open() { return open(stream_); }
  [[nodiscard]] std::int64_t server_ms() const { return kServerMs + to_ms(now_) - to_ms(start_); }
  // A heartbeat that was stamped now.
  Actions beat(std::uint64_t stream) {
    return tell(stream, NoteArrived{std::nullopt, 0, server_ms()});
  }
  Actions grant(std::uint64_t stream, const Xid& batch, std::uint32_t size) {
    return tell(stream, NoteArrived{batch, size, server_ms()});
  }
  Actions bring(std::uint64_t stream, const Xid& batch, std::size_t msg) {
    return tell(stream, MsgArrived{id_of(msg), 5, batch, "{}"});
  }
  // A batch that was granted now, with its msgs.
  Actions batch(std::uint64_t stream, std::size_t number, const std::vector<std::size_t>& msgs) {
    Actions actions = grant(stream, id_of(9, number), static_cast<std::uint32_t>(msgs.size()));
    for (const std::size_t msg : msgs) add(actions, bring(stream, id_of(9, number), msg));
    return actions;
  }
  static Xid batch_id(std::size_t number) { return id_of(9, number); }

  // A worker of two slots whose first stream has a batch of the msgs 1 and 2.
  void two_run() {
    (void)start(2);
    (void)open();
    (void)batch(1, 1, {1, 2});
  }

  // ---- its runs and reports

  // The last one of that msg.
  [[nodiscard]] std::uint64_t run_of(std::size_t msg) const { return runs_.at(id_of(msg)); }
  Actions end(std::size_t msg, RunOutcome outcome = RunDone{}) {
    return happen(RunEnded{run_of(msg), std::move(outcome)});
  }
  Actions answer(std::uint64_t post, unsigned status,
                 std::optional<Duration> retry_after = std::nullopt) {
    return happen(
        PostTried{post, now_, status, server_ms(), retry_after, std::to_string(status) + ": no"});
  }
  // To the post that was made last.
  Actions answer(unsigned status, std::optional<Duration> retry_after = std::nullopt) {
    return answer(post_, status, retry_after);
  }

  // ---- what is to be done

  template <class Kind>
  static std::vector<Kind> of(const Actions& actions) {
    std::vector<Kind> found;
    for (const WorkerAction& action : actions) {
      if (const auto* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
    }
    return found;
  }
  template <class Kind>
  static Kind only(const Actions& actions) {
    const auto found = of<Kind>(actions);
    EXPECT_EQ(found.size(), 1U);
    return found.empty() ? Kind{} : found.front();
  }
  // Time passes up to then, with all that is due on the way.
  Actions pass(Duration time) {
    const Instant until = now_ + time;
    Actions actions;
    int steps = 0;
    for (auto due = logic_->next_timeout(); due && *due <= until; due = logic_->next_timeout()) {
      now_ = std::max(now_, *due);
      add(actions, happen(WorkerTimeReached{}));
      if (++steps > 10'000) {
        ADD_FAILURE() << "it is never content";
        break;
      }
    }
    now_ = until;
    return actions;
  }
  // Time passes, and the streams live.
  Actions pass_alive(Duration time) {
    Actions actions;
    for (const Instant until = now_ + time; now_ < until;) {
      add(actions, pass(std::min<Duration>(std::chrono::seconds{1}, until - now_)));
      for (std::uint64_t stream = 1; stream <= stream_; ++stream) add(actions, beat(stream));
    }
    return actions;
  }
  // The first that is to be done, at once or as time passes, and how long that took.
  template <class Kind>
  std::pair<Kind, Duration> next(Actions actions = {}) {
    const Instant from = now_;
    for (int step = 0; step < 100; ++step) {
      if (const auto found = of<Kind>(actions); !found.empty()) return {found[0], now_ - from};
      const auto due = logic_->next_timeout();
      if (!due) break;
      now_ = std::max(now_, *due);
      actions = happen(WorkerTimeReached{});
    }
    ADD_FAILURE() << "it is never done";
    return {};
  }
  static std::vector<std::string> lines(const Actions& actions) {
    std::vector<std::string> found;
    for (const Say& line : of<Say>(actions)) {
      if (line.level != LogLevel::debug) found.push_back(line.text);
    }
    return found;
  }
  static void add(Actions& actions, Actions more) {
    std::ranges::move(more, std::back_inserter(actions));
  }

  Instant now_ = from_us(1'000'000'000);
  const Instant start_ = now_;
  Timing timing_;
  bool promises_lease_ = true;
  std::optional<WorkerLogic> logic_;
  std::uint64_t stream_ = 0, post_ = 0;  // the last
  Reported report_;                      // likewise
  std::map<Xid, std::uint64_t> runs_;

 private:
  Actions noted(Actions actions) {
    for (const auto& opened : of<OpenWorkerStream>(actions)) stream_ = opened.stream;
    for (const auto& post : of<PostReport>(actions)) {
      post_ = post.number;
      report_ = post.report;
    }
    for (const auto& post : of<PostLeave>(actions)) post_ = post.number;
    for (const auto& begun : of<BeginRun>(actions)) runs_[begun.msg] = begun.run;
    return actions;
  }
};

}  // namespace pena::core::test
