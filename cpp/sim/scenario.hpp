// What a seed stands for: who takes part in a world, and the faults that it suffers. A value, so
// that a failing one can be made smaller and run again.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/client_rules.hpp"
#include "core/limits.hpp"
#include "core/worker_rules.hpp"
#include "sim/timeline.hpp"

namespace pena::sim {

enum class FaultKind : std::uint8_t {
  // one each time, at an instant of the plan
  drop,              // a stream is reset; what was on its way may be lost
  partition,         // nothing comes through in either direction for a while, and nobody is told
  cut_to_client,     // nothing comes through from the server to the client for a while
  cut_to_server,     // nothing comes through from the client to the server for a while
  slow_reader,       // a client does not read its stream for a while
  held_bytes,        // a proxy closes the server's side and hands on what it holds much later
  duplicate_report,  // the next report arrives twice
  late_report,     // the next report arrives up to a minute late; its client tries again meanwhile
  lost_answer,     // the next report arrives, its answer does not
  refused_report,  // a proxy answers the next reports itself: 400, 408, 429 or 503
  server_crash,    // before, during or after a commit, or while its sends leave
  server_stop,     // an orderly stop
  server_pause,    // the server's process is frozen for a while
  client_crash,    // a client's process dies
  client_pause,    // a client's process is frozen for a while
  slow_disk,       // commits take up to seconds for a while
  full_store,      // the store says for a while that it is full
  // of the whole world
  clock_jump,    // the wall clock of the server is set, while it runs or before it starts again
  clock_drift,   // clocks run apart as fast as they may
  late_timers,   // timers fire up to the slack late
  long_delays,   // the network takes up to half a second
  poison,        // some msgs kill the client that works on them
  plain_client,  // clients without a Pena library, that report msg by msg
};
inline constexpr std::size_t kFaultKinds = 23;
using FaultSet = std::bitset<kFaultKinds>;

[[nodiscard]] std::string_view word(FaultKind kind);
// It strikes at instants of the plan, and is not a trait of the whole world.
[[nodiscard]] bool is_timed(FaultKind kind);
[[nodiscard]] std::optional<FaultKind> fault_kind(std::string_view word);
[[nodiscard]] FaultSet all_faults();
// "all", "none", or words with commas between. Nothing, and the word that is none in `bad`.
[[nodiscard]] std::optional<FaultSet> fault_set(std::string_view text, std::string& bad);
[[nodiscard]] std::string words(const FaultSet& faults);

struct Fault {
  TrueTime at{};
  FaultKind kind = FaultKind::drop;
  std::uint32_t client = 0;
  TrueTime lasts{};
  std::uint64_t choice = 0;  // which of several ways, for the kinds that have them
};
[[nodiscard]] std::string describe(const Fault& fault);

enum class MemberKind : std::uint8_t {
  pena,    // the client that simulates, in one of its forms
  plain,   // no Pena library
  worker,  // several streams, and handlers
};

struct Member {
  MemberKind kind = MemberKind::pena;
  std::vector<std::string> queues = {};  // that it takes from, in this order; none: `default`
  bool submitted_only = false;           // nothing that the generator makes
  core::ClientRules rules = {};          // of the first two kinds
  core::WorkerRules worker = {};
};
// What it takes, as a part of its query.
[[nodiscard]] std::string wants(const Member& member);

struct Scenario {
  std::uint64_t seed = 0;
  FaultSet kinds;
  core::Limits limits;
  std::vector<Member> clients;
  std::uint64_t generate = 0;            // msgs that the server makes
  std::optional<double> rate;            // a second
  std::uint64_t submit = 0;              // msgs that are handed in
  std::uint32_t longest_period = 1000;   // ms, of those
  double poison = 0.0;                   // the share of msgs that kill
  std::vector<std::string> queues = {};  // that msgs are handed in to, `default` among them
  bool wishes = false;                   // msgs have keys, delays and attempts of their own
  bool retries = false;                  // what failed is tried again now and then
  bool pauses = false;                   // queues are paused for a while
  bool deletes = false;                  // msgs are deleted
  std::size_t socket_room = 4096;        // bytes of a stream on their way, at most
  core::Duration apply_lag{};  // what is in the log is in the store so much later, at most
  TrueTime calm_at{};          // no fault begins at or after it, and those that run end
  TrueTime give_up_at{};       // by then everything must have ended
  std::vector<Fault> faults;   // by time
  // In front of the store. Then more than one round may be on its way to the disk.
  [[nodiscard]] bool has_log() const { return limits.rounds_at_once > 1; }
};

// Of msgs with wishes.
inline constexpr int kMostOwnResends = 5;
inline constexpr core::Duration kLongestDelay = std::chrono::seconds{30};

struct ScenarioSettings {
  std::uint64_t seed = 0;
  FaultSet faults = all_faults();             // those that may happen
  bool swarm = true;                          // each seed leaves some of them out
  TrueTime length = std::chrono::minutes{5};  // of the part with faults
};

[[nodiscard]] Scenario make_scenario(const ScenarioSettings& settings);

}  // namespace pena::sim
