#include "client/simulated_work.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>
#include <utility>

namespace pena::client {

namespace asio = boost::asio;

namespace {

struct Panic : std::runtime_error {
  using std::runtime_error::runtime_error;
};

asio::awaitable<void> work(std::shared_ptr<asio::steady_timer> timer, core::StartWork msg) {
  if (msg.panics) throw Panic("the period is too long: " + std::to_string(msg.period) + " ms");
  timer->expires_after(std::chrono::milliseconds{msg.period});
  co_await timer->async_wait(asio::use_awaitable);
}

bool is_panic(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const Panic&) {
    return true;
  } catch (const boost::system::system_error&) {
    return false;  // it was stopped
  }
}

}  // namespace

SimulatedWork::SimulatedWork(asio::any_io_executor executor, Ended ended)
    : executor_(std::move(executor)), ended_(std::move(ended)) {}

void SimulatedWork::start(const core::StartWork& msg) {
  auto timer = std::make_shared<asio::steady_timer>(executor_);
  running_.insert_or_assign(msg.id, timer);
  // A panic ends the coroutine that it is thrown in, and nothing else (R14).
  asio::co_spawn(executor_, work(timer, msg),
                 [this, id = msg.id, timer](const std::exception_ptr& error) {
                   const auto at = running_.find(id);
                   if (at == running_.end() || at->second != timer) return;
                   running_.erase(at);
                   ended_({id, is_panic(error)});
                 });
}

void SimulatedWork::stop(const core::Xid& id) {
  const auto at = running_.find(id);
  if (at == running_.end()) return;
  at->second->cancel();
  running_.erase(at);
}

void SimulatedWork::stop_all() {
  while (!running_.empty()) stop(running_.begin()->first);
}

}  // namespace pena::client
