// One run of one client, of whichever kind: in place of sockets, timers and threads a network and a
// timeline.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/environment.hpp"
#include "sim/standstill.hpp"

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
  // Whether all that waited for the end of its last freeze has happened since.
  [[nodiscard]] bool is_up_to_date() const;
  [[nodiscard]] core::Instant now() const { return place_.clock.at(environment_.timeline.now()); }
  // At that time, or when the process thaws; never where it has died.
  void at(TrueTime when, Timeline::Action action);
  void after(core::Duration wait, Timeline::Action action);
  // When this client's own clock shows that, and perhaps a little later.
  void at_own(core::Instant when, Timeline::Action action);
  // Another stream. What has come of one that is hung up by then may still be handed to its `on_packet`.
  using OnPacket = std::function<void(const Packet&)>;
  [[nodiscard]] std::shared_ptr<Connection> connect(const std::string& query, OnPacket on_packet);
  void hang_up(const std::shared_ptr<Connection>& connection);
  // Of a process that has one at a time: closes that.
  void open(const std::string& query, OnPacket on_packet);
  void close();
  void post(const std::string& path, const std::string& body, OnReply on_reply);
  void begin_work(const core::Xid& id, core::Duration takes, std::function<void()> done);
  void stop_work(const core::Xid& id, std::function<void()> stopped);

  Environment& environment_;
  Place place_;
  Dice dice_;
  std::shared_ptr<Connection> connection_;
  bool exempt_ = false;  // it was frozen while the stream that it has was open
  std::uint64_t freezes_ = 0;

 private:
  std::set<core::Xid> working_;
  std::map<core::Xid, std::uint64_t> work_numbers_;
  std::uint64_t next_work_ = 1;
  std::vector<std::shared_ptr<Connection>> connections_;  // all that are open, by age
  Standstill standstill_;
  bool dead_ = false;
};

}  // namespace pena::sim
