// R12, R14: for every msg a coroutine that sleeps its period, or panics.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <unordered_map>

#include "core/client_event.hpp"

namespace pena::client {

class SimulatedWork {
 public:
  using Ended = std::function<void(const core::WorkEnded&)>;
  SimulatedWork(boost::asio::any_io_executor executor, Ended ended);

  void start(const core::StartWork& work);
  // Nothing is told of work that was stopped.
  void stop(const core::Xid& id);
  void stop_all();

 private:
  boost::asio::any_io_executor executor_;
  Ended ended_;
  std::unordered_map<core::Xid, std::shared_ptr<boost::asio::steady_timer>> running_;
};

}  // namespace pena::client
