// A client that has no library, in a simulated world.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sim/client_process.hpp"
#include "wire/sse.hpp"

namespace pena::sim {

// It works on one msg after the other and reports each by itself, in
// one of the ways that curl and a line of shell have, or all that it has done as a list, of whichever
// batches that was. Now and then one that holds nothing says that it takes no more, and goes once it is told
// that nothing is on its way.
class PlainClient final : public ClientProcess {
 public:
  PlainClient(Environment& environment, Place place, const Member& member);
  void start() override;

 private:
  struct Task {
    core::Xid id;
    std::optional<core::Xid> batch;
    std::uint32_t period = 0;
  };
  void packet(const Packet& packet);
  void reopen();
  void look_whether_it_lives();
  void work_on_next();
  [[nodiscard]] bool is_last_of_batch(const Task& task) const;
  void report(const Task& task, bool done);
  void note_for_list(const Task& task, bool done);
  void post_report(const std::string& body, int tries);
  void leave_later();
  void may_leave(double chance);
  void leave(int tries);

  std::uint32_t batchsize_;
  std::string wants_;
  wire::SseParser parser_;
  std::deque<Task> tasks_;
  bool reports_lists_;
  std::uint64_t batches_;        // how many it asks for, and then it ends; 0: any number
  std::vector<core::Xid> done_;  // to be listed
  TrueTime heard_at_{};
  std::uint64_t opened_ = 0;  // number of the stream that it has
  bool busy_ = false;
  bool leaves_ = false;  // it said so on the stream that it has
  Dice when_it_leaves_;
};

}  // namespace pena::sim
