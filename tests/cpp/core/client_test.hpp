// A client's machine in simulated time: it is told what happens, and says what is to be done.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/client_logic.hpp"
#include "sample.hpp"

namespace pena::core::test {

class ClientTest : public testing::Test {
 protected:
  using Actions = std::vector<ClientAction>;

  Actions start(const ClientRules& rules) {
    logic_.emplace(rules);
    return noted(logic_->start(now_));
  }
  Actions happen(const ClientEvent& event) { return noted(logic_->step(event, now_)); }
  // By the stream that it has.
  Actions happen(const StreamEvent& event) { return tell(stream_, event); }
  Actions tell(std::uint64_t stream, const StreamEvent& event) {
    return noted(logic_->step(stream, event, now_));
  }
  // To the report that was sent last.
  Actions answer(unsigned status, std::optional<Duration> retry_after = std::nullopt,
                 std::optional<std::int64_t> server_ms = std::nullopt) {
    return happen(ReportTried{report_, now_, status, server_ms, retry_after,
                              std::to_string(status) + ": no"});
  }

  template <class Kind>
  static std::vector<Kind> of(const Actions& actions) {
    std::vector<Kind> found;
    for (const ClientAction& action : actions) {
      if (const auto* kind = std::get_if<Kind>(&action)) found.push_back(*kind);
    }
    return found;
  }
  // The first that is to be done, at once or as time passes, and how long that took.
  template <class Kind>
  std::pair<Kind, Duration> next(Actions actions) {
    const Instant from = now_;
    for (int step = 0; step < 100; ++step) {
      if (const auto found = of<Kind>(actions); !found.empty()) return {found[0], now_ - from};
      const auto due = logic_->next_timeout();
      if (!due) break;
      now_ = std::max(now_, *due);
      actions = happen(ClientTimeReached{});
    }
    ADD_FAILURE() << "it is never done";
    return {};
  }
  // How long it waits before it asks for another stream.
  Duration wait_for_stream(const Actions& actions) { return next<OpenStream>(actions).second; }
  // All lines since, but for those of an event that is no msg.
  static std::vector<std::string> warnings(const Actions& actions) {
    std::vector<std::string> found;
    for (const Say& line : of<Say>(actions)) {
      if (line.level != LogLevel::debug && !line.text.starts_with("an event that is no msg")) {
        found.push_back(line.text);
      }
    }
    return found;
  }
  static SendReport only_report(const Actions& actions) {
    const auto reports = of<SendReport>(actions);
    EXPECT_EQ(reports.size(), 1U);
    return reports.empty() ? SendReport{} : reports.front();
  }

  Instant now_ = from_us(1'000'000'000);
  std::optional<ClientLogic> logic_;
  std::uint64_t stream_ = 0, report_ = 0;  // the last that were asked for

 private:
  Actions noted(Actions actions) {
    for (const OpenStream& open : of<OpenStream>(actions)) stream_ = open.stream;
    for (const SendReport& send : of<SendReport>(actions)) report_ = send.number;
    return actions;
  }
};

}  // namespace pena::core::test
