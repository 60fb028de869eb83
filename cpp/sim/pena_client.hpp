// Pena's own client in a simulated world: the shipped machine and the shipped SSE parser. It is as dumb
// as the shell of cpp/client, and tells as much that comes too late.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/client_logic.hpp"
#include "sim/client_process.hpp"
#include "sim/report_law.hpp"
#include "wire/task_reader.hpp"

namespace pena::sim {

class PenaClient final : public ClientProcess {
 public:
  PenaClient(Environment& environment, Place place, const core::ClientRules& rules);
  void start() override;

 private:
  // A stream, as long as anything of it may still come.
  struct Stream {
    Stream(std::uint64_t number_given, core::Instant now, wire::TaskReader::Tell tell)
        : number(number_given), requested_at(now), reader(std::move(tell)) {}
    std::uint64_t number;
    core::Instant requested_at;
    wire::TaskReader reader;
  };
  void packet(Stream& stream, const Packet& packet);
  void tell(std::uint64_t stream, const core::StreamEvent& event);
  void happen(const core::ClientEvent& event);
  void perform(const std::vector<core::ClientAction>& actions);
  void act(const core::OpenStream& open);
  void act(const core::CloseOwnStream& close);
  void act(const core::StartWork& start);
  void act(const core::StopWork& stop);
  void act(const core::SendReport& send);
  void act(const core::AbandonReport& abandon);
  void act(const core::Say& say);
  void act(const core::EndClient& end);
  void wait_for_timeout();
  void answered(std::uint64_t number, const Reply& reply, core::Instant sent_at);
  void look_later();
  void look();

  core::ClientRules rules_;
  core::ClientLogic logic_;
  ReportLaw law_;
  std::uint64_t timeout_number_ = 0;
  std::uint64_t stream_number_ = 0;  // of the last
};

}  // namespace pena::sim
