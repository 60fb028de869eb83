// The requests of one connection as they come in, one after the other: what their bytes, their time and the
// room for bodies make of them. It reads no socket and has no timer:
//
//   begin() ─▶ idle ───────▶ head ────────────▶ body ──▶ Whole
//               │  a byte     │  whole, admitted  │
//               │ late, cut   │ bad, late, stop   │ bad, late, stop, no room
//               ▼             ▼                   ▼
//              Over         Refuse              Refuse
//
//   set_time(intake.begin());
//   for (auto next = intake.head(bytes); ; next = intake.head(bytes)) std::visit([](what) {
//     ReadOn     set_time() where it names one, read more: late() when it is over, cut() where the read fails
//     ParseHead  admit() what stands in the bytes [begin, end); the rest of them is for body()
//     Refuse     answer it and close, with the warning in the log
//     Over       close
//   }, next);
//   likewise body(piece, fed), which takes the piece and the room for it: until it is Whole
//
// Pure; one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/instant.hpp"
#include "core/limits.hpp"
#include "turn/body_room.hpp"
#include "turn/desk.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/head_scan.hpp"
#include "wire/header_guard.hpp"

namespace pena::turn {

struct WholeRequest {
  Request asked;
  BodyShare share;  // what the body takes of the room for all
};

class RequestIntake {
 public:
  // They outlive it.
  RequestIntake(const core::Limits& limits, const wire::GuardRules& rules, BodyRoom& room);

  struct ReadOn {
    std::optional<core::Duration> within;  // a time that begins now; none: the one before goes on
  };
  struct ParseHead {
    std::size_t begin = 0, end = 0;
  };
  struct Whole {};
  struct Refuse {
    wire::Refusal refusal;
    std::string warning;  // for the log, or nothing
  };
  struct Over {};
  using Next = std::variant<ReadOn, ParseHead, Whole, Refuse, Over>;

  // The next request. Returns for how long the connection may idle before it.
  [[nodiscard]] core::Duration begin();
  // `bytes`: all that came since.
  [[nodiscard]] Next head(std::string_view bytes);
  [[nodiscard]] Next admit(const wire::RequestHead& head);
  // The head's bytes are good, and yet nobody can read them.
  [[nodiscard]] Next refuse(wire::Refusal refusal, std::string warning = {});
  // `fed` of the bytes are the body's; those behind it are the next request's.
  [[nodiscard]] Next body(std::string_view bytes, std::size_t& fed);
  // How many bytes of the body to read at once.
  [[nodiscard]] std::size_t most() const;
  // The client waits for a 100 before it sends the body.
  [[nodiscard]] bool owes_continue() const;

  // The time is over.
  [[nodiscard]] Next late();
  // A read failed: the peer is gone, or the server, which stops, ended it.
  enum class Cut : std::uint8_t { gone, stop };
  [[nodiscard]] Next cut(Cut why);

  // Once it is whole.
  [[nodiscard]] WholeRequest& request() { return *request_; }
  // Of the request that came last, as far as it did: its method and target; its answer has no body; it may
  // be answered in chunks, as HTTP/1.1 is; the connection may go on.
  [[nodiscard]] const std::string& asked() const { return asked_; }
  [[nodiscard]] bool is_head() const { return is_head_; }
  [[nodiscard]] bool reads_chunks() const { return reads_chunks_; }
  [[nodiscard]] bool keep_alive() const { return admitted_.keep_alive; }

 private:
  enum class Stage : std::uint8_t { idle, head, body };

  void note(const wire::RequestLine& line);
  [[nodiscard]] bool is_whole() const { return chunks_ ? chunks_->done() : missing_ == 0; }
  // Of the bytes those that are data, as far as they are of one piece.
  wire::Outcome<std::string_view> take_piece(std::string_view bytes, std::size_t& fed);
  [[nodiscard]] Next refuse_late(const std::string& what, core::Duration time);
  [[nodiscard]] Next refuse_for_room();

  const core::Limits& limits_;
  const wire::GuardRules& rules_;
  BodyRoom& room_;
  Stage stage_ = Stage::idle;
  wire::HeadScan scan_;
  wire::Admitted admitted_;
  std::optional<WholeRequest> request_;      // from when its head is admitted
  std::size_t missing_ = 0;                  // of a body that told its length
  std::optional<wire::ChunkReader> chunks_;  // of one that did not
  bool has_body_ = false;                    // some of it has come
  std::string asked_;
  bool is_head_ = false;
  bool reads_chunks_ = false;
};

}  // namespace pena::turn
