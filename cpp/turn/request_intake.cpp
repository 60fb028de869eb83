#include "turn/request_intake.hpp"

#include <utility>

#include "turn/routes.hpp"

namespace pena::turn {
namespace {

// What follows a chunked body in the same piece belongs to the next request, and has to be kept.
constexpr std::size_t kChunkedPiece = 16UL * 1024;

// Reports have some of the room to themselves.
bool is_report(std::string_view method, std::string_view path) {
  const auto found = find_route(method, path);
  const Route* const route = std::get_if<Route>(&found);
  return route != nullptr && *route == Route::report;
}

}  // namespace

RequestIntake::RequestIntake(const core::Limits& limits, const wire::GuardRules& rules,
                             BodyRoom& room)
    : limits_(limits), rules_(rules), room_(room), scan_(limits) {}

core::Duration RequestIntake::begin() {
  stage_ = Stage::idle;
  scan_ = wire::HeadScan{limits_};
  request_.reset();
  has_body_ = is_head_ = reads_chunks_ = false;
  asked_.clear();
  return limits_.idle_time;
}

// ---- the head

RequestIntake::Next RequestIntake::head(std::string_view bytes) {
  const auto is_whole = scan_.look(bytes);
  if (const auto line = scan_.request_line(bytes); line && asked_.empty()) note(*line);
  if (!is_whole) return refuse(is_whole.refusal());
  if (*is_whole) return ParseHead{scan_.begin(), scan_.end()};
  if (stage_ != Stage::idle || !scan_.has_begun(bytes)) return ReadOn{};
  stage_ = Stage::head;
  return ReadOn{limits_.header_time};
}

void RequestIntake::note(const wire::RequestLine& line) {
  asked_.assign(line.method).append(" ").append(line.target);
  is_head_ = line.method == "HEAD";
  reads_chunks_ = line.minor_version >= 1;
}

RequestIntake::Next RequestIntake::admit(const wire::RequestHead& head) {
  auto admitted = wire::guard_head(head, rules_, limits_);
  if (!admitted) return refuse(admitted.refusal());
  admitted_ = *std::move(admitted);
  BodyShare share{room_, is_report(head.method, admitted_.target.path)};
  request_.emplace(WholeRequest{{std::string{head.method},
                                 std::move(admitted_.target.path),
                                 std::move(admitted_.target.query),
                                 {}},
                                std::move(share)});
  missing_ = admitted_.length;
  chunks_.reset();
  if (admitted_.is_chunked) chunks_.emplace(limits_);
  stage_ = Stage::body;
  if (is_whole()) return Whole{};
  return ReadOn{limits_.body_time};
}

// ---- the body

bool RequestIntake::owes_continue() const {
  return admitted_.expects_continue && !has_body_;
}

std::size_t RequestIntake::most() const {
  return chunks_ ? kChunkedPiece : missing_;
}

RequestIntake::Next RequestIntake::body(std::string_view bytes, std::size_t& fed) {
  fed = 0;
  while (fed < bytes.size() && !is_whole()) {
    const auto data = take_piece(bytes, fed);
    if (!data) return refuse(data.refusal());
    const auto whole = chunks_ ? std::nullopt : std::optional{admitted_.length};
    if (!request_->share.append(request_->asked.body, *data, whole, limits_.body_bytes)) {
      return refuse_for_room();
    }
  }
  has_body_ = has_body_ || fed > 0;
  if (is_whole()) return Whole{};
  return ReadOn{};
}

wire::Outcome<std::string_view> RequestIntake::take_piece(std::string_view bytes,
                                                          std::size_t& fed) {
  if (!chunks_) {
    const std::string_view data = bytes.substr(fed, missing_);
    fed += data.size();
    missing_ -= data.size();
    return data;
  }
  const auto step = chunks_->feed(bytes.substr(fed));
  if (!step) return step.refusal();
  fed += step->fed;
  return step->data;
}

// ---- what ends it before it is whole

RequestIntake::Next RequestIntake::refuse(wire::Refusal refusal, std::string warning) {
  request_.reset();  // and what its body takes of the room
  return Refuse{std::move(refusal), std::move(warning)};
}

RequestIntake::Next RequestIntake::refuse_for_room() {
  const std::string most = std::to_string(limits_.bodies_bytes) + " bytes";
  std::string warning;
  if (room_.note_full()) {
    warning = "the bodies of all requests in flight have " + most +
              ", as many as they may: more are refused";
  }
  return refuse({503, "the bodies of all requests in flight fill " + most + "; try again later"},
                std::move(warning));
}

RequestIntake::Next RequestIntake::late() {
  if (stage_ == Stage::idle) return Over{};
  return stage_ == Stage::head ? refuse_late("header", limits_.header_time)
                               : refuse_late("body", limits_.body_time);
}

RequestIntake::Next RequestIntake::refuse_late(const std::string& what, core::Duration time) {
  return refuse({408, "the " + what + " is not there; expected it whole within " +
                          std::to_string(core::to_ms(time)) + " ms"});
}

RequestIntake::Next RequestIntake::cut(Cut why) {
  if (why == Cut::gone || stage_ == Stage::idle) return Over{};
  return refuse({503,
                 "the server stops, and nothing of the request has been done, for it is not there "
                 "whole; try again later"});
}

}  // namespace pena::turn
