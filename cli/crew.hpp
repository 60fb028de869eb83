// Several clients in one process, and what became of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "client/client.hpp"

namespace pena::cli {

// One client from its start to its end.
struct Run {
  std::size_t client = 0;  // 0 …: a client that is started again keeps its number
  std::uint32_t batchsize = 0;
  client::ClientEnd end;
  client::ClientStats stats;
};

// A seed for the `start`-th start of a client, different for each.
[[nodiscard]] std::uint64_t seed_of(std::uint64_t seed, std::size_t client, std::uint64_t start);

// What the `start`-th start of a client of the demo asks for: 2..10, and at first all different
// where there are at most nine clients.
[[nodiscard]] std::uint32_t demo_batchsize(std::uint64_t seed, std::size_t client,
                                           std::uint64_t start);

class Crew {
 public:
  // What the `start`-th start (0 …) of a client begins with.
  using SettingsOf = std::function<client::ClientSettings(std::size_t client, std::uint64_t start)>;

  // Starts them all. With `restart` a client that R15 ended is started again.
  Crew(std::size_t clients, bool restart, SettingsOf settings_of);

  // Takes note of those that have ended, and starts again those that are to be. Call it often.
  void tend();
  [[nodiscard]] bool ended() const;  // nobody is left
  // Stops all that run, at the same time.
  void stop();
  // Those that have ended, in the order in which it was noticed.
  [[nodiscard]] std::span<const Run> runs() const { return runs_; }

 private:
  struct Place {
    std::unique_ptr<client::Client> client;  // none: it has ended for good
    std::uint64_t starts = 0;
  };
  void start(std::size_t index);
  void note_end(std::size_t index, client::ClientEnd end);

  bool restart_;
  SettingsOf settings_of_;
  std::vector<Place> places_;
  std::vector<Run> runs_;
};

// Of what has been run in all.
[[nodiscard]] client::ClientStats total(std::span<const Run> runs);
// The exit code of a process whose clients came to these ends.
[[nodiscard]] int exit_code_of(std::span<const Run> runs);

}  // namespace pena::cli
