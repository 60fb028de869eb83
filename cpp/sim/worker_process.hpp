// A worker in a simulated world: the shipped machine and the shipped SSE parser, several streams, and handlers that
// succeed, fail, take longer than a lease, obey when they are told to stop or do not, and kill their process.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/worker_logic.hpp"
#include "sim/client_process.hpp"
#include "sim/worker_law.hpp"
#include "wire/task_reader.hpp"

namespace pena::sim {

class WorkerProcess final : public ClientProcess {
 public:
  WorkerProcess(Environment& environment, Place place, const Member& member);
  void start() override;

 private:
  // A stream, as long as anything of it may still come.
  struct Stream {
    using Tell = std::function<void(Stream&, const core::StreamEvent&)>;
    Stream(std::uint64_t number_given, core::Instant now, Tell tell)
        : number(number_given),
          requested_at(now),
          reader([this, tell = std::move(tell)](const core::StreamEvent& event) {
            tell(*this, event);
          }) {}
    std::uint64_t number;
    core::Instant requested_at;
    std::weak_ptr<Connection> connection;
    std::uint64_t freezes = 0;  // of the process, when the stream began
    wire::TaskReader reader;
  };
  struct Run {
    core::Xid msg;
    core::RunOutcome outcome;  // that it will bring
    bool obeys = true;
  };
  void packet(Stream& stream, const Packet& packet);
  void tell(Stream& stream, const core::StreamEvent& event);
  void tell(std::uint64_t stream, const core::StreamEvent& event);
  void happen(const core::WorkerEvent& event);
  void perform(const std::vector<core::WorkerAction>& actions);
  void act(const core::OpenWorkerStream& open);
  void act(const core::HangUp& hang_up);
  void act(const core::BeginRun& begin);
  void act(const core::CancelRun& cancel);
  void act(const core::KeepRun& keep);
  void act(const core::RunSettled& /*settled*/) {}
  void act(const core::PostReport& post);
  void act(const core::PostLeave& leave);
  void act(const core::AbandonPost& /*abandon*/) {}
  void act(const core::AskCounts& ask);
  void act(const core::Say& say);
  void act(const core::EndWorker& end);
  void post_report(std::uint64_t number, const std::string& body);
  [[nodiscard]] core::RunOutcome draw_outcome();
  void end_run(std::uint64_t number, core::RunOutcome outcome);
  void close_stream(std::uint64_t number);
  void stop_now_and_then();
  void look_now_and_then();
  void wait_for_timeout();

  std::string wants_;
  core::WorkerRules rules_;
  core::WorkerLogic logic_;
  WorkerLaw law_;
  std::map<std::uint64_t, std::shared_ptr<Connection>> open_;
  std::map<core::Xid, core::Duration> periods_;  // of the msgs that came
  std::map<std::uint64_t, Run> runs_;
  std::uint64_t timeout_number_ = 0;
};

}  // namespace pena::sim
