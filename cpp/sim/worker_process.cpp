#include "sim/worker_process.hpp"

#include <string>
#include <utility>

#include "wire/json.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

core::WorkerRules with_seed(core::WorkerRules rules, Process process) {
  rules.seed += process;
  return rules;
}

}  // namespace

WorkerProcess::WorkerProcess(Environment& environment, Place place, const Member& member)
    : ClientProcess(environment, std::move(place)),
      wants_("&short=1" + wants(member)),
      rules_(with_seed(member.worker, place_.process)),
      logic_(rules_),
      law_("process " + std::to_string(place_.process), rules_,
           environment.scenario.limits.timing) {}

void WorkerProcess::start() {
  perform(logic_.start(now()));
  stop_now_and_then();
  look_now_and_then();
}

void WorkerProcess::happen(const core::WorkerEvent& event) {
  if (dead()) return;
  law_.hears(event, now());
  perform(logic_.step(event, now()));
}

void WorkerProcess::perform(const std::vector<core::WorkerAction>& actions) {
  for (const core::WorkerAction& action : actions) {
    if (dead()) return;
    law_.wants(action, now());
    std::visit([this](const auto& what) { act(what); }, action);
  }
  wait_for_timeout();
}

void WorkerProcess::wait_for_timeout() {
  const auto next = logic_.next_timeout();
  if (!next) return;
  at_own(*next, [this, number = ++timeout_number_] {
    if (number == timeout_number_) happen(core::WorkerTimeReached{});
  });
}

// Orderly, and now and then a second time: whoever waits for it has no patience.
void WorkerProcess::stop_now_and_then() {
  after(dice_.between(2s, 120s), [this] {
    if (environment_.timeline.now() >= environment_.scenario.calm_at) return;
    environment_.note([&] { return "process " + std::to_string(place_.process) + ": stop"; });
    happen(core::WorkerStopAsked{});
    if (dice_.chance(0.4)) return;
    after(dice_.between(0us, 3s), [this] { happen(core::WorkerStopAsked{}); });
  });
}

void WorkerProcess::look_now_and_then() {
  after(500ms, [this] {
    if (is_up_to_date()) law_.look(now());
    look_now_and_then();
  });
}

// ---- streams

void WorkerProcess::tell(std::uint64_t stream, const core::StreamEvent& event) {
  if (dead()) return;
  law_.hears(stream, event, now());
  perform(logic_.step(stream, event, now()));
}

void WorkerProcess::tell(Stream& stream, const core::StreamEvent& event) {
  if (const auto* msg = std::get_if<core::MsgArrived>(&event)) {
    periods_[msg->id] = std::chrono::milliseconds{msg->period};
  }
  exempt_ = stream.freezes != freezes_;
  tell(stream.number, event);
}

void WorkerProcess::act(const core::OpenWorkerStream& opened) {
  const std::uint64_t number = opened.stream;
  const auto stream = std::make_shared<Stream>(
      number, now(), [this](Stream& of, const core::StreamEvent& event) { tell(of, event); });
  const auto connection = connect("batchsize=" + std::to_string(opened.batchsize) + wants_,
                                  [this, stream](const Packet& came) { packet(*stream, came); });
  stream->connection = open_[number] = connection;
  tell(number, core::StreamAsked{});
}

// The end of what it closes itself reaches it like any other.
void WorkerProcess::act(const core::HangUp& hung_up) {
  close_stream(hung_up.stream);
  after(dice_.between(0us, 100ms), [this, number = hung_up.stream] {
    tell(number, core::StreamClosed{"it was closed", 0, {}});
  });
}

void WorkerProcess::close_stream(std::uint64_t number) {
  const auto connection = open_.extract(number);
  if (!connection.empty()) hang_up(connection.mapped());
}

void WorkerProcess::packet(Stream& stream, const Packet& packet) {
  switch (packet.kind) {
    case Packet::Kind::head: {
      stream.freezes = freezes_;
      const auto connection = stream.connection.lock();
      return tell(stream.number,
                  core::StreamOpened{stream.requested_at, environment_.scenario.limits.timing, true,
                                     true, connection ? connection->client_id : std::nullopt});
    }
    case Packet::Kind::end:
      close_stream(stream.number);
      return tell(stream.number, core::StreamClosed{"the stream ended", 0, {}});
    case Packet::Kind::bytes:
      break;
  }
  // In pieces, as a socket gives them.
  for (std::string_view rest = packet.bytes; !rest.empty() && !dead();) {
    const std::size_t size = dice_.chance(0.5) ? rest.size() : 1 + dice_.below(rest.size());
    static_cast<void>(stream.reader.feed(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
}

// ---- handlers

core::RunOutcome WorkerProcess::draw_outcome() {
  const double drawn = dice_.share();
  if (drawn < 0.05) return core::RunGivenBack{};
  if (drawn < 0.15) {
    core::RunFailed failed{"it does not work today", std::nullopt, dice_.chance(0.1)};
    if (dice_.chance(0.3)) failed.retry_in = dice_.between(0us, 3s);
    return failed;
  }
  return core::RunDone{dice_.chance(0.5) ? std::to_string(dice_.below(1'000'000)) : ""};
}

void WorkerProcess::act(const core::BeginRun& begun) {
  const core::Duration lease = environment_.scenario.limits.timing.lease;
  const core::Duration hangs = dice_.chance(0.05) ? dice_.between(0us, 3 * lease) : 0us;
  runs_[begun.run] = {begun.msg, draw_outcome(), dice_.chance(0.7)};
  begin_work(begun.msg, periods_.at(begun.msg) + hangs,
             [this, number = begun.run] { end_run(number, runs_.at(number).outcome); });
}

void WorkerProcess::end_run(std::uint64_t number, core::RunOutcome outcome) {
  runs_.erase(number);
  happen(core::RunEnded{number, std::move(outcome)});
}

void WorkerProcess::act(const core::CancelRun& cancelled) {
  const Run& run = runs_.at(cancelled.run);
  if (!run.obeys) return environment_.oracle.ignores(place_.process, run.msg, true);
  core::RunOutcome outcome = core::RunGivenBack{};
  if (dice_.chance(0.3)) outcome = core::RunFailed{"it was cancelled"};
  stop_work(run.msg, [this, number = cancelled.run, outcome] { end_run(number, outcome); });
}

// One that obeys has begun to stop.
void WorkerProcess::act(const core::KeepRun& kept) {
  const Run& run = runs_.at(kept.run);
  if (!run.obeys) environment_.oracle.ignores(place_.process, run.msg, false);
}

// ---- reports

void WorkerProcess::act(const core::PostReport& posted) {
  environment_.oracle.claims(place_.process, posted.report.ids);
  post_report(posted.number, wire::report_json(posted.report));
}

void WorkerProcess::act(const core::PostLeave& posted) {
  post_report(posted.number, wire::leave_json(posted.client));
}

void WorkerProcess::post_report(std::uint64_t number, const std::string& body) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": report " + body; });
  post("/report", body, [this, number, sent_at = now()](const Reply& reply) {
    happen(core::PostTried{number, sent_at, reply.status, reply.at_ms, reply.retry_after,
                           "status " + std::to_string(reply.status)});
  });
}

// ---- the rest

// As a server counts: what is held of one moment, what waits of a later one. Now and then it is not told, or no
// answer comes.
void WorkerProcess::act(const core::AskCounts& /*ask*/) {
  if (dice_.chance(0.05)) return;
  after(dice_.between(0us, 20ms), [this] {
    after(dice_.between(0us, 20ms), [this, held = environment_.oracle.held()] {
      const std::uint64_t left = held + environment_.oracle.waiting();
      happen(core::CountsTold{dice_.chance(0.1) ? std::nullopt : std::optional{left}});
    });
  });
}

void WorkerProcess::act(const core::Say& say) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + " says: " + say.text; });
}

void WorkerProcess::act(const core::EndWorker& /*end*/) {
  die();
}

}  // namespace pena::sim
