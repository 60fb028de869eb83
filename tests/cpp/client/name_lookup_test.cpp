// Names that nobody can look up, for the C library's call does not return: it is held up here.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/client.hpp"
#include "client/producer.hpp"
#include "client/worker.hpp"

namespace pena::client {
namespace {

using std::chrono::seconds;

constexpr const char* kHeldUp = "held-up.test";
constexpr const char* kUnknown = "unknown.test";

// While it lives, a look-up of that name does not return.
class Holdup {
 public:
  Holdup() {
    const std::lock_guard lock(mutex());
    is_on() = true;
    waiting() = 0;
  }
  ~Holdup() {
    std::unique_lock lock(mutex());
    is_on() = false;
    changed().notify_all();
    changed().wait(lock, [] { return waiting() == 0; });
  }
  Holdup(const Holdup&) = delete;
  Holdup& operator=(const Holdup&) = delete;

  // Once one waits, or not within ten seconds.
  [[nodiscard]] static bool holds_one() {
    std::unique_lock lock(mutex());
    return changed().wait_for(lock, seconds{10}, [] { return waiting() > 0; });
  }
  // In the thread that looks up.
  static void wait() {
    std::unique_lock lock(mutex());
    ++waiting();
    changed().notify_all();
    changed().wait(lock, [] { return !is_on(); });
    --waiting();
    changed().notify_all();
  }

 private:
  static std::mutex& mutex() {
    static std::mutex the_one;
    return the_one;
  }
  static std::condition_variable& changed() {
    static std::condition_variable the_one;
    return the_one;
  }
  static bool& is_on() {
    static bool the_one = false;
    return the_one;
  }
  static int& waiting() {
    static int the_one = 0;
    return the_one;
  }
};

std::string held_up_url() {
  return std::string{"http://"} + kHeldUp + ":1";
}

TEST(NameLookup, AWorkerStopsWhileItsServersNameIsLookedUp) {
  auto holdup = std::make_unique<Holdup>();
  auto worker = std::make_unique<Worker>(WorkerSettings{.url = held_up_url()});
  EXPECT_TRUE(Holdup::holds_one());
  worker->stop();
  EXPECT_TRUE(worker->wait(seconds{10}));
  const auto gone = std::async(std::launch::async, [&worker] { worker.reset(); });
  EXPECT_EQ(gone.wait_for(seconds{10}), std::future_status::ready);
  holdup.reset();
}

TEST(NameLookup, AClientStopsWhileItsServersNameIsLookedUp) {
  auto holdup = std::make_unique<Holdup>();
  ClientSettings settings;
  settings.url = held_up_url();
  auto client = std::make_unique<Client>(settings);
  EXPECT_TRUE(Holdup::holds_one());
  const auto gone = std::async(std::launch::async, [&client] { client.reset(); });
  EXPECT_EQ(gone.wait_for(seconds{10}), std::future_status::ready);
  holdup.reset();
}

TEST(NameLookup, ASubmissionStopsWhileItsServersNameIsLookedUp) {
  auto holdup = std::make_unique<Holdup>();
  const auto submitted = std::async(std::launch::async, [] {
    Producer producer({.url = held_up_url()});
    try {
      producer.submit(std::vector<NewMsg>(1), [] { return !Holdup::holds_one(); });
    } catch (const SubmitError& error) {
      return error.why == SubmitError::Why::stopped;
    }
    return false;
  });
  EXPECT_EQ(submitted.wait_for(seconds{10}), std::future_status::ready);
  holdup.reset();
}

TEST(NameLookup, ANameThatIsNoneIsTold) {
  Producer producer({.url = std::string{"http://"} + kUnknown + ":1", .patience = seconds{0}});
  try {
    producer.submit(NewMsg{});
    FAIL() << "it is submitted";
  } catch (const SubmitError& error) {
    EXPECT_EQ(error.why, SubmitError::Why::unavailable);
    EXPECT_EQ(error.unsure, 0U);
    EXPECT_THAT(error.what(), testing::HasSubstr("Host not found"));
  }
}

}  // namespace
}  // namespace pena::client

// In front of the C library's.
extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                           addrinfo** found) {
  using Call = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto call = reinterpret_cast<Call>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string name = host == nullptr ? "" : host;
  if (name == pena::client::kHeldUp) pena::client::Holdup::wait();
  if (name == pena::client::kHeldUp || name == pena::client::kUnknown) return EAI_NONAME;
  return call(host, port, hints, found);
}
