#include "server/watchdog.hpp"

namespace pena::server {

namespace {

constexpr std::chrono::milliseconds kBiteAgain{20};

}  // namespace

Watchdog::Watchdog(boost::asio::ip::tcp::socket& socket)
    : socket_(socket),
      leash_(std::make_shared<Leash>(Leash{this})),
      timer_(socket.get_executor()) {}

Watchdog::~Watchdog() {
  leash_->watchdog = nullptr;
}

void Watchdog::set(core::Duration time) {
  bit_ = false;
  ++leash_->round;
  bite_after(time);
}

void Watchdog::bite_after(core::Duration time) {
  timer_.expires_after(time);
  timer_.async_wait([leash = leash_, round = leash_->round](const auto& error) {
    // A handler that is late belongs to an earlier round.
    if (error || leash->watchdog == nullptr || leash->round != round) return;
    Watchdog& self = *leash->watchdog;
    self.bit_ = true;
    boost::system::error_code ignored;
    self.socket_.cancel(ignored);
    // An operation made of several reads may just have been between two of them, and gone on.
    self.bite_after(kBiteAgain);
  });
}

void Watchdog::clear() {
  ++leash_->round;
  timer_.cancel();
}

}  // namespace pena::server
