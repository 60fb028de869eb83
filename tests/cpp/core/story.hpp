// Runs a golden story: commands in, one line of text per write and send out. See story.cpp for the
// words.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/ledger.hpp"

namespace pena::core::test {

class Story {
 public:
  Story();
  // Runs the commands of one block, separated by line ends or ';', and tells what came out.
  std::string run(const std::string& commands);

 private:
  using Words = std::vector<std::string>;
  void command(const Words& words);
  void set_limits(const Words& words);
  void submit(const Words& words);
  void report(const Words& words);
  void leave(const Words& words);
  void end(const Words& words);
  void status();
  void advance_to(Instant target);
  void restart();
  void happen(Event event);
  [[nodiscard]] Dispatcher& dispatcher();
  [[nodiscard]] Xid named(const std::string& name) const;
  [[nodiscard]] std::string name(const Xid& id);

  Limits limits_;
  Supply supply_ = Supply::none;
  Instant now_;
  XidFactory ids_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::map<Xid, std::string> batch_names_;
  std::string out_;
};

}  // namespace pena::core::test
