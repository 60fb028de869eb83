#include "sim/scenario.hpp"

#include <algorithm>
#include <array>

#include "core/client_logic.hpp"
#include "core/number_text.hpp"
#include "sim/dice.hpp"
#include "turn/turn.hpp"

namespace pena::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, kFaultKinds> kWords{
    "drop",         "partition",        "cut_to_client", "cut_to_server", "slow_reader",
    "held_bytes",   "duplicate_report", "late_report",   "lost_answer",   "refused_report",
    "server_crash", "server_stop",      "server_pause",  "client_crash",  "client_pause",
    "slow_disk",    "full_store",       "clock_jump",    "clock_drift",   "late_timers",
    "long_delays",  "poison",           "plain_client",
};

bool has(const FaultSet& faults, FaultKind kind) {
  return faults.test(static_cast<std::size_t>(kind));
}

FaultSet swarm(FaultSet faults, Dice& dice) {
  // Faults hide each other: a world in which everything breaks never gets far enough to be wrong.
  const double kept = dice.chance(0.5) ? 0.5 : 0.2;
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) {
    if (!dice.chance(kept)) faults.reset(kind);
  }
  return faults;
}

// In a tenth of the worlds a single kind strikes: what the next fault, and all that it makes happen,
// would wake up has to wake up by itself.
void leave_one(FaultSet& faults, Dice dice) {
  if (!dice.chance(0.1)) return;
  std::vector<FaultKind> timed;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    if (has(faults, kind) && is_timed(kind)) timed.push_back(kind);
  }
  if (timed.empty()) return;
  const FaultKind stays = timed.at(dice.below(timed.size()));
  for (const FaultKind kind : timed) {
    if (kind != stays) faults.reset(static_cast<std::size_t>(kind));
  }
}

core::Timing draw_timing(Dice& dice) {
  core::Timing timing;
  if (dice.chance(0.3)) return timing;
  timing.heartbeat = dice.between(core::Duration{100ms}, 1s);
  timing.silence = timing.heartbeat * 2 + dice.between(core::Duration{1ms}, 2s);
  timing.stop_time = dice.between(core::Duration{10ms}, 400ms);
  timing.slack = dice.between(core::Duration{5ms}, 200ms);
  timing.clock_drift = std::array{1e-3, 1e-2, 5e-2}.at(dice.below(3));
  // As near to the bounds as the checks between the limits allow, or with room.
  timing.drop_grace =
      core::Duration{static_cast<core::Duration::rep>(static_cast<double>(timing.silence.count()) *
                                                      (1.0 + timing.clock_drift))} +
      timing.stop_time + timing.slack + 2us +
      (dice.chance(0.5) ? core::Duration{0} : core::Duration{500ms});
  timing.lease = timing.stop_time + timing.slack +
                 (dice.chance(0.5) ? dice.between(core::Duration{500ms}, 3s)
                                   : dice.between(core::Duration{3s}, 20s));
  return timing;
}

core::ClientRules draw_rules(Dice& dice, bool deadly, std::uint32_t longest_period) {
  core::ClientRules rules;
  rules.seed = dice.next();
  rules.batchsize = core::ClientLogic::draw_batchsize(rules.seed);
  rules.max_running = dice.chance(0.7) ? rules.batchsize : 2;
  rules.panic_above = longest_period == 1000 && dice.chance(0.5) ? 800 : longest_period;
  rules.end_above = deadly && longest_period == 1000 ? 900 : longest_period;
  rules.report_panicked = dice.chance(0.5);
  rules.retry.first = dice.between(core::Duration{50ms}, 500ms);
  rules.retry.most = dice.between(core::Duration{1s}, 5s);
  if (dice.chance(0.2)) rules.max_batches = dice.between(1, 5);
  return rules;
}

TrueTime draw_length(FaultKind kind, const core::Timing& timing, Dice& dice) {
  switch (kind) {
    case FaultKind::held_bytes:
      // Mostly short enough for the client not to notice.
      if (dice.chance(0.7))
        return timing.silence * 3 / 10 + dice.between(0us, timing.silence * 7 / 10);
      [[fallthrough]];
    case FaultKind::partition:
    case FaultKind::cut_to_client:
    case FaultKind::cut_to_server:
    case FaultKind::slow_reader:
    case FaultKind::client_pause:
    case FaultKind::server_pause: {
      // Around the times that matter: a silence, a grace, a lease.
      const std::array<TrueTime, 4> near{timing.silence, timing.drop_grace, timing.lease, 1s};
      const TrueTime around = near.at(dice.below(near.size()));
      return around / 2 + dice.between(TrueTime{0}, around);
    }
    case FaultKind::server_crash:
    case FaultKind::server_stop:
    case FaultKind::client_crash:
      return dice.chance(0.5) ? dice.between(TrueTime{0}, 200ms) : dice.between(TrueTime{0}, 20s);
    case FaultKind::late_report:
      return dice.between(TrueTime{0}, 60s);
    case FaultKind::duplicate_report:
      return dice.between(TrueTime{0}, 30s);
    case FaultKind::slow_disk:
    case FaultKind::full_store:
      return dice.between(TrueTime{1s}, 20s);
    default:
      return TrueTime{0};
  }
}

// These meet the submitter, too, whose link is the one behind the clients'.
bool strikes_requests(FaultKind kind) {
  return kind == FaultKind::partition || kind == FaultKind::cut_to_client ||
         kind == FaultKind::cut_to_server || kind == FaultKind::duplicate_report ||
         kind == FaultKind::late_report || kind == FaultKind::lost_answer;
}

std::vector<Fault> draw_faults(const Scenario& scenario, TrueTime length, std::uint64_t most,
                               Dice& dice) {
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    if (!is_timed(kind) || !has(scenario.kinds, kind)) continue;
    const std::uint64_t times = dice.between(1, most);
    for (std::uint64_t n = 0; n < times; ++n) {
      Fault fault;
      fault.kind = kind;
      fault.at = dice.between(TrueTime{0}, length);
      const std::size_t links = scenario.clients.size() + (strikes_requests(kind) ? 1 : 0);
      fault.client = static_cast<std::uint32_t>(dice.below(links));
      fault.lasts = draw_length(kind, scenario.limits.timing, dice);
      fault.choice = dice.next();
      faults.push_back(fault);
    }
  }
  std::ranges::stable_sort(faults, {}, &Fault::at);
  return faults;
}

core::Limits draw_limits(std::uint64_t seed, Dice& dice) {
  core::Limits limits;
  limits.timing = draw_timing(dice);
  limits.max_resends = static_cast<int>(dice.between(0, 4));
  limits.linger = dice.chance(0.5) ? core::Duration{20ms} : core::Duration{0};
  limits.batchsize = 10;
  limits.error_bytes = 16;  // shorter than what clients say
  // A small window, so that the backlog goes through the store.
  limits.window_msgs = dice.chance(0.5) ? 20 : 32'768;
  // Mostly few, so that the pieces of these small batches are more than ones.
  limits.fewest_pieces = Dice{seed, 2}.below(2) == 0 ? 1 : 16;
  // A short queue, so that it is full now and then.
  Dice queue_dice{seed, 5};
  if (queue_dice.chance(0.3)) limits.queue_msgs = queue_dice.between(1, 10);
  if (queue_dice.chance(0.3)) limits.missed_msgs = 1;
  if (Dice{seed, 9}.chance(0.5)) limits.read_writes = 1;
  // Some pages end by their bytes.
  if (Dice page_dice{seed, 8}; page_dice.chance(0.5)) limits.page_bytes = page_dice.between(1, 600);
  limits.stalled_write_time = dice.between(core::Duration{2s}, 15s);
  limits.drain_time = Dice{seed, 8}.between(core::Duration{20ms}, 5s);
  return limits;
}

// Every queue has a client that takes from it, and the generator one that takes what it makes: the first
// plain one, whatever the others want.
void draw_queues(Scenario& scenario, Dice dice) {
  scenario.wishes = dice.chance(0.5);
  if (dice.chance(0.5)) scenario.limits.retry_first = core::Duration{0};
  scenario.limits.retry_most = dice.between(core::Duration{1s}, 20s);
  scenario.queues = {""};
  const auto is_plain = [](const Member& member) {
    return member.kind == MemberKind::plain;
  };
  const auto all = std::ranges::find_if(scenario.clients, is_plain);
  if (all == scenario.clients.end() || dice.chance(0.4)) return;
  const std::array<std::string, 3> names{"mail", "a.b-c_9", "low"};
  scenario.queues.insert(scenario.queues.end(), names.begin(),
                         names.begin() + static_cast<std::ptrdiff_t>(dice.between(1, 3)));
  const auto some = [&](bool of_all) {
    std::vector<std::string> taken{"default"};
    for (const std::string& name : scenario.queues) {
      if (name.empty() || !(of_all || dice.chance(0.5))) continue;
      taken.insert(taken.begin() + static_cast<std::ptrdiff_t>(dice.below(taken.size() + 1)), name);
    }
    if (!of_all && taken.size() > 1 && dice.chance(0.3)) std::erase(taken, "default");
    return taken;
  };
  for (auto member = all; member != scenario.clients.end(); ++member) {
    if (!is_plain(*member)) continue;
    member->queues = some(member == all);
    member->submitted_only = member != all && dice.chance(0.3);
  }
}

// Who looks after the server, and how long it keeps what has ended.
void draw_care(Scenario& scenario, Dice dice) {
  scenario.retries = Dice{scenario.seed, 12}.chance(0.3);
  scenario.pauses = dice.chance(0.2);
  scenario.deletes = dice.chance(0.15);
  const auto keep = [&]() -> core::Keep {
    if (dice.chance(0.85)) return {};
    if (dice.chance(0.5)) return {.msgs = dice.between(0, 40)};
    return {.time = dice.between(core::Duration{1s}, 60s)};
  };
  scenario.limits.keep_reports = keep();
  scenario.limits.keep_fails = keep();
}

// How far its rounds run ahead of the disk and of what is read, and what sockets have room for.
void draw_disk(Scenario& scenario, Dice dice) {
  scenario.limits.rounds_at_once = dice.chance(0.5) ? dice.between(2, 8) : 1;
  scenario.socket_room = std::array<std::size_t, 3>{150, 600, 4096}.at(dice.below(3));
  scenario.apply_lag = std::array<core::Duration, 3>{5ms, 50ms, 2s}.at(dice.below(3));
}

// Either work that outlasts a silence and a grace, under a lease that does not end before, or work
// that runs into the end of its lease, and beyond. Returns whether leases are long.
bool draw_leases(Scenario& scenario, Dice& dice) {
  core::Timing& timing = scenario.limits.timing;
  if (dice.chance(0.3)) {
    const TrueTime lost = timing.silence + timing.drop_grace;
    timing.lease = lost * 4 + timing.stop_time + timing.slack;
    scenario.longest_period = 1001 + static_cast<std::uint32_t>(core::to_ms(lost) * 2);
    scenario.limits.max_resends = 4;
    return true;
  }
  if (dice.chance(0.4)) {
    scenario.longest_period = 1001 + static_cast<std::uint32_t>(core::to_ms(timing.lease) * 5 / 4);
  }
  return false;
}

void draw_clients(Scenario& scenario, std::uint64_t count, Dice& dice) {
  const bool deadly = has(scenario.kinds, FaultKind::poison);
  for (std::uint64_t i = 0; i < count; ++i) {
    const bool plain = has(scenario.kinds, FaultKind::plain_client) && dice.chance(0.4);
    scenario.clients.push_back(
        {.kind = plain ? MemberKind::plain : MemberKind::pena,
         .rules = draw_rules(dice, deadly && dice.chance(0.3), scenario.longest_period)});
  }
}

core::WorkerRules draw_worker_rules(const Scenario& scenario, Dice& dice) {
  core::WorkerRules rules;
  rules.seed = dice.next();
  rules.slots = dice.chance(0.3) ? 1 : static_cast<std::uint32_t>(dice.between(2, 12));
  rules.most_asked_for = static_cast<std::uint32_t>(
      dice.chance(0.7) ? scenario.limits.batchsize : dice.between(1, scenario.limits.batchsize));
  if (dice.chance(0.3)) rules.report_bytes = 10;
  if (dice.chance(0.4)) {
    const std::uint64_t longest = scenario.longest_period;
    rules.run_time = std::chrono::milliseconds{dice.between(longest / 2, longest * 2)};
  }
  if (dice.chance(0.2)) rules.max_msgs = dice.between(1, 30);
  rules.until_empty = dice.chance(0.2);
  rules.retry.first = dice.between(core::Duration{50ms}, 500ms);
  rules.retry.most = dice.between(core::Duration{1s}, 5s);
  return rules;
}

// In half of the worlds. They take from `default`, or from all queues.
void draw_workers(Scenario& scenario, Dice dice) {
  if (dice.chance(0.5)) return;
  for (std::uint64_t left = dice.between(1, 3); left > 0; --left) {
    Member member;
    member.kind = MemberKind::worker;
    member.worker = draw_worker_rules(scenario, dice);
    if (dice.chance(0.5)) {
      for (const std::string& name : scenario.queues) {
        const auto at = member.queues.begin() +
                        static_cast<std::ptrdiff_t>(dice.below(member.queues.size() + 1));
        member.queues.insert(at, name.empty() ? "default" : name);
      }
    }
    scenario.clients.push_back(std::move(member));
  }
}

// Returns how many there are of them.
std::uint64_t draw_msgs(Scenario& scenario, bool long_leases, TrueTime length, Dice& dice) {
  const std::uint64_t msgs = dice.between(20, 600);
  scenario.submit = long_leases ? msgs : dice.chance(0.3) ? 0 : dice.between(1, msgs);
  scenario.generate = msgs - scenario.submit;
  if (dice.chance(0.7)) {
    scenario.rate = static_cast<double>(msgs) * 1e6 / static_cast<double>(length.count()) *
                    std::array{1.0, 10.0, 100.0}.at(dice.below(3));
  }
  if (has(scenario.kinds, FaultKind::poison)) scenario.poison = dice.chance(0.5) ? 0.01 : 0.1;
  return msgs;
}

// Every attempt may take a lease and a grace, and every msg may be one that kills.
TrueTime longest_life(const Scenario& scenario, std::uint64_t msgs) {
  const core::Timing& timing = scenario.limits.timing;
  const bool misses = has(scenario.kinds, FaultKind::poison) || scenario.longest_period > 1000;
  const int attempts = std::max(scenario.limits.max_resends, kMostOwnResends) + 1;
  const TrueTime waits = scenario.limits.retry_most * 2 + kLongestDelay;
  return (timing.lease + timing.drop_grace + 70s + waits) * (attempts + 1) +
         static_cast<core::Duration::rep>(msgs) * (timing.drop_grace + timing.lease + 10s) *
             (misses ? attempts : 1);
}

}  // namespace

std::string_view word(FaultKind kind) {
  return kWords.at(static_cast<std::size_t>(kind));
}

bool is_timed(FaultKind kind) {
  return kind <= FaultKind::full_store;
}

std::optional<FaultKind> fault_kind(std::string_view text) {
  const auto at = std::ranges::find(kWords, text);
  if (at == kWords.end()) return std::nullopt;
  return static_cast<FaultKind>(at - kWords.begin());
}

FaultSet all_faults() {
  return FaultSet{}.set();
}

std::optional<FaultSet> fault_set(std::string_view text, std::string& bad) {
  if (text == "all") return all_faults();
  FaultSet faults;
  if (text == "none") return faults;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto kind = fault_kind(text.substr(0, comma));
    if (!kind) {
      bad = text.substr(0, comma);
      return std::nullopt;
    }
    faults.set(static_cast<std::size_t>(*kind));
    if (comma == text.size()) return faults;
    text.remove_prefix(comma + 1);
  }
}

std::string words(const FaultSet& faults) {
  if (faults.none()) return "none";
  std::string text;
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    if (!faults.test(i)) continue;
    if (!text.empty()) text += ',';
    text += kWords.at(i);
  }
  return text;
}

std::string describe(const Fault& fault) {
  const auto seconds = [](TrueTime time) {
    return core::fixed_text(static_cast<double>(time.count()) / 1e6, 6) + " s";
  };
  return seconds(fault.at) + " " + std::string{word(fault.kind)} + " c" +
         std::to_string(fault.client) + " for " + seconds(fault.lasts);
}

std::string wants(const Member& member) {
  std::string query = member.submitted_only ? "&submitted=1" : "";
  for (const std::string& name : member.queues) {
    query += (&name == &member.queues.front() ? "&queue=" : ",") + name;
  }
  return query;
}

Scenario make_scenario(const ScenarioSettings& settings) {
  Dice dice{settings.seed, 1};
  Scenario scenario;
  scenario.seed = settings.seed;
  scenario.kinds = settings.swarm ? swarm(settings.faults, dice) : settings.faults;
  if (settings.swarm) leave_one(scenario.kinds, Dice{settings.seed, 6});
  scenario.limits = draw_limits(settings.seed, dice);
  draw_disk(scenario, Dice{settings.seed, 7});
  const bool long_leases = draw_leases(scenario, dice);
  draw_clients(scenario, long_leases ? dice.between(3, 6) : dice.between(1, 6), dice);
  draw_queues(scenario, Dice{settings.seed, 10});
  draw_workers(scenario, Dice{settings.seed, 15});
  const std::uint64_t msgs = draw_msgs(scenario, long_leases, settings.length, dice);
  scenario.calm_at = settings.length;
  draw_care(scenario, Dice{settings.seed, 14});
  scenario.give_up_at = settings.length + longest_life(scenario, msgs) * (scenario.retries ? 2 : 1);
  scenario.faults = draw_faults(scenario, settings.length, long_leases ? 40 : 12, dice);
  return scenario;
}

}  // namespace pena::sim
