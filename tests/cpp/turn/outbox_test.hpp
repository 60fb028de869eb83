// An outbox beside a network that takes what it is told to, and what the client has read so far.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/sample.hpp"
#include "core/write_time.hpp"
#include "turn/outbox.hpp"
#include "wire/sse.hpp"

namespace pena::turn::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OutboxTest : public testing::Test {
 protected:
  static constexpr std::size_t kAll = std::string::npos;

  // Of so many msgs; `payload` is the length of each one's.
  static core::Batch a_batch(std::size_t number, std::size_t msgs = 1, std::size_t payload = 0) {
    core::Batch batch;
    batch.id = core::test::id_of(1, number);
    for (std::size_t i = 0; i < msgs; ++i) {
      core::QueuedMsg queued;
      queued.msg = {core::test::id_of(2, number * 1000 + i), 382, {}};
      if (payload > 0) queued.msg.payload = '"' + std::string(payload, 'x') + '"';
      batch.msgs.push_back(std::move(queued));
    }
    return batch;
  }
  // What the client is to read of it.
  [[nodiscard]] std::string text_of(const core::Batch& batch) const {
    std::string text;
    wire::append_batch_frames(text, batch, now_, limits_);
    return text;
  }
  static std::string stamp_at(core::Instant at) {
    std::string text;
    wire::append_heartbeat(text, at);
    return text;
  }
  static std::string chunk(const std::string& text) {
    std::string framed(wire::kChunkRoom, ' ');
    framed += text;
    return std::string{wire::as_chunk(framed)};
  }

  void open(Framing framing = Framing::plain, std::size_t piece = Outbox::kPiece) {
    outbox_.emplace(limits_, framing, "head\r\n\r\n", now_, piece);
  }
  // As it is when the client waits for its batch.
  void open_idle(Framing framing = Framing::plain, std::size_t piece = Outbox::kPiece) {
    open(framing, piece);
    (void)take();
    read_.clear();
    ASSERT_TRUE(outbox_->is_idle());
  }

  // The network takes so many of the bytes that are offered without waiting; how many those were.
  std::size_t pass(std::string_view bytes, std::size_t most) {
    const std::string_view taken = bytes.substr(0, most);
    read_ += taken;
    if (!bytes.empty()) outbox_->sent(taken.size());
    return bytes.size();
  }
  // Why that ended the stream, or "".
  std::string send(const core::Batch& batch, std::size_t most = kAll) {
    const Outbox::Given given = outbox_->batch(batch, now_, frames_);
    offered_ = pass(given.at_once, most);
    frames_.assign(frames_.size(), '?');  // another stream's by now
    return std::string{given.ends};
  }
  void beat(std::size_t most = kAll) {
    stamp_.write(now_);
    offered_ = pass(outbox_->stamp(stamp_), most);
    stamp_.write({});
  }
  // The network takes so many bytes, or as many as there are. Returns them.
  std::string take(std::size_t most = kAll) {
    std::string taken;
    while (taken.size() < most) {
      const Outbox::Next next = outbox_->next(now_);
      const auto* write = std::get_if<Outbox::Write>(&next);
      if (write == nullptr) break;
      const std::string_view bytes = write->bytes.substr(0, most - taken.size());
      taken += bytes;
      outbox_->sent(bytes.size());
    }
    read_ += taken;
    return taken;
  }
  // By when what is owed is to be taken, from now on.
  [[nodiscard]] core::Duration time_left() {
    const Outbox::Next next = outbox_->next(now_);
    return std::get<Outbox::Write>(next).until - now_;
  }
  [[nodiscard]] bool is_over() { return std::holds_alternative<Outbox::Over>(outbox_->next(now_)); }

  core::Limits limits_;
  core::Instant now_ = core::from_us(1'000'000'000);
  std::optional<Outbox> outbox_;
  std::string frames_;  // of all streams
  Stamp stamp_;         // likewise
  std::string read_;
  std::size_t offered_ = 0;  // bytes, by the last batch or stamp
};

}  // namespace pena::turn::test
