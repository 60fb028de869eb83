// What lies between the server and its clients: delays, and connections that break in every way
// that the peers were caught with. Bytes of one connection stay in order, as TCP has it; cut off,
// they wait and come when the cut is over, if the connection still is there.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/limits.hpp"
#include "core/xid.hpp"
#include "sim/dice.hpp"
#include "sim/scenario.hpp"
#include "sim/timeline.hpp"

namespace pena::sim {

// What a stream carries: its head, which says whether chunks follow, bytes, or its end.
inline constexpr const char* kChunked = "chunked";
struct Packet {
  enum class Kind : std::uint8_t { head, bytes, end } kind = Kind::bytes;
  std::string bytes;
};

// One direction of one connection.
class Pipe : public std::enable_shared_from_this<Pipe> {
 public:
  Pipe(Timeline& timeline, std::function<TrueTime()> cut_until)
      : timeline_(timeline), cut_until_(std::move(cut_until)) {}

  std::function<void(const Packet&)> deliver;
  void push(Packet packet, core::Duration delay);
  void hold_until(TrueTime until) { held_until_ = until; }
  // What is on its way is lost, and all that comes behind it but the end: what is read has no gap.
  void tear() {
    waiting_.clear();
    torn_ = true;
  }
  [[nodiscard]] std::size_t backlog() const { return backlog_; }

 private:
  void pump();
  [[nodiscard]] TrueTime ready_at() const;

  struct Waiting {
    Packet packet;
    TrueTime ready_at;
  };
  Timeline& timeline_;
  std::function<TrueTime()> cut_until_;
  std::deque<Waiting> waiting_;
  bool torn_ = false;
  TrueTime held_until_{};
  std::size_t backlog_ = 0;  // bytes
  bool pumps_ = false;
};

class Network;

// A stream's connection. Either side forgets the other by clearing its callback.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Network& network, std::uint32_t client);

  std::function<void(const Packet&)> at_client;
  std::function<void()> ended_at_server;
  std::function<void()> room_at_server;  // some of what was sent has come through
  std::optional<core::Xid> client_id;    // as the head of the stream says it

  void send(Packet packet);
  void close_by_server() { send({Packet::Kind::end, {}}); }
  void close_by_client();
  // Both sides learn of it soon, the client perhaps after what was on its way.
  void reset(Dice& dice);
  // A proxy: it keeps what the server sends until `until`, ends the server's side before that, and
  // perhaps never tells the client of the end.
  void hold(TrueTime until, TrueTime server_ends, bool tells_client);
  [[nodiscard]] std::size_t backlog() const { return down_->backlog(); }

 private:
  Network& network_;
  std::shared_ptr<Pipe> down_, up_;
};

// The answer to a request. Status 0: nobody was there, or the connection broke.
struct Reply {
  unsigned status = 0;
  std::string body;
  std::optional<std::int64_t> at_ms;
  std::optional<core::Duration> retry_after = std::nullopt;
};
using OnReply = std::function<void(const Reply&)>;

class Network {
 public:
  Network(Timeline& timeline, const Scenario& scenario);

  // Calls `at_server` when the request is there, with the way back; `on_reply` at most once.
  using AtServer = std::function<void(OnReply answer)>;
  void request(std::uint32_t client, AtServer at_server, OnReply on_reply);
  [[nodiscard]] core::Duration delay();

  // What the plan does to one client's link.
  struct Link {
    TrueTime up_cut_until{}, down_cut_until{}, unread_until{};
    std::optional<TrueTime> duplicate_next, late_next;
    bool lose_next_answer = false;
    Reply refusal;  // what somebody on the way answers the next requests with
    std::uint64_t refusals_left = 0;
    // A stream of its process, any of several. None: there is none, or the last is gone.
    [[nodiscard]] std::shared_ptr<Connection> stream(std::uint64_t choice) const;
    void add(const std::shared_ptr<Connection>& stream);

   private:
    std::vector<std::weak_ptr<Connection>> streams_;
  };
  [[nodiscard]] Link& link(std::uint32_t client) { return links_.at(client); }
  // No cut outlasts this instant.
  void calm();
  [[nodiscard]] Timeline& timeline() { return timeline_; }

 private:
  Timeline& timeline_;
  Dice dice_;
  bool long_delays_;
  std::vector<Link> links_;
};

}  // namespace pena::sim
