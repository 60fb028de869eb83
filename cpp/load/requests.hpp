// POST after POST on a connection that stays, and the stream of one worker: what goes out, and the
// little that the load generator wants to know of what comes in.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "load/link.hpp"
#include "wire/chunk_reader.hpp"

namespace pena::load {

struct PostAnswer {
  int status = 0;
  std::string_view body;
  Clock::time_point sent_at;
};

// Any number of POSTs may be on the way; the answers come in their order.
class Poster : public Link {
 public:
  Poster(Poller& poller, const client::ServerAddress& address);
  void post(std::string_view path, std::string_view body);

 protected:
  virtual void on_answer(const PostAnswer& answer) = 0;

 private:
  void on_bytes(std::string_view bytes) final;

  std::string host_;
  std::string request_;  // kept for its room
  std::string waiting_;  // of an answer that is not whole
  std::deque<Clock::time_point> sent_at_;
};

class Stream : public Link {
 public:
  Stream(Poller& poller, const client::ServerAddress& address, std::uint32_t batchsize);

 protected:
  virtual void on_batch(std::string_view id, std::uint32_t size) = 0;
  // `json` is the msg: {"id":"…","period":…}
  virtual void on_msg(std::string_view json) = 0;
  virtual void on_heartbeat() = 0;

 private:
  void on_bytes(std::string_view bytes) final;
  // Good where the last chunk has come.
  void on_end() final;
  void take_text(std::string_view bytes);
  void take_line(std::string_view line);

  std::string waiting_;  // of a head or line that is not whole
  std::string last_words_;
  bool in_body_ = false;
  std::optional<wire::ChunkReader> chunks_;  // none where the body comes as it is
};

// The number behind `"name":` in JSON as the server writes it, or 0.
[[nodiscard]] std::uint64_t number_in(std::string_view json, std::string_view name);

}  // namespace pena::load
