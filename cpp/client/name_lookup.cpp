#include "client/name_lookup.hpp"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace pena::client {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Where nobody could be told that it is over.
constexpr std::chrono::seconds kLookAgain{1};

}  // namespace

// What a look-up and whoever waits for it have in common.
struct NameLookup::Shared {
  std::string host, port;
  std::mutex mutex;              // guards what follows
  NameLookup* waiter = nullptr;  // none: nobody waits any more
  bool is_over = false;
  error_code error;
  Endpoints endpoints;
};

// In a thread of its own.
void NameLookup::look(const std::shared_ptr<Shared>& shared) {
  // A signal is for a thread that somebody waits for.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
  error_code error;
  Endpoints endpoints;
  try {
    asio::io_context unused{1};  // the call is made here, for it has no callback
    for (const auto& found : tcp::resolver(unused).resolve(shared->host, shared->port, error)) {
      endpoints.push_back(found.endpoint());
    }
  } catch (const boost::system::system_error& failed) {
    error = failed.code();
  } catch (const std::exception&) {
    error = asio::error::no_memory;
  }
  const std::lock_guard lock(shared->mutex);
  shared->is_over = true;
  shared->error = error;
  shared->endpoints = std::move(endpoints);
  if (shared->waiter == nullptr) return;
  try {
    // Whoever waits forgets it on the loop's thread alone, so it is there or not for as long as this runs.
    asio::post(shared->waiter->over_.get_executor(), [shared] {
      if (shared->waiter != nullptr) shared->waiter->over_.cancel();
    });
  } catch (const std::exception&) {
    return;  // out of memory: who waits looks for itself
  }
}

NameLookup::~NameLookup() {
  forget();
}

void NameLookup::forget() {
  if (!shared_) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->waiter = nullptr;
}

void NameLookup::cancel() {
  is_cancelled_ = true;
  over_.cancel();
}

asio::awaitable<NameLookup::Endpoints> NameLookup::look_up(const std::string& host,
                                                           const std::string& port) {
  error_code no_address;
  if (const auto address = asio::ip::make_address(host, no_address); !no_address) {
    std::uint16_t number = 0;
    std::from_chars(port.data(), port.data() + port.size(), number);
    co_return Endpoints{{address, number}};
  }
  shared_ = std::make_shared<Shared>();
  shared_->host = host;
  shared_->port = port;
  shared_->waiter = this;
  try {
    std::thread(look, shared_).detach();
  } catch (const std::system_error&) {
    throw boost::system::system_error(asio::error::try_again);
  }
  const auto is_over = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->is_over;
  };
  error_code ignored;
  while (!is_cancelled_ && !is_over()) {
    over_.expires_after(kLookAgain);
    co_await over_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  forget();
  if (is_cancelled_) throw boost::system::system_error(asio::error::operation_aborted);
  if (shared_->error) throw boost::system::system_error(shared_->error);
  co_return std::move(shared_->endpoints);
}

}  // namespace pena::client
