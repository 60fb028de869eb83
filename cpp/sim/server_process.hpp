// One run of the server: the shipped turn and dispatcher, the shipped bytes on its streams,
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
#include "sim/round_watch.hpp"
#include "sim/server_stream.hpp"
#include "sim/standstill.hpp"
#include "turn/desk.hpp"
#include "turn/page_text.hpp"
#include "turn/stop.hpp"
#include "turn/turn.hpp"

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
  void post(std::string_view path, const std::string& body, const OnReply& answer) {
    send("POST", path, body, answer);
  }
  // `target`: a path, perhaps with a query.
  void send(std::string_view method, std::string_view target, const std::string& body,
            const OnReply& answer);
  // A page of a bucket.
  void get(std::string_view path, std::string_view query, const OnReply& answer);
  void freeze(TrueTime until) { standstill_.extend(until); }
  void crash(CrashPoint point);
  void stop();
  // The wall clock is set; what is steady goes on.
  void set_wall(core::Duration by) { wall_ahead_ += by; }
  void slow_disk(TrueTime until) { slow_until_ = until; }
  // What it knows of its wall clock now.
  [[nodiscard]] core::Instant noted_date() const { return now() + noted_ahead_; }
  // It runs, and so does its disk.
  [[nodiscard]] bool is_awake() const;
  // Nothing keeps it from granting: it is awake, and a client is free.
  // To a client that `suits`.
  [[nodiscard]] bool could_grant(const std::function<bool(const core::Xid&)>& suits) const;

 private:
  // Who asked, and what for.
  struct Peer {
    OnReply answer;
    std::vector<core::Xid> ids;  // of a submission
    std::optional<core::Reported> report;
    std::uint64_t before = 0;  // how many of a report's ids were reported when it came
    bool came_late = false;    // the server was about to stop
  };

  [[nodiscard]] core::Instant now() const { return clock_.at(environment_.timeline.now()); }
  [[nodiscard]] core::Instant date() const { return now() + wall_ahead_; }
  // At that time, or when the process thaws; never where it has died.
  void at(TrueTime when, Timeline::Action action);
  void push(core::Event event);
  void read_on(const std::shared_ptr<turn::PageText>& page, const std::string& text,
               const OnReply& answer);
  void tell_oracle(const core::Event& event);
  void tell_of_deletion(store::Ticket round, const core::BulkAsked& bulk);
  void wake();
  void run();
  void closed_behind(store::Ticket before);
  void apply_later();
  void publish();
  void let_go();
  void wait_until(std::optional<core::Instant> next);
  void deliver(const core::SendBatch& send);
  void deliver(const core::CloseStream& close);
  void deliver(const core::SubmitReply& reply);
  void deliver(const turn::SubmitRefused& refusal);
  void deliver(const core::StatusReply& reply);
  void deliver(const core::ReportReply& reply);
  template <class Send>
  void deliver(const Send& reply) {
    answer(desk_.resolve(Send{reply}));
  }
  void answer(const std::optional<turn::Reply>& reply);
  void look_up(core::RequestId request, const turn::LookUp& asked);
  void say(core::RequestId request, const turn::Answer& said);
  void reply_to(const Peer& peer, const turn::Answer& said);
  [[nodiscard]] turn::Moment moment() const;
  void beat(const core::Xid& client);
  void go_on(const core::Xid& client);
  void with_stream(const core::Xid& client,
                   const std::function<ServerStream::State(ServerStream&)>& act);
  void end_stream(const core::Xid& client, const std::string& reason, bool complete);
  void stream_over(const core::Xid& client);
  void end();
  void drain();
  void give_up();
  void finish_by(core::Instant until);
  [[nodiscard]] std::vector<core::Xid> clients() const;
  void die();
  [[nodiscard]] core::Duration commit_time();

  Environment& environment_;
  SkewedClock clock_;
  std::function<void()> on_death_;
  Dice dice_;
  core::XidFactory ids_;
  turn::Desk desk_;
  turn::Stop stop_;
  turn::Turn turn_;
  std::vector<core::Event> inbox_;
  std::map<core::Xid, ServerStream> streams_;
  std::map<core::RequestId, Peer> peers_;
  // As the turn published them last.
  turn::Full full_ = turn::Full::no;
  turn::WaitsFor waits_for_ = turn::WaitsFor::nothing;
  std::uint64_t wake_number_ = 0;  // what wakes the thread next; others are overtaken
  RoundWatch watch_;
  TrueTime synced_at_{};  // when the last round is durable
  bool will_apply_ = false;
  bool dead_ = false;
  core::Duration wall_ahead_{}, noted_ahead_{};
  Standstill standstill_;
  TrueTime slow_until_{};
  std::optional<CrashPoint> crash_;
  core::Instant stops_at_{};  // when it was told to
  bool gave_up_ = false;
};

}  // namespace pena::sim
