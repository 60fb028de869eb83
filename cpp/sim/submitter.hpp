// Who hands in msgs: under ids of its own, again and again until the server says 201.
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

 private:
  void submit();
  void send(const std::string& body);

  Environment& environment_;
  Way way_;
  Dice dice_;
  core::XidFactory ids_;
  std::uint64_t left_;
  core::Duration gap_;
  std::uint64_t try_ = 0;
  bool waiting_ = false;  // for a 201
};

}  // namespace pena::sim
