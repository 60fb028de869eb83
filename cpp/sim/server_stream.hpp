// The server's end of one stream: the shipped outbox, and in place of a socket a connection that takes
// as many bytes as what lies between has room for.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/effect.hpp"
#include "sim/network.hpp"
#include "turn/outbox.hpp"

namespace pena::sim {

class ServerStream {
 public:
  // `room`: so many bytes wait on their way, at most.
  ServerStream(const core::Limits& limits, std::shared_ptr<Connection> connection, bool chunked,
               std::size_t room, core::Instant now);
  ~ServerStream();
  ServerStream(const ServerStream&) = delete;
  ServerStream& operator=(const ServerStream&) = delete;

  // What came of a step: when it is late() where nothing moves on until then, or that it is over.
  struct State {
    std::optional<core::Instant> until;
    bool over = false;
  };
  [[nodiscard]] State batch(const core::SendBatch& grant, core::Instant now);
  [[nodiscard]] State stamp(const turn::Stamp& stamp, core::Instant now);
  [[nodiscard]] State end(std::string_view reason, bool complete, core::Instant now);
  // There may be more room now.
  [[nodiscard]] State go_on(core::Instant now);
  // Nothing of what waited was taken for as long as it may take.
  void late() {
    outbox_.overdue();
    (void)outbox_.broke();
  }
  // It says bye, or has said it.
  [[nodiscard]] bool ends() const { return ends_; }

 private:
  void send(std::string_view bytes, core::Instant now);
  void look_at(std::string_view bytes, core::Instant now);

  std::shared_ptr<Connection> connection_;
  std::size_t room_;
  std::string frames_;
  turn::Outbox outbox_;
  // What the laws ask of what goes out: whole lines, the last of which has not ended.
  std::string line_;
  std::deque<core::Xid> owed_;  // batches that were given to the outbox, and did not go out yet
  bool ends_ = false;
  bool said_bye_ = false;
};

}  // namespace pena::sim
