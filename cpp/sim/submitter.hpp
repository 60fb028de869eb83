// Who hands in msgs: mostly under ids of its own, again and again until the server says 201; now and then
// without ids, once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim/client_process.hpp"

namespace pena::sim {

class Submitter : public std::enable_shared_from_this<Submitter> {
 public:
  Submitter(Environment& environment, Way way, std::uint64_t msgs);
  void start();
  [[nodiscard]] bool done() const { return left_ == 0 && !waiting_; }
  // How many msgs it knows to be accepted, and how many may be.
  [[nodiscard]] std::uint64_t least() const { return least_; }
  [[nodiscard]] std::uint64_t most() const { return most_; }

 private:
  void submit();
  [[nodiscard]] std::string wishes();
  void send(const std::string& body, std::uint64_t size);
  void taken(std::uint64_t surely, std::uint64_t perhaps);
  void after(core::Duration wait, Timeline::Action action);

  Environment& environment_;
  Way way_;
  Dice dice_, wishes_;
  std::uint64_t keys_ = 0;
  core::XidFactory ids_;
  std::uint64_t left_;
  core::Duration gap_;
  std::uint64_t try_ = 0;
  std::uint64_t unnamed_ = 0;  // msgs of the request that waits, where not all of them have ids
  std::uint64_t least_ = 0, most_ = 0;
  bool waiting_ = false;  // for a 201
};

}  // namespace pena::sim
