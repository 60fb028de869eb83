// The shell's pure half over a store in memory, and what its tests share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "store/memory_store.hpp"
#include "store/sample.hpp"
#include "turn/settled.hpp"
#include "turn/turn.hpp"

namespace pena::turn::test {

using core::Instant;
using core::Msg;
using core::Xid;
using std::chrono::milliseconds;
using std::chrono::seconds;
using store::test::id_of;
using store::test::queued;

class TurnTest : public testing::Test {
 protected:
  void open(std::optional<Generator::Settings> generator = std::nullopt) {
    turn_.emplace(limits_, *store_, *store_, generator, ids_, now_);
  }
  std::vector<Outgoing> happen(core::Event event) {
    turn_->take(std::move(event), now_);
    return run_rounds(*turn_, now_);
  }
  std::vector<Outgoing> submit(std::vector<std::uint16_t> numbers) {
    core::Submitted submitted{++requests_, {}};
    for (const std::uint16_t number : numbers) submitted.msgs.push_back({id_of(number), 1, {}});
    return happen(std::move(submitted));
  }
  std::vector<Outgoing> join(std::uint16_t client, std::uint32_t batchsize) {
    return happen(core::ClientJoined{id_of(client), batchsize, false});
  }
  std::vector<Outgoing> report(std::vector<Xid> ids) {
    core::Reported reported;
    reported.ids = std::move(ids);
    return happen(std::move(reported));
  }
  template <class Kind>
  static std::vector<Kind> of(const std::vector<Outgoing>& outgoing) {
    std::vector<Kind> found;
    for (const Outgoing& out : outgoing) {
      if (const auto* kind = std::get_if<Kind>(&out)) found.push_back(*kind);
    }
    return found;
  }

  core::Limits limits_;
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  core::XidFactory ids_{{1, 2, 3}, 4};
  Instant now_ = core::from_us(1'000'000'000);
  core::RequestId requests_ = 0;
  std::optional<Turn> turn_;
};

}  // namespace pena::turn::test
