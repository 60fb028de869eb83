// One run of the server: the shipped committer and dispatcher, the shipped bytes on its streams,
// and in place of threads and sockets a timeline and a network.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/environment.hpp"
#include "store/committer.hpp"

namespace pena::sim {

class ServerProcess : public std::enable_shared_from_this<ServerProcess> {
 public:
  // Where a crash hits.
  enum class CrashPoint : std::uint8_t { at_once, during_commit, after_commit, between_sends };

  // `boot` counts the runs. `on_death` is called once, with the process already dead.
  ServerProcess(Environment& environment, const SkewedClock& clock, std::uint64_t boot,
                std::function<void()> on_death);

  void start();
  void open_stream(const std::shared_ptr<Connection>& connection, std::string_view query);
  void post(std::string_view path, const std::string& body, const OnReply& answer);
  void freeze(TrueTime until) { frozen_until_ = std::max(frozen_until_, until); }
  void crash(CrashPoint point);
  void stop();
  // The wall clock is set; what is steady goes on.
  void set_wall(core::Duration by) { wall_ahead_ += by; }
  void slow_disk(TrueTime until) { slow_until_ = until; }
  // Nothing keeps it from granting: it is awake, and a client is free.
  [[nodiscard]] bool could_grant() const;

 private:
  struct Stream {
    std::shared_ptr<Connection> connection;
    bool batch_waits = false;
    std::optional<TrueTime> blocked_since;
  };
  struct Waiter {
    OnReply answer;
    std::vector<core::Xid> ids;  // of a submission
    core::Reported report;
    std::int64_t at_ms = 0;  // when it came
  };

  [[nodiscard]] core::Instant now() const { return clock_.at(environment_.timeline.now()); }
  [[nodiscard]] core::Instant date() const { return now() + wall_ahead_; }
  // At that time, or when the process thaws; never where it has died.
  void at(TrueTime when, Timeline::Action action);
  void push(core::Event event);
  void begin_round();
  void tell_oracle(const core::Event& event);
  void end_round(std::vector<store::Outgoing> outgoing);
  void wait_for_timeout();
  void deliver(const core::SendBatch& send);
  void deliver(const core::CloseStream& close);
  void deliver(const core::SubmitReply& reply);
  void deliver(const store::SubmitRefused& refusal);
  void deliver(const core::ReportReply& reply);
  void answer_report(const store::SettledReply& reply);
  void post_task(const std::string& body, const OnReply& answer);
  void post_report(const std::string& body, const OnReply& answer);
  void beat(const core::Xid& session);
  void send(const core::Xid& session, std::string bytes);
  void end_stream(const core::Xid& session, const std::string& reason);
  void stream_over(const core::Xid& session);
  void die();
  [[nodiscard]] core::Duration commit_time();

  Environment& environment_;
  SkewedClock clock_;
  std::function<void()> on_death_;
  Dice dice_;
  core::XidFactory ids_;
  store::Committer committer_;
  std::vector<core::Event> inbox_;
  std::map<core::Xid, Stream> streams_;
  std::map<core::RequestId, Waiter> waiters_;
  core::RequestId next_request_ = 1;
  std::uint64_t timeout_number_ = 0;
  bool committing_ = false;
  bool draining_ = false;
  bool dead_ = false;
  core::Duration wall_ahead_{}, wall_told_{};
  TrueTime frozen_until_{}, slow_until_{};
  std::optional<CrashPoint> crash_;
};

}  // namespace pena::sim
