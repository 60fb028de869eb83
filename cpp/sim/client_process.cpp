#include "sim/client_process.hpp"

#include <algorithm>
#include <utility>

#include "wire/chunk_reader.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

namespace {

// A stream has no end.
core::Limits endless() {
  core::Limits limits;
  limits.body_bytes = limits.framing_bytes = SIZE_MAX / 2;
  return limits;
}

std::string data_of(std::string_view bytes, wire::ChunkReader& chunks) {
  std::string data;
  while (!bytes.empty() && !chunks.done()) {
    const auto step = chunks.feed(bytes);
    if (!step)
      throw LawBroken("framing", "a stream is no chunked body: " + step.refusal().sentence);
    data += step->data;
    bytes.remove_prefix(step->fed);
  }
  return data;
}

// Takes the chunks off, where the head says that there are any.
std::function<void(const Packet&)> without_chunks(std::function<void(const Packet&)> on_packet) {
  auto chunks = std::make_shared<std::optional<wire::ChunkReader>>();
  return [chunks, on_packet = std::move(on_packet)](const Packet& came) {
    if (came.kind == Packet::Kind::head && came.bytes == kChunked) chunks->emplace(endless());
    if (came.kind != Packet::Kind::bytes || !*chunks) return on_packet(came);
    const Packet body{Packet::Kind::bytes, data_of(came.bytes, **chunks)};
    if (!body.bytes.empty()) on_packet(body);
  };
}

}  // namespace

ClientProcess::ClientProcess(Environment& environment, Place place)
    : environment_(environment),
      place_(std::move(place)),
      dice_(environment.scenario.seed, 2'000'000 + place_.process) {}

void ClientProcess::at(TrueTime when, Timeline::Action action) {
  environment_.timeline.at(when, shared_from_this(), [this, act = std::move(action)]() mutable {
    if (dead_) return;
    if (!standstill_.holds(environment_.timeline.now())) return act();
    standstill_.add(environment_.timeline, weak_from_this(), dead_, std::move(act));
  });
}

void ClientProcess::after(core::Duration wait, Timeline::Action action) {
  at(environment_.timeline.now() + wait, std::move(action));
}

void ClientProcess::at_own(core::Instant when, Timeline::Action action) {
  TrueTime due = place_.clock.when(when);
  if (environment_.has(FaultKind::late_timers)) {
    due += dice_.around(0us, environment_.scenario.limits.timing.slack);
  }
  at(due, std::move(action));
}

void ClientProcess::freeze(TrueTime until) {
  standstill_.extend(until);
  exempt_ = true;
  ++freezes_;
  environment_.oracle.froze(place_.process);
}

bool ClientProcess::is_up_to_date() const {
  const core::Duration late = environment_.scenario.limits.timing.slack;
  return standstill_.until() == TrueTime{} ||
         environment_.timeline.now() > standstill_.until() + late + 1ms;
}

void ClientProcess::die() {
  if (std::exchange(dead_, true)) return;
  ++environment_.tally.client_deaths;
  for (const core::Xid& id : std::exchange(working_, {})) {
    environment_.oracle.work_stops(place_.process, id);
  }
  for (const auto& connection : std::exchange(connections_, {})) connection->close_by_client();
  connection_.reset();
  place_.on_end();
}

// ---- the network

std::shared_ptr<Connection> ClientProcess::connect(const std::string& query, OnPacket on_packet) {
  auto connection = std::make_shared<Connection>(environment_.network, place_.client);
  environment_.network.link(place_.client).add(connection);
  connections_.push_back(connection);
  connection->at_client = [this, self = weak_from_this(), weak = std::weak_ptr{connection},
                           on_packet = without_chunks(std::move(on_packet))](const Packet& came) {
    const auto lives = self.lock();
    if (!lives) return;
    // Held: what comes may end this connection.
    at(environment_.timeline.now(), [on_packet, came, held = weak.lock()] { on_packet(came); });
  };
  place_.way.open_stream(connection, query);
  return connection;
}

void ClientProcess::hang_up(const std::shared_ptr<Connection>& connection) {
  if (std::erase(connections_, connection) > 0) connection->close_by_client();
}

void ClientProcess::open(const std::string& query, OnPacket on_packet) {
  close();
  connection_ = connect(query, std::move(on_packet));
}

void ClientProcess::close() {
  hang_up(std::exchange(connection_, nullptr));
}

void ClientProcess::post(const std::string& path, const std::string& body, OnReply on_reply) {
  place_.way.post(
      place_.client, path, body,
      [this, self = weak_from_this(), on_reply = std::move(on_reply)](const Reply& reply) {
        const auto lives = self.lock();
        if (!lives) return;
        at(environment_.timeline.now(), [on_reply, reply] { on_reply(reply); });
      });
}

// ---- work

void ClientProcess::begin_work(const core::Xid& id, core::Duration takes,
                               std::function<void()> done) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": work " + id.text(); });
  environment_.oracle.work_begins(environment_.timeline.now(), place_.process, id, exempt_);
  working_.insert(id);
  const std::uint64_t number = next_work_++;
  work_numbers_[id] = number;
  if (place_.kills(id)) takes = dice_.between(0us, takes);
  after(takes, [this, id, number, done = std::move(done)] {
    const auto at = work_numbers_.find(id);
    if (at == work_numbers_.end() || at->second != number) return;
    work_numbers_.erase(at);
    if (place_.kills(id)) return die();
    working_.erase(id);
    environment_.oracle.work_done(place_.process, id);
    done();
  });
}

// Work does not stop at once: it has the stop time for it.
void ClientProcess::stop_work(const core::Xid& id, std::function<void()> stopped) {
  environment_.note(
      [&] { return "process " + std::to_string(place_.process) + ": stop " + id.text(); });
  const auto at = work_numbers_.find(id);
  if (at == work_numbers_.end()) return;
  work_numbers_.erase(at);
  const core::Duration takes = dice_.around(0us, environment_.scenario.limits.timing.stop_time);
  after(takes, [this, id, stopped = std::move(stopped)] {
    working_.erase(id);
    environment_.oracle.work_stops(place_.process, id);
    stopped();
  });
}

}  // namespace pena::sim
