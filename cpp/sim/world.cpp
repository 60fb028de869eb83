#include "sim/world.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "core/check.hpp"
#include "core/number_text.hpp"
#include "sim/caretaker.hpp"
#include "sim/client_process.hpp"
#include "sim/page_reader.hpp"
#include "sim/pena_client.hpp"
#include "sim/plain_client.hpp"
#include "sim/server_process.hpp"
#include "sim/submitter.hpp"
#include "sim/work_watch.hpp"
#include "sim/worker_process.hpp"
#include "wire/json.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

void History::add(TrueTime at, const std::string& text) {
  lines_.push_back(core::fixed_text(static_cast<double>(at.count()) / 1e6, 6) + " " + text);
}

namespace {

constexpr core::Instant kDayOne = core::from_us(1'700'000'000'000'000);

class World {
 public:
  World(const Scenario& scenario, bool keep_history)
      : scenario_(scenario), environment_(scenario, keep_history), dice_(scenario.seed, 4) {}

  Outcome run() {
    Outcome outcome;
    const core::ThrowingChecks throwing;
    try {
      begin();
      while (!ended() && environment_.timeline.step(scenario_.give_up_at)) continue;
      environment_.oracle.all_ended(environment_.disk.durable_view(), scenario_.generate,
                                    submitter_->least(), submitter_->most());
      if (!ended()) throw LawBroken("everything_ends", "the server never took all submissions");
    } catch (const LawBroken& law) {
      outcome.broken = law.law;
      outcome.what = law.what();
    } catch (const std::exception& bug) {
      outcome.broken = "no_bug";
      outcome.what = std::string{"no_bug: "} + bug.what();
    }
    environment_.note([&] { return outcome.broken ? outcome.what : std::string{"all ended"}; });
    outcome.ended_at = environment_.timeline.now();
    outcome.msgs = environment_.oracle.msgs();
    outcome.reported = environment_.oracle.reported();
    outcome.failed = environment_.oracle.failed();
    outcome.digest = core::mix(environment_.oracle.digest() ^
                               static_cast<std::uint64_t>(environment_.timeline.now().count()));
    outcome.tally = environment_.tally;
    outcome.history = environment_.history.take();
    return outcome;
  }

 private:
  void begin() {
    way_.open_stream = [this](const std::shared_ptr<Connection>& connection,
                              const std::string& query) {
      open_stream(connection, query);
    };
    way_.post = [this](std::uint32_t client, const std::string& path, const std::string& body,
                       OnReply on_reply) {
      post(client, path, body, std::move(on_reply));
    };
    boot();
    clients_.resize(scenario_.clients.size());
    for (std::uint32_t i = 0; i < clients_.size(); ++i) {
      environment_.timeline.at(dice_.between(0us, 1s), [this, i] { start_client(i); });
    }
    submitter_ = std::make_shared<Submitter>(environment_, way_, scenario_.submit);
    environment_.timeline.at(100ms, [this] { submitter_->start(); });
    page_reader_ = std::make_shared<PageReader>(
        environment_,
        [this](const std::string& path, const std::string& query, const OnReply& on_reply) {
          if (server_) return server_->get(path, query, on_reply);
          on_reply({});
        });
    page_reader_->start();
    for (const Fault& fault : scenario_.faults) {
      environment_.timeline.at(fault.at, [this, &fault] { strike(fault); });
    }
    watch();
    caretaker_ = std::make_shared<Caretaker>(
        environment_, [this](const std::string& method, const std::string& path,
                             const std::string& body, const OnReply& on_reply) {
          server_ ? server_->send(method, path, body, on_reply) : on_reply({});
        });
    caretaker_->start();
    if (environment_.has(FaultKind::clock_jump)) set_clock_at_times();
    environment_.timeline.at(scenario_.calm_at, [this] {
      environment_.note([] { return std::string{"calm"}; });
      environment_.network.calm();
      environment_.disk.end_shortage();
      // What was put off by a clock that was ahead would wait until this one is there, too.
      set_clock(furthest_offset_ - server_offset_);
      if (server_) server_->slow_disk(TrueTime{0});
    });
  }

  [[nodiscard]] bool ended() const {
    return submitter_->done() && environment_.oracle.settled() &&
           environment_.oracle.generated() == scenario_.generate;
  }

  void watch() {
    watch_.look(server_.get());
    environment_.timeline.after(500ms, [this] { watch(); });
  }

  // ---- clocks

  [[nodiscard]] double drift() {
    if (!environment_.has(FaultKind::clock_drift)) return 0.0;
    // Two clocks differ by rho at most, so each is at most half of it off.
    const double half = scenario_.limits.timing.clock_drift / 2 * 0.999;
    const std::array<double, 3> ends{-half, half, (dice_.share() * 2 - 1) * half};
    return ends.at(dice_.below(ends.size()));
  }

  [[nodiscard]] core::Duration jump() {
    const auto by = dice_.between(0us, 2h) - 1h;
    return dice_.chance(0.5) ? by : by / 3600;
  }

  // The server's wall clock is set while it runs, or the machine has slept.
  void set_clock_at_times() {
    environment_.timeline.after(dice_.between(1s, 60s), [this] {
      if (environment_.timeline.now() >= scenario_.calm_at) return;
      set_clock(jump());
      set_clock_at_times();
    });
  }

  void set_clock(core::Duration by) {
    server_offset_ += by;
    furthest_offset_ = std::max(furthest_offset_, server_offset_);
    if (server_) server_->set_wall(by);
  }

  // ---- the server

  void boot() {
    const TrueTime now = environment_.timeline.now();
    const bool jumps = boots_ > 0 && now < scenario_.calm_at;
    if (jumps && environment_.has(FaultKind::clock_jump)) set_clock(jump());
    const SkewedClock clock{kDayOne + now + server_offset_, now, drift()};
    environment_.oracle.started_with(environment_.disk);
    ++environment_.tally.boots;
    watch_.booted();
    server_ = std::make_shared<ServerProcess>(environment_, clock, ++boots_, [this] {
      graveyard_.push_back(std::exchange(server_, nullptr));
      const TrueTime down =
          environment_.timeline.now() < scenario_.calm_at ? server_down_for_ : 0us;
      environment_.timeline.after(down + 1ms, [this] { boot(); });
    });
    server_->start();
  }

  void open_stream(const std::shared_ptr<Connection>& connection, const std::string& query) {
    environment_.network.timeline().after(environment_.network.delay(), [this, connection, query] {
      if (server_) return server_->open_stream(connection, query);
      connection->close_by_server();
    });
  }

  void post(std::uint32_t client, const std::string& path, const std::string& body,
            OnReply on_reply) {
    environment_.network.request(
        client,
        [this, path, body](const OnReply& answer) {
          if (server_) return server_->post(path, body, answer);
          answer({});
        },
        std::move(on_reply));
  }

  // ---- the clients

  // A function of the id alone, so that it does not matter who asks, and when.
  [[nodiscard]] bool kills(const core::Xid& id) const {
    if (scenario_.poison == 0.0) return false;
    const std::uint64_t drawn = core::mix(std::hash<core::Xid>{}(id) ^ scenario_.seed) >> 11U;
    return static_cast<double>(drawn) * 0x1p-53 < scenario_.poison;
  }

  void start_client(std::uint32_t number) {
    const Member& member = scenario_.clients[number];
    const TrueTime now = environment_.timeline.now();
    const auto anywhen = core::from_us(static_cast<std::int64_t>(dice_.below(1'000'000'000'000)));
    ClientProcess::Place place{number,
                               ++processes_,
                               SkewedClock{anywhen, now, drift()},
                               way_,
                               [this](const core::Xid& id) { return kills(id); },
                               [this, number] {
                                 graveyard_.push_back(std::exchange(clients_[number], nullptr));
                                 environment_.timeline.after(
                                     client_down_for_ + dice_.between(10ms, 2s),
                                     [this, number] { start_client(number); });
                                 client_down_for_ = TrueTime{0};
                               }};
    std::shared_ptr<ClientProcess> process;
    if (member.kind == MemberKind::plain) {
      process = std::make_shared<PlainClient>(environment_, std::move(place), member);
    } else if (member.kind == MemberKind::worker) {
      process = std::make_shared<WorkerProcess>(environment_, std::move(place), member);
    } else {
      core::ClientRules rules = member.rules;
      rules.seed += processes_;
      process = std::make_shared<PenaClient>(environment_, std::move(place), rules);
    }
    clients_[number] = process;
    process->start();
  }

  // ---- the faults

  void strike(const Fault& fault) {
    environment_.note([&] { return "fault: " + describe(fault); });
    ++environment_.tally.faults.at(static_cast<std::size_t>(fault.kind));
    const TrueTime until = std::min(environment_.timeline.now() + fault.lasts, scenario_.calm_at);
    // The link behind the last client's is the submitter's.
    Network::Link& link = environment_.network.link(fault.client);
    // Each kind is known to one of them.
    strike_stream(fault, link, until);
    strike_requests(fault, link);
    strike_server(fault, until);
    // Kept, for it may die of it.
    const auto process = fault.client < clients_.size() ? clients_[fault.client] : nullptr;
    strike_client(fault, process.get(), until);
  }

  void strike_stream(const Fault& fault, Network::Link& link, TrueTime until) {
    // The lowest bit of the choice chooses something else, too.
    const auto stream = link.stream(fault.choice / 2);
    switch (fault.kind) {
      case FaultKind::drop:
        if (stream) stream->reset(dice_);
        return;
      case FaultKind::partition:
        link.up_cut_until = std::max(link.up_cut_until, until);
        link.down_cut_until = std::max(link.down_cut_until, until);
        return;
      case FaultKind::cut_to_client:
        link.down_cut_until = std::max(link.down_cut_until, until);
        return;
      case FaultKind::cut_to_server:
        link.up_cut_until = std::max(link.up_cut_until, until);
        return;
      case FaultKind::slow_reader:
        link.unread_until = std::max(link.unread_until, until);
        if (fault.choice % 2 == 0) give_back(stream, until, fault.lasts / 16);
        return;
      case FaultKind::held_bytes:
        if (stream) hold_bytes(*stream, until, fault.choice % 2 == 0);
        return;
      default:
        return;
    }
  }

  void hold_bytes(Connection& stream, TrueTime until, bool tells_client) {
    const TrueTime now = environment_.timeline.now();
    const TrueTime held = until - now;
    const TrueTime server_ends = dice_.around(0us, dice_.chance(0.5) ? held / 3 : held);
    stream.hold(until, now + server_ends, tells_client);
  }

  // Somebody who looks into the store beside the server reports in place of a client that does not read:
  // so it is granted one batch after the other.
  void give_back(const std::weak_ptr<Connection>& stream, TrueTime until, core::Duration pause) {
    const auto connection = stream.lock();
    if (!connection || environment_.timeline.now() >= until) return;
    for (const core::Batch& batch : environment_.disk.view().batches()) {
      if (!server_ || batch.client != connection->client_id) continue;
      core::Reported report;
      report.batch = batch.id;
      for (const core::QueuedMsg& msg : batch.msgs) {
        report.refused.push_back(msg.msg.id);
        environment_.oracle.give_away(msg.msg.id);
      }
      server_->post("/report", wire::report_json(report), [](const Reply&) {});
    }
    environment_.timeline.after(pause, [=, this] { give_back(stream, until, pause); });
  }

  static void strike_requests(const Fault& fault, Network::Link& link) {
    switch (fault.kind) {
      case FaultKind::duplicate_report:
        link.duplicate_next = fault.lasts;
        return;
      case FaultKind::late_report:
        link.late_next = fault.lasts;
        return;
      case FaultKind::lost_answer:
        link.lose_next_answer = true;
        return;
      case FaultKind::refused_report:
        // Of 400 few enough for a form to come through, or too many.
        link.refusal = {std::array{400U, 408U, 429U, 503U}.at(fault.choice % 4), "refused", {}, {}};
        if (fault.choice % 3 > 0) {
          link.refusal.retry_after = std::chrono::seconds{1 + fault.choice / 16 % 5};
        }
        link.refusals_left = 1 + fault.choice / 256 % 4;
        return;
      default:
        return;
    }
  }

  void strike_server(const Fault& fault, TrueTime until) {
    switch (fault.kind) {
      case FaultKind::server_crash:
        server_down_for_ = fault.lasts;
        if (server_) server_->crash(static_cast<ServerProcess::CrashPoint>(fault.choice % 4));
        return;
      case FaultKind::server_stop:
        server_down_for_ = fault.lasts;
        if (server_) server_->stop();
        return;
      case FaultKind::server_pause:
        if (server_) server_->freeze(until);
        return;
      case FaultKind::slow_disk:
        if (server_) server_->slow_disk(until);
        return;
      case FaultKind::full_store:
        environment_.oracle.room_runs_out();
        environment_.disk.begin_shortage(kShortages.at(fault.choice % kShortages.size()));
        environment_.timeline.at(until, [this] { environment_.disk.end_shortage(); });
        return;
      default:
        return;
    }
  }

  void strike_client(const Fault& fault, ClientProcess* process, TrueTime until) {
    switch (fault.kind) {
      case FaultKind::client_crash:
        client_down_for_ = until - environment_.timeline.now();
        if (process != nullptr) process->die();
        return;
      case FaultKind::client_pause:
        if (process != nullptr) process->freeze(until);
        return;
      default:
        return;
    }
  }

  const Scenario& scenario_;
  Environment environment_;
  Dice dice_;
  Way way_;
  std::shared_ptr<ServerProcess> server_;
  std::vector<std::shared_ptr<ClientProcess>> clients_;
  std::shared_ptr<Submitter> submitter_;
  std::shared_ptr<PageReader> page_reader_;
  std::shared_ptr<Caretaker> caretaker_;
  // Those that died, while their own functions may still run.
  std::vector<std::shared_ptr<void>> graveyard_;
  WorkWatch watch_{environment_};
  std::uint64_t boots_ = 0;
  Process processes_ = 0;
  core::Duration server_offset_{};
  core::Duration furthest_offset_{};  // the highest that it has been
  TrueTime server_down_for_{}, client_down_for_{};
};

}  // namespace

Outcome run(const Scenario& scenario, bool keep_history) {
  return World{scenario, keep_history}.run();
}

Scenario shrunk(const Scenario& scenario, const std::string& law, int tries) {
  Scenario best = scenario;
  const auto still_breaks = [&](const Scenario& smaller) {
    return tries-- > 0 && run(smaller).broken == law;
  };
  // Larger parts first, then one by one, until nothing more can be left out.
  for (std::size_t part = std::max<std::size_t>(best.faults.size() / 2, 1); tries > 0;) {
    bool any = false;
    for (std::size_t from = 0; from < best.faults.size() && tries > 0;) {
      Scenario smaller = best;
      const auto begin = smaller.faults.begin() + static_cast<std::ptrdiff_t>(from);
      const auto size = std::min(part, smaller.faults.size() - from);
      smaller.faults.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
      if (still_breaks(smaller)) {
        best = std::move(smaller);
        any = true;
      } else {
        from += part;
      }
    }
    if (part == 1 && !any) break;
    if (!any) part = std::max<std::size_t>(part / 2, 1);
  }
  for (std::size_t kind = 0; kind < kFaultKinds && tries > 0; ++kind) {
    Scenario smaller = best;
    if (!smaller.kinds.test(kind)) continue;
    smaller.kinds.reset(kind);
    if (still_breaks(smaller)) best = std::move(smaller);
  }
  for (const auto halve : {&Scenario::generate, &Scenario::submit}) {
    while (best.*halve > 0 && tries > 0) {
      Scenario smaller = best;
      smaller.*halve /= 2;
      if (!still_breaks(smaller)) break;
      best = std::move(smaller);
    }
  }
  return best;
}

}  // namespace pena::sim
