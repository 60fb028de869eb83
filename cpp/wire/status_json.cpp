#include "wire/status_json.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/number_text.hpp"
#include "wire/json.hpp"
#include "wire/json_text.hpp"

namespace pena::wire {
namespace {

using core::Status;
using IsWanted = std::function<bool(core::QueueNumber)>;

// The members of an object, each but the first with a comma in front. Ends it when it goes.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  void add(std::string_view key, std::string_view json) {
    if (out_.back() != '{') out_ += ',';
    out_.append("\"").append(key).append("\":").append(json);
  }
  void add(std::string_view key, std::uint64_t number) { add(key, std::to_string(number)); }
  void add(std::string_view key, const core::Xid& id) { add(key, json_string(id.text())); }
  void add_text(std::string_view key, std::string_view text) {
    if (!text.empty()) add(key, json_string(text));
  }

 private:
  std::string& out_;
};

// A list of objects, each written by `add_one`.
template <class Entries, class AddOne>
std::string list_json(const Entries& entries, AddOne add_one) {
  std::string out = "[";
  for (const auto& entry : entries) {
    add_one(out, entry);
    out += ',';
  }
  if (out.back() == ',') out.pop_back();
  return out + ']';
}

// What is over has nothing left.
std::uint64_t whole_ms(core::Duration time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(core::to_ms(time), 0));
}

// In thousandths, as far as a number has them.
std::string rate(double a_second) {
  return core::number_text(std::round(a_second * 1000) / 1000);
}

std::string_view word(core::Lease::State state) {
  switch (state) {
    case core::Lease::State::running:
      return "running";
    case core::Lease::State::dropped:
      return "dropped";
    case core::Lease::State::expired:
      break;
  }
  return "expired";
}

void append_client(std::string& out, const core::ClientNow& client) {
  Object object(out);
  object.add("client", client.id);
  object.add_text("name", client.name);
  object.add_text("address", client.address);
  object.add("queues", list_json(client.queues, [](std::string& to, std::string_view name) {
               to += json_string(name);
             }));
  if (client.submitted_only) object.add("submitted", "true");
  object.add("batchsize", client.batchsize);
  object.add("since", json_date(client.since));
  object.add("holds", client.holds);
  if (!client.batch) return;
  object.add("batch", *client.batch);
  object.add("lease_left", whole_ms(client.left));
}

std::vector<core::Xid> ids_of(const core::Batch& batch, const IsWanted& is_wanted) {
  std::vector<core::Xid> ids;
  for (const core::QueuedMsg& msg : batch.msgs) {
    if (is_wanted(msg.msg.queue)) ids.push_back(msg.msg.id);
  }
  return ids;
}

void append_batch(std::string& out, const core::BatchNow& held, core::Instant date,
                  const IsWanted& is_wanted) {
  const core::Batch& batch = *held.batch;
  Object object(out);
  object.add("batch", batch.id);
  object.add("client", batch.client);
  object.add_text("name", batch.client_name);
  object.add("granted_at", json_date(batch.granted_at));
  object.add("state", json_string(word(held.state)));
  object.add("until", json_date(date + held.left));
  object.add("lease_left", whole_ms(held.left));
  std::string ids;
  append_ids(ids, ids_of(batch, is_wanted));
  object.add("ids", ids);
}

void append_queue(std::string& out, const core::QueueNow& queue, const QueueHas& has,
                  core::Instant date) {
  Object object(out);
  object.add("queue", json_string(queue.name));
  object.add("paused", queue.paused ? "true" : "false");
  object.add("clients", queue.clients);
  object.add("queued", has.queued);
  object.add("later", has.later);
  object.add("held", queue.held);
  object.add("reported", has.reported);
  object.add("failed", has.failed);
  if (has.oldest) object.add("oldest_ms", whole_ms(date - *has.oldest));
}

std::string rates_json(const core::Rates& rates) {
  std::string out;
  {
    Object object(out);
    object.add("submitted", rate(rates.submitted));
    object.add("generated", rate(rates.generated));
    object.add("sent", rate(rates.sent));
    object.add("reported", rate(rates.reported));
    object.add("missed", rate(rates.missed));
    object.add("failed", rate(rates.failed));
    object.add("over_ms", whole_ms(rates.over));
  }
  return out;
}

std::string queues_json(const Status& status, const std::vector<QueueHas>& has) {
  std::size_t next = 0;
  return list_json(status.queues, [&](std::string& to, const core::QueueNow& queue) {
    append_queue(to, queue, has.at(next++), status.date);
  });
}

}  // namespace

std::string clients_json(const Status& status) {
  std::string out;
  {
    Object object(out);
    object.add("clients", list_json(status.clients, append_client));
    if (status.more && !status.clients.empty()) object.add("next", status.clients.back().id);
  }
  return out;
}

std::string batches_json(const Status& status, const IsWanted& is_wanted) {
  std::string out;
  {
    Object object(out);
    object.add("batches",
               list_json(status.batches, [&](std::string& to, const core::BatchNow& held) {
                 append_batch(to, held, status.date, is_wanted);
               }));
    if (status.more && !status.batches.empty()) {
      object.add("next", status.batches.back().batch->id);
    }
  }
  return out;
}

std::string stats_json(const Status& status, const std::vector<QueueHas>& has,
                       std::string_view counts) {
  const core::Counts& now = status.counts;
  std::string out;
  {
    Object object(out);
    object.add("clients", R"({"free":)" + std::to_string(now.clients_free) + R"(,"busy":)" +
                              std::to_string(now.clients_busy) + '}');
    object.add("queued", status.queued);
    object.add("later", status.later);
    object.add("held", now.held);
    object.add("reports", status.reports);
    object.add("fails", status.fails);
    object.add("counts", counts);
    object.add("per_second", rates_json(status.rates));
    object.add("queues", queues_json(status, has));
    if (status.more && !status.queues.empty()) {
      object.add_text("next", status.queues.back().name);
    }
  }
  return out;
}

std::string paused_json(std::string_view queue, bool paused, bool unknown) {
  std::string out;
  {
    Object object(out);
    object.add("queue", json_string(queue));
    object.add("paused", paused ? "true" : "false");
    if (unknown) object.add("known", "false");
  }
  return out;
}

}  // namespace pena::wire
