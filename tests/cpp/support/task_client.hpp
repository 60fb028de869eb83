// One `GET /task` stream as a program without any library reads it: line by line.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/http_client.hpp"

namespace pena::test {

struct ReceivedBatch {
  std::string id;
  std::vector<std::string> ids;       // of its msgs
  std::vector<std::string> data;      // of its msgs, as it came
  std::vector<std::string> comments;  // between its events
};

class TaskClient {
 public:
  TaskClient(std::uint16_t port, unsigned batchsize, const std::string& more = {},
             int receive_buffer = 0)
      : http_(port, receive_buffer) {
    http_.send(HttpClient::head("GET", "/task?batchsize=" + std::to_string(batchsize) + more));
    head = http_.read_head();
    if (head.status != 200) throw std::runtime_error("GET /task: " + std::to_string(head.status));
  }

  [[nodiscard]] std::string id() const { return head.field("pena-client"); }

  // Waits for a batch and returns it whole.
  [[nodiscard]] ReceivedBatch next_batch() {
    std::string line;
    while (!line.starts_with(": batch=")) line = next_line();
    ReceivedBatch batch;
    batch.id = word(line, "batch=");
    const std::size_t size = std::stoul(word(line, "size="));
    while (batch.data.size() < size) {
      line = next_line();
      if (line.starts_with("data: ")) {
        batch.data.push_back(line.substr(6));
        batch.ids.push_back(line.substr(13, 20));
      } else if (line.starts_with(':')) {
        batch.comments.push_back(line);
      } else if (line.starts_with("id: ") && line.substr(4) != batch.id) {
        throw std::runtime_error("an event of another batch: " + line);
      } else if (!line.empty() && !line.starts_with("id: ") && !line.starts_with("retry: ")) {
        throw std::runtime_error("no line of a stream: \"" + line + "\"");
      }
    }
    return batch;
  }
  // Without its end.
  [[nodiscard]] std::string next_line() {
    std::size_t end = std::string::npos;
    while ((end = text_.find('\n')) == std::string::npos) {
      const std::string some = read_text();
      if (some.empty()) throw std::runtime_error("the stream ended after \"" + text_ + "\"");
      text_ += some;
    }
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }
  // A comment that is not about a batch, such as a heartbeat.
  [[nodiscard]] std::string next_comment() {
    std::string line;
    while (!line.starts_with(':')) line = next_line();
    return line;
  }
  // What is left until the server closes.
  [[nodiscard]] std::string read_to_end() {
    for (std::string some = read_text(); !some.empty(); some = read_text()) text_ += some;
    return std::exchange(text_, {});
  }
  // The last chunk has come: the stream ended well, and was not cut.
  [[nodiscard]] bool ended_well() const { return ended_well_; }
  void close() { http_.close(); }

  HttpAnswer head;

 private:
  // What comes next of the text, at least a byte; empty: the stream is over.
  [[nodiscard]] std::string read_text() {
    if (head.field("transfer-encoding") != "chunked") return http_.read_some();
    const auto chunk = http_.read_chunk();
    ended_well_ = chunk && chunk->empty();
    return chunk.value_or("");
  }
  static std::string word(const std::string& line, const std::string& name) {
    const auto begin = line.find(name) + name.size();
    return line.substr(begin, line.find(' ', begin) - begin);
  }

  HttpClient http_;
  std::string text_;  // of a line that is not whole
  bool ended_well_ = false;
};

}  // namespace pena::test
