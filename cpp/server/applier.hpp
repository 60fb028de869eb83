// The thread that takes what waits in a log on into the store behind it: some milliseconds after the first of
// it came, so that what comes and goes meanwhile never gets there; sooner where much waits. It makes the
// log's segments, too, from the first change set on.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/instant.hpp"
#include "store/log_store.hpp"

namespace pena::server {

class Applier {
 public:
  struct Pace {
    core::Duration every;   // from the first that waits on
    std::size_t bytes = 0;  // or as soon as so many wait
  };
  // `warn`: on the applier's thread, where the store is to do without a log. `store` outlives it, and is told
  // before its first append(). Starts at once.
  Applier(store::LogStore& store, Pace pace, std::function<void(std::string)> warn);
  ~Applier();  // stop()
  Applier(const Applier&) = delete;
  Applier& operator=(const Applier&) = delete;

  // What waits then is applied by whoever closes the store. Any thread.
  void stop();

 private:
  void run();
  // False where it is to stop.
  bool wait_for_work();
  void make_segments();

  store::LogStore& store_;
  Pace pace_;
  std::function<void(std::string)> warn_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::size_t waiting_ = 0;
  bool stopping_ = false;
  bool began_ = false;

  std::thread thread_;
};

}  // namespace pena::server
