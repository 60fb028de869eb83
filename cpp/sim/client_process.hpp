// One run of one client: the shipped client logic and the shipped SSE parser, and in place of
// sockets, timers and coroutines a network and a timeline.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "sim/environment.hpp"
#include "wire/sse.hpp"

namespace pena::sim {

// How a process reaches the server, whichever run of it is there.
struct Way {
  std::function<void(const std::shared_ptr<Connection>&, const std::string& query)> open_stream;
  std::function<void(std::uint32_t client, const std::string& path, const std::string& body,
                     OnReply on_reply)>
      post;
};

// A process of the clients' side. It ends by itself, or dies; `on_end` is called once, then.
class ClientProcess : public std::enable_shared_from_this<ClientProcess> {
 public:
  struct Place {
    std::uint32_t client = 0;  // the number of its link
    Process process = 0;
    SkewedClock clock;
    Way way;
    std::function<bool(const core::Xid&)> kills;  // whether work on that msg ends the process
    std::function<void()> on_end;
  };
  explicit ClientProcess(Environment& environment, Place place);
  virtual ~ClientProcess() = default;
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  virtual void start() = 0;
  // No word more from it; its work ends at this instant.
  void die();
  void freeze(TrueTime until);
  [[nodiscard]] bool dead() const { return dead_; }

 protected:
  virtual void packet(const Packet& packet) = 0;

  [[nodiscard]] core::Instant now() const { return place_.clock.at(environment_.timeline.now()); }
  // At that time, or when the process thaws; never where it has died.
  void at(TrueTime when, Timeline::Action action);
  void after(core::Duration wait, Timeline::Action action);
  // When this client's own clock shows that, and perhaps a little later.
  void at_own(core::Instant when, Timeline::Action action);
  void open(const std::string& query);
  void close();
  void post(const std::string& path, const std::string& body, OnReply on_reply);
  void begin_work(const core::Xid& id, core::Duration takes, std::function<void()> done);
  void stop_work(const core::Xid& id, std::function<void()> stopped);

  Environment& environment_;
  Place place_;
  Dice dice_;
  std::shared_ptr<Connection> connection_;
  bool exempt_ = false;  // it was frozen while the stream that it has was open

 private:
  std::set<core::Xid> working_;
  std::map<core::Xid, std::uint64_t> work_numbers_;
  std::uint64_t next_work_ = 1;
  TrueTime frozen_until_{};
  bool dead_ = false;
};

// Pena's own client.
class PenaClient final : public ClientProcess {
 public:
  PenaClient(Environment& environment, Place place, const core::ClientRules& rules);
  void start() override;

 private:
  void packet(const Packet& packet) override;
  void happen(const core::ClientEvent& event);
  void perform(const std::vector<core::ClientAction>& actions);
  void act(const core::OpenStream& open);
  void act(const core::CloseOwnStream& close);
  void act(const core::StartWork& start);
  void act(const core::StopWork& stop);
  void act(const core::SendReport& send);
  void act(const core::Say& say);
  void act(const core::EndClient& end);
  void wait_for_timeout();
  void post_report(const core::SendReport& send);
  void answered(const core::SendReport& send, const Reply& reply, core::Instant sent_at);
  void must_be_sent_again(const core::SendReport& send, const Reply& reply) const;

  core::ClientRules rules_;
  core::ClientLogic logic_;
  wire::SseParser parser_;
  core::Instant requested_at_;
  std::uint64_t try_ = 0;  // which of the tries to send a report may still be answered
  std::optional<core::SendReport> sends_;  // what is to be sent since the last answer
  std::uint64_t open_number_ = 0;
  std::uint64_t timeout_number_ = 0;
  bool head_came_ = false;
};

// A client without a library: it works on one msg after the other and reports each by itself, in
// one of the ways that curl and a line of shell have, or all that it has done as a list, of whichever
// batches that was.
class PlainClient final : public ClientProcess {
 public:
  PlainClient(Environment& environment, Place place, std::uint32_t batchsize);
  void start() override;

 private:
  struct Task {
    core::Xid id;
    std::optional<core::Xid> batch;
    std::uint32_t period = 0;
  };
  void packet(const Packet& packet) override;
  void reopen();
  void look_whether_it_lives();
  void work_on_next();
  [[nodiscard]] bool is_last_of_batch(const Task& task) const;
  void report(const Task& task, bool done);
  void note_for_list(const Task& task, bool done);
  void post_report(const std::string& body, int tries);

  std::uint32_t batchsize_;
  wire::SseParser parser_;
  std::deque<Task> tasks_;
  bool reports_lists_;
  std::uint64_t batches_;        // how many it asks for, and then it ends; 0: any number
  std::vector<core::Xid> done_;  // to be listed
  TrueTime heard_at_{};
  bool busy_ = false;
};

}  // namespace pena::sim
