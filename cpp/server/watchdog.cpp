#include "server/watchdog.hpp"

namespace pena::server {

Watchdog::Watchdog(boost::asio::ip::tcp::socket& socket)
    : state_(std::make_shared<State>(State{&socket, 0, false})), timer_(socket.get_executor()) {}

Watchdog::~Watchdog() {
  state_->socket = nullptr;
}

void Watchdog::set(core::Duration time) {
  state_->bit = false;
  const unsigned round = ++state_->round;
  timer_.expires_after(time);
  timer_.async_wait([state = state_, round](const boost::system::error_code& error) {
    // A handler that is late belongs to an earlier round.
    if (error || state->socket == nullptr || state->round != round) return;
    state->bit = true;
    boost::system::error_code ignored;
    state->socket->cancel(ignored);
  });
}

void Watchdog::clear() {
  ++state_->round;
  timer_.cancel();
}

}  // namespace pena::server
