#include "load/crowd.hpp"

#include <array>
#include <cstring>

#include "core/one_line.hpp"

namespace pena::load {
namespace {

constexpr std::chrono::milliseconds kQuiet{50};

void refuse_unless(const PostAnswer& answer, int status) {
  if (answer.status == status) return;
  throw LoadError("the server answered " + std::to_string(answer.status) + ": " +
                  core::one_line(answer.body));
}

constexpr std::string_view kCompact = R"({"period":0,"payload":{"name":"a.png","size":1024}})";
constexpr std::string_view kSpaced =
    R"({"period": 0, "payload": {"name": "Stra\u00dfe.png", "size": 1024}})";
constexpr std::array<std::string_view, 5> kMixed{
    kCompact, kSpaced, R"({"period":0,"payload":{"at":[48.137,-11.575e0],"ok":true}})",
    R"({"period":0,"payload":{"to":null,"tags":["a",["b"]]}})",
    "{\"period\":0,\"payload\":\"Stra\xc3\x9f\x65 \xe2\x82\xac 5\"}"};

std::string_view msg_with(Payload payload, std::uint32_t number) {
  switch (payload) {
    case Payload::none:
      return R"({"period":0})";
    case Payload::compact:
      return kCompact;
    case Payload::spaced:
      return kSpaced;
    case Payload::mixed:
      return kMixed[number % kMixed.size()];
  }
  return {};
}

}  // namespace

std::string submission_of(std::uint32_t msgs, Payload payload) {
  std::string body = "[";
  for (std::uint32_t i = 0; i < msgs; ++i) {
    if (i > 0) body += ',';
    body += msg_with(payload, i);
  }
  return body + "]";
}

std::string submission_due(Clock::time_point due) {
  return R"({"period":0,"payload":)" + std::to_string(due.time_since_epoch().count()) + "}";
}

Worker::Worker(Poller& poller, const client::ServerAddress& address, const LoadSettings& settings,
               Tally& tally)
    : poller_(poller),
      address_(address),
      tally_(tally),
      submission_(settings.work == Work::submitted && !settings.rate
                      ? submission_of(settings.batchsize, settings.payload)
                      : std::string{}) {
  reading_.emplace(*this, poller, address, settings.batchsize);
  if (settings.work != Work::idle) posting_.emplace(*this, poller, address);
  if (!submission_.empty()) post("/task", submission_);
}

void Worker::post(std::string_view path, std::string_view body) {
  if (!posting_) posting_.emplace(*this, poller_, address_);
  posting_->post(path, body);
  ++asked_;
}

bool Worker::leave() {
  const auto now = Clock::now();
  if (!leaving_) quiet_since_ = now;
  leaving_ = true;
  if (!reading_) return asked_ == 0;
  if (left_ == 0 && !report_.empty()) {
    // The stream stays until the answer is there: closed before, it could be sent one batch more.
    post("/report", report_);
    report_.clear();
    said_last_ = true;
    return false;
  }
  // Who has no batch may be about to be sent one.
  const bool is_free = left_ == 0 && asked_ == 0 && (said_last_ || now - quiet_since_ > kQuiet);
  if (is_free) reading_.reset();
  return is_free;
}

void Worker::beat() {
  ++tally_.heartbeats;
  if (!heard_) ++tally_.streams;
  heard_ = true;
}

void Worker::begin(std::string_view batch, std::uint32_t size) {
  left_ = size;
  report_ = R"({"batch":")";
  report_ += batch;
  report_ += R"(","ids":[)";
}

void Worker::take(std::string_view json) {
  constexpr std::string_view kId = R"({"id":)";
  constexpr std::size_t kQuoted = 22;  // an xid and its quotes
  if (!json.starts_with(kId) || json.size() < kId.size() + kQuoted || left_ == 0) {
    throw LoadError("the server sent a msg that is not understood: " + core::one_line(json));
  }
  report_ += json.substr(kId.size(), kQuoted);
  const std::string_view rest = json.substr(kId.size() + kQuoted);
  if (rest.find(R"("attempt":)") != std::string_view::npos) ++tally_.repeated;
  if (tally_.takes_waits) {
    const auto due = static_cast<Clock::rep>(number_in(rest, "payload"));
    if (due != 0) tally_.waits.add(Clock::now().time_since_epoch() - Clock::duration{due});
  }
  if (--left_ > 0) {
    report_ += ',';
    return;
  }
  report_ += leaving_ ? R"(],"last":true})" : "]}";
  ++tally_.batches;
  if (leaving_) return;  // leave() sends the report
  post("/report", report_);
  report_.clear();
}

void Worker::answered(const PostAnswer& answer) {
  const auto now = Clock::now();
  tally_.answers.add(now - answer.sent_at);
  --asked_;
  quiet_since_ = now;
  if (answer.status == 201) return;  // its own submission; what that brings comes by the stream
  refuse_unless(answer, 200);
  tally_.reported += number_in(answer.body, "reported");
  if (!submission_.empty() && !leaving_) post("/task", submission_);
}

void Producer::submit(std::uint32_t msgs, std::string_view body) {
  msgs_ = msgs;
  post("/task", body);
}

void Producer::on_answer(const PostAnswer& answer) {
  refuse_unless(answer, 201);
  tally_.answers.add(Clock::now() - answer.sent_at);
  tally_.submitted += msgs_;
  msgs_ = 0;
}

}  // namespace pena::load
