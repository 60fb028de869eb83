#include "load/requests.hpp"

#include <charconv>
#include <cstring>

#include "core/one_line.hpp"
#include "load/load.hpp"

namespace pena::load {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::uint64_t number_at(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t number_after(std::string_view text, std::string_view mark) {
  const std::size_t at = text.find(mark);
  return at == std::string_view::npos ? 0 : number_at(text.substr(at + mark.size()));
}

int status_of(std::string_view head) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!head.starts_with(kVersion)) throw LoadError("what answers does not speak HTTP/1.1");
  return static_cast<int>(number_at(head.substr(kVersion.size())));
}

}  // namespace

std::uint64_t number_in(std::string_view json, std::string_view name) {
  return number_after(json, "\"" + std::string{name} + "\":");
}

Poster::Poster(Poller& poller, const client::ServerAddress& address)
    : Link(poller, address), host_(address.host_header) {}

void Poster::post(std::string_view path, std::string_view body) {
  request_ = "POST ";
  request_ += path;
  request_ += " HTTP/1.1\r\nHost: ";
  request_ += host_;
  request_ += "\r\nContent-Length: " + std::to_string(body.size());
  request_ += kHeadEnd;
  request_ += body;
  sent_at_.push_back(Clock::now());
  send(request_);
}

void Poster::on_bytes(std::string_view bytes) {
  // An answer comes in one piece as a rule: then nothing is copied.
  if (!waiting_.empty()) {
    waiting_ += bytes;
    bytes = waiting_;
  }
  std::size_t done = 0;
  while (true) {
    const std::string_view rest = bytes.substr(done);
    const std::size_t head_end = rest.find(kHeadEnd);
    if (head_end == std::string_view::npos) break;
    const std::string_view head = rest.substr(0, head_end);
    const std::size_t size = number_after(head, "Content-Length: ");
    const std::size_t body_at = head_end + kHeadEnd.size();
    if (rest.size() < body_at + size) break;
    if (sent_at_.empty()) throw LoadError("an answer came that nobody asked for");
    const PostAnswer answer{status_of(head), rest.substr(body_at, size), sent_at_.front()};
    sent_at_.pop_front();
    on_answer(answer);
    done += body_at + size;
  }
  waiting_ = std::string{bytes.substr(done)};
}

Stream::Stream(Poller& poller, const client::ServerAddress& address, std::uint32_t batchsize)
    : Link(poller, address) {
  send("GET /task?batchsize=" + std::to_string(batchsize) +
       "&short=1 HTTP/1.1\r\nHost: " + address.host_header + std::string{kHeadEnd});
}

void Stream::on_bytes(std::string_view bytes) {
  if (!in_body_) {
    waiting_ += bytes;
    const std::size_t end = waiting_.find(kHeadEnd);
    if (end == std::string::npos) return;
    if (const int status = status_of(waiting_); status != 200) {
      const std::string_view body = std::string_view{waiting_}.substr(end + kHeadEnd.size());
      throw LoadError("the server refused a stream: " + std::to_string(status) + ": " +
                      core::one_line(body));
    }
    in_body_ = true;
    const std::string_view head = std::string_view{waiting_}.substr(0, end);
    if (head.find("\r\nTransfer-Encoding: chunked") != std::string_view::npos) {
      core::Limits endless;
      endless.body_bytes = endless.framing_bytes = SIZE_MAX;
      chunks_.emplace(endless);
    }
    const std::string rest = waiting_.substr(end + kHeadEnd.size());
    waiting_.clear();
    return on_bytes(rest);
  }
  if (!chunks_) return take_text(bytes);
  while (!bytes.empty() && !chunks_->done()) {
    const auto step = chunks_->feed(bytes);
    if (!step) throw LoadError("the server sent a stream that is not understood");
    take_text(step->data);
    bytes.remove_prefix(step->fed);
  }
}

void Stream::take_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const void* const found = std::memchr(bytes.data(), '\n', bytes.size());
    if (found == nullptr) {
      waiting_ += bytes;
      return;
    }
    const auto length = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (waiting_.empty()) {
      take_line(bytes.substr(0, length));
    } else {
      waiting_ += bytes.substr(0, length);
      take_line(waiting_);
      waiting_.clear();
    }
    bytes.remove_prefix(length + 1);
  }
}

void Stream::take_line(std::string_view line) {
  constexpr std::string_view kData = "data: ";
  constexpr std::string_view kBatch = ": batch=";
  constexpr std::string_view kBye = ": bye ";
  if (line.starts_with(kData)) return on_msg(line.substr(kData.size()));
  if (line.starts_with(kBatch)) {
    const std::string_view id = line.substr(kBatch.size(), line.find(' ', 2) - kBatch.size());
    return on_batch(id, static_cast<std::uint32_t>(number_after(line, " size=")));
  }
  if (line.starts_with(": at=")) return on_heartbeat();
  if (line.starts_with(kBye)) last_words_ = line.substr(kBye.size());
}

void Stream::on_end() {
  if (chunks_ && chunks_->done()) return;
  if (last_words_.empty()) return Link::on_end();
  throw LoadError("the server ended a stream: " + core::one_line(last_words_));
}

}  // namespace pena::load
