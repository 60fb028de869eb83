// RabbitMQ: a quorum queue, publisher confirms, prefetch of a batch, one ack for a batch, over rabbitmq-c.
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include "peers/peer.hpp"

namespace pena::bench {
namespace {

constexpr amqp_channel_t kChannel = 1;
const amqp_bytes_t kQueue = amqp_cstring_bytes("jobs");

struct FreeConnection {
  void operator()(amqp_connection_state_t connection) const { amqp_destroy_connection(connection); }
};

class Connection {
 public:
  explicit Connection(const Peer& peer) : state_(amqp_new_connection()) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state());
    if (amqp_socket_open(socket, peer.host.c_str(), peer.port) != AMQP_STATUS_OK) {
      throw PeerError("rabbitmq: cannot connect");
    }
    check(amqp_login(state(), "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(state(), kChannel);
    check_last();
  }

  [[nodiscard]] amqp_connection_state_t state() const { return state_.get(); }
  void check_last() { check(amqp_get_rpc_reply(state())); }

 private:
  static void check(const amqp_rpc_reply_t& reply) {
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw PeerError("rabbitmq: a call was refused");
  }
  std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, FreeConnection> state_;
};

class Rabbitmq final : public Link {
 public:
  Rabbitmq(const Peer& peer, Role role) {
    if (role != Role::worker) {
      putting_ = std::make_unique<Connection>(peer);
      amqp_confirm_select(putting_->state(), kChannel);
      putting_->check_last();
    }
    if (role != Role::producer) {
      taking_ = std::make_unique<Connection>(peer);
      amqp_basic_qos(taking_->state(), kChannel, 0, static_cast<std::uint16_t>(peer.batchsize), 0);
      taking_->check_last();
      amqp_basic_consume(taking_->state(), kChannel, kQueue, amqp_empty_bytes, 0, 0, 0,
                         amqp_empty_table);
      taking_->check_last();
    }
  }

  void put(std::span<const std::string> bodies) override {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
    for (const std::string& body : bodies) {
      amqp_bytes_t bytes{body.size(), const_cast<char*>(body.data())};
      if (amqp_basic_publish(putting_->state(), kChannel, amqp_empty_bytes, kQueue, 0, 0,
                             &properties, bytes) != AMQP_STATUS_OK) {
        throw PeerError("rabbitmq: a message was not sent");
      }
    }
    published_ += bodies.size();
    while (confirmed_ < published_) await_confirm();
  }

  std::span<const std::string> take(std::uint32_t most, bool) override {
    bodies_.clear();
    timeval patience{0, std::chrono::microseconds{kPatience}.count()};
    timeval none{0, 0};
    while (bodies_.size() < most) {
      amqp_envelope_t envelope;
      amqp_maybe_release_buffers(taking_->state());
      const auto reply =
          amqp_consume_message(taking_->state(), &envelope, bodies_.empty() ? &patience : &none, 0);
      if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
          reply.library_error == AMQP_STATUS_TIMEOUT) {
        break;
      }
      if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw PeerError("rabbitmq: no delivery");
      bodies_.emplace_back(static_cast<const char*>(envelope.message.body.bytes),
                           envelope.message.body.len);
      last_ = envelope.delivery_tag;
      amqp_destroy_envelope(&envelope);
    }
    return bodies_;
  }

  // AMQP does not answer an ack.
  void ack() override {
    if (amqp_basic_ack(taking_->state(), kChannel, last_, 1) != AMQP_STATUS_OK) {
      throw PeerError("rabbitmq: an ack was not sent");
    }
  }

 private:
  void await_confirm() {
    amqp_frame_t frame;
    amqp_maybe_release_buffers(putting_->state());
    if (amqp_simple_wait_frame(putting_->state(), &frame) != AMQP_STATUS_OK ||
        frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
      throw PeerError("rabbitmq: a message was not confirmed");
    }
    const auto& ack = *static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
    // Without `multiple` confirms may come in any order: then they are counted.
    confirmed_ =
        ack.multiple ? std::max<std::uint64_t>(confirmed_, ack.delivery_tag) : confirmed_ + 1;
  }

  std::unique_ptr<Connection> putting_, taking_;
  std::uint64_t published_ = 0, confirmed_ = 0, last_ = 0;
  std::vector<std::string> bodies_;
};

}  // namespace

void prepare(const Peer& peer) {
  const Connection connection{peer};
  amqp_queue_delete(connection.state(), kChannel, kQueue, 0, 0);
  amqp_table_entry_t type{amqp_cstring_bytes("x-queue-type"), {}};
  type.value.kind = AMQP_FIELD_KIND_UTF8;
  type.value.value.bytes = amqp_cstring_bytes("quorum");
  const amqp_table_t arguments{1, &type};
  amqp_queue_declare(connection.state(), kChannel, kQueue, 0, 1, 0, 0, arguments);
}

std::unique_ptr<Link> connect(const Peer& peer, Role role) {
  return std::make_unique<Rabbitmq>(peer, role);
}

}  // namespace pena::bench
