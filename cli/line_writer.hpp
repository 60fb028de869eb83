// Text on its way to a descriptor that may take it late, or never.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace pena::cli {

// A thread of its own writes, so that nobody who speaks waits for who reads: a terminal that was
// halted (Ctrl-S), a pipe whose reader sleeps. All members may be called from any thread.
class LineWriter {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Of the descriptor `file`, which stays open. `most_bytes`: what may wait; beyond it put() drops.
  explicit LineWriter(int file, std::size_t most_bytes = std::size_t{8} << 20U);
  // Waits until all is written, at most kPatience. What is not written by then is lost, and its
  // thread is left behind where it still waits in write().
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // Puts text behind what waits. Never waits. Where there is no room left the text is dropped, and
  // "N lines of the log were dropped" is written as soon as there is.
  void put(std::string_view text);
  // Waits until what was put so far is written, at most `patience`; `goes_on` is asked now and then
  // and ends the wait where it says no. False where not all is written, or where a write has ever
  // failed.
  [[nodiscard]] bool flush(Milliseconds patience, const std::function<bool()>& goes_on = {});
  // How many bytes were put and are not written.
  [[nodiscard]] std::size_t waiting() const;
  // The errno of the last write that failed, whose text is lost; 0: none did.
  [[nodiscard]] int failure() const;
  // How the sentence about dropped lines is written, its line end included; at first as it is.
  void tell_dropped_by(std::function<std::string(const std::string& sentence)> line);

  static constexpr Milliseconds kPatience{1000};

 private:
  struct Shared;
  void start();

  std::shared_ptr<Shared> shared_;  // with the thread, which may outlive this
  std::thread thread_;              // started by the first put()
};

}  // namespace pena::cli
