// Redis Streams: XADD, XREADGROUP, XACK and XDEL, pipelined, over hiredis.
#include <hiredis/hiredis.h>

#include "peers/peer.hpp"

namespace pena::bench {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class Redis final : public Link {
 public:
  explicit Redis(const Peer& peer)
      : context_(redisConnect(peer.host.c_str(), peer.port)),
        consumer_(std::to_string(context_ ? context_->fd : 0)) {
    if (!context_ || context_->err != 0) throw PeerError("redis: cannot connect");
  }

  Reply call(std::initializer_list<std::string_view> words) {
    append(words);
    return reply();
  }

  void put(std::span<const std::string> bodies) override {
    for (const std::string& body : bodies) append({"XADD", "jobs", "*", "body", body});
    for (std::size_t i = 0; i < bodies.size(); ++i) reply();
  }

  std::span<const std::string> take(std::uint32_t most, bool) override {
    bodies_.clear();
    const Reply answer =
        call({"XREADGROUP", "GROUP", "workers", consumer_, "COUNT", std::to_string(most), "BLOCK",
              std::to_string(kPatience.count()), "STREAMS", "jobs", ">"});
    if (answer->type == REDIS_REPLY_NIL) return bodies_;
    // One stream: its name and its entries; an entry: its id, and names and values.
    const redisReply& entries = *answer->element[0]->element[1];
    for (std::size_t i = 0; i < entries.elements; ++i) {
      const redisReply& entry = *entries.element[i];
      ids_.emplace_back(text(*entry.element[0]));
      bodies_.emplace_back(text(*entry.element[1]->element[1]));
    }
    return bodies_;
  }

  void ack() override {
    std::vector<std::string_view> words{"XACK", "jobs", "workers"};
    words.insert(words.end(), ids_.begin(), ids_.end());
    append(words);
    words.erase(words.begin() + 2);
    words[0] = "XDEL";
    append(words);
    reply();
    reply();
    ids_.clear();
  }

 private:
  static std::string_view text(const redisReply& reply) { return {reply.str, reply.len}; }

  void append(std::span<const std::string_view> words) {
    std::vector<const char*> at;
    std::vector<std::size_t> sizes;
    for (const std::string_view word : words) {
      at.push_back(word.data());
      sizes.push_back(word.size());
    }
    redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), at.data(), sizes.data());
  }
  void append(std::initializer_list<std::string_view> words) {
    append(std::span<const std::string_view>{words.begin(), words.size()});
  }

  Reply reply() {
    void* got = nullptr;
    if (redisGetReply(context_.get(), &got) != REDIS_OK) {
      throw PeerError(std::string{"redis: "} + context_->errstr);
    }
    Reply answer{static_cast<redisReply*>(got)};
    if (answer->type == REDIS_REPLY_ERROR) {
      throw PeerError("redis: " + std::string{text(*answer)});
    }
    return answer;
  }

  std::unique_ptr<redisContext, FreeContext> context_;
  std::string consumer_;
  std::vector<std::string> ids_, bodies_;
};

}  // namespace

void prepare(const Peer& peer) {
  Redis link{peer};
  link.call({"DEL", "jobs"});
  link.call({"XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"});
}

std::unique_ptr<Link> connect(const Peer& peer, Role) {
  return std::make_unique<Redis>(peer);
}

}  // namespace pena::bench
