// NATS JetStream: a work queue in files, published asynchronously, pulled in batches, over libnats.
#include <nats/nats.h>

#include "peers/peer.hpp"

namespace pena::bench {
namespace {

constexpr std::uint32_t kLarge = 100;

void check(natsStatus status) {
  if (status != NATS_OK) {
    throw PeerError(std::string{"nats: "} + natsStatus_GetText(status) + ": " +
                    (nats_GetLastError(nullptr) != nullptr ? nats_GetLastError(nullptr) : ""));
  }
}

class Nats final : public Link {
 public:
  explicit Nats(const Peer& peer, Role role = Role::both) {
    const std::string url = "nats://" + peer.host + ":" + std::to_string(peer.port);
    natsOptions* options = nullptr;
    check(natsOptions_Create(&options));
    check(natsOptions_SetURL(options, url.c_str()));
    // Otherwise the library waits for a millisecond for more to send along: a loss where there is none,
    // and a gain for large batches.
    check(natsOptions_SetSendAsap(options, role != Role::both || peer.batchsize < kLarge));
    const natsStatus connected = natsConnection_Connect(&connection_, options);
    natsOptions_Destroy(options);
    check(connected);
    check(natsConnection_JetStream(&stream_, connection_, nullptr));
  }
  ~Nats() override {
    forget();
    natsSubscription_Destroy(subscription_);
    jsCtx_Destroy(stream_);
    natsConnection_Destroy(connection_);
  }
  Nats(const Nats&) = delete;
  Nats& operator=(const Nats&) = delete;

  void make_queue() {
    js_DeleteStream(stream_, "JOBS", nullptr, nullptr);  // there may be none
    jsStreamConfig config;
    check(jsStreamConfig_Init(&config));
    const char* subjects[] = {"jobs"};
    config.Name = "JOBS";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Retention = js_WorkQueuePolicy;
    config.Storage = js_FileStorage;
    check(js_AddStream(nullptr, stream_, &config, nullptr, nullptr));
    jsConsumerConfig consumer;
    check(jsConsumerConfig_Init(&consumer));
    consumer.Durable = "workers";
    consumer.AckPolicy = js_AckExplicit;
    consumer.MaxAckPending = 1'000'000;
    check(js_AddConsumer(nullptr, stream_, "JOBS", &consumer, nullptr, nullptr));
  }

  void subscribe() {
    check(js_PullSubscribe(&subscription_, stream_, "jobs", "workers", nullptr, nullptr, nullptr));
  }

  void put(std::span<const std::string> bodies) override {
    for (const std::string& body : bodies) {
      check(js_PublishAsync(stream_, "jobs", body.data(), static_cast<int>(body.size()), nullptr));
    }
    check(js_PublishAsyncComplete(stream_, nullptr));
  }

  std::span<const std::string> take(std::uint32_t most, bool) override {
    bodies_.clear();
    natsMsgList list{};
    const natsStatus status = natsSubscription_Fetch(&list, subscription_, static_cast<int>(most),
                                                     kPatience.count(), nullptr);
    if (status == NATS_TIMEOUT) return bodies_;
    check(status);
    for (int i = 0; i < list.Count; ++i) {
      natsMsg* const msg = list.Msgs[i];
      bodies_.emplace_back(natsMsg_GetData(msg),
                           static_cast<std::size_t>(natsMsg_GetDataLength(msg)));
      taken_.push_back(msg);
      list.Msgs[i] = nullptr;  // kept for its ack
    }
    natsMsgList_Destroy(&list);
    return bodies_;
  }

  // The last waits for the server's answer.
  void ack() override {
    for (std::size_t i = 0; i + 1 < taken_.size(); ++i) check(natsMsg_Ack(taken_[i], nullptr));
    if (!taken_.empty()) check(natsMsg_AckSync(taken_.back(), nullptr, nullptr));
    forget();
  }

 private:
  void forget() {
    for (natsMsg* msg : taken_) natsMsg_Destroy(msg);
    taken_.clear();
  }

  natsConnection* connection_ = nullptr;
  jsCtx* stream_ = nullptr;
  natsSubscription* subscription_ = nullptr;
  std::vector<natsMsg*> taken_;
  std::vector<std::string> bodies_;
};

}  // namespace

void prepare(const Peer& peer) {
  Nats{peer}.make_queue();
}

std::unique_ptr<Link> connect(const Peer& peer, Role role) {
  auto link = std::make_unique<Nats>(peer, role);
  if (role != Role::producer) link->subscribe();
  return link;
}

}  // namespace pena::bench
