#include "core/describe.hpp"

#include <array>
#include <string_view>
#include <vector>

#include "core/one_line.hpp"

namespace pena::core {
namespace {

// "[a b c]", or "[a b … 7 more]".
template <class Range, class Write>
std::string list(const Range& range, Write write, std::size_t most = SIZE_MAX) {
  std::string text = "[";
  std::size_t written = 0;
  for (const auto& element : range) {
    if (text.size() > 1) text += ' ';
    if (written++ == most) {
      text += "… " + std::to_string(range.size() - most) + " more";
      break;
    }
    text += write(element);
  }
  return text + "]";
}

struct Describer {
  const Wording& wording;

  [[nodiscard]] std::string name(const Xid& xid) const { return wording.id(xid); }
  [[nodiscard]] std::string names(const std::vector<Xid>& xids) const {
    return list(xids, wording.id, wording.most);
  }
  [[nodiscard]] std::string attempts(const Batch& batch) const {
    return list(batch.msgs, [this](const QueuedMsg& msg) {
      return name(msg.msg.id) + "/" + std::to_string(msg.attempt());
    });
  }
  [[nodiscard]] std::string why(const std::vector<Miss>& misses) const {
    if (misses.empty()) return "";
    return " " + list(misses, [](const Miss& missed) { return std::string{word(missed.reason)}; });
  }
  [[nodiscard]] std::string msgs(const std::vector<Msg>& given) const {
    return list(
        given, [this](const Msg& msg) { return name(msg.id) + ":" + std::to_string(msg.period); },
        wording.most);
  }

  // Events.
  std::string operator()(const Submitted& event) const { return "submitted " + msgs(event.msgs); }
  std::string operator()(const Generated& event) const { return "generated " + msgs(event.msgs); }
  std::string operator()(const SupplyChanged& event) const {
    constexpr std::array<std::string_view, 3> kWords{"none", "later", "open"};
    return "supply " + std::string{kWords.at(static_cast<std::size_t>(event.supply))};
  }
  std::string operator()(const ClientJoined& event) const {
    const auto& queues = event.queues;
    const bool is_usual = queues.empty() || queues == std::vector{std::string{kDefaultQueueName}};
    return "joined " + name(event.client) + " batchsize=" + std::to_string(event.batchsize) +
           (event.takes_short ? " short" : "") +
           (event.batches ? " batches=" + std::to_string(*event.batches) : "") +
           (event.submitted_only ? " submitted" : "") +
           (is_usual ? ""
                     : " queues=" + list(queues, [](const std::string& queue) { return queue; })) +
           describe_name(event.name) + (event.address.empty() ? "" : " from=" + event.address);
  }
  std::string operator()(const ClientLost& event) const {
    return "lost " + name(event.client) + describe_name(event.name);
  }
  std::string operator()(const Reported& event) const {
    if (event.client) return "takes no more " + name(*event.client);
    std::string text = "reported";
    if (event.batch) text += " " + name(*event.batch);
    text += " " + names(event.ids);
    if (!event.failed.empty()) {
      text +=
          " failed=" + list(
                           event.failed, [this](const FailedId& failed) { return name(failed.id); },
                           wording.most);
    }
    if (!event.refused.empty()) text += " refused=" + names(event.refused);
    return text + (event.partial ? " partial" : "") + (event.last ? " last" : "");
  }
  std::string operator()(const TimeReached& /*event*/) const { return "time reached"; }
  std::string operator()(const ClockRead& event) const {
    return "clock read ahead=" + std::to_string(event.ahead.count()) + "us";
  }
  std::string operator()(const Refilled& event) const {
    return "refilled " + std::to_string(event.msgs.size()) + (event.more ? " more" : "");
  }
  std::string operator()(const BodiesRead& event) const {
    return "read " + list(event.msgs, [this](const QueuedMsg& msg) { return name(msg.msg.id); });
  }
  std::string operator()(const DueRead& event) const {
    return "due " + list(event.msgs, [this](const QueuedMsg& msg) { return name(msg.msg.id); });
  }
  std::string operator()(const BulkAsked& event) const {
    constexpr std::array<std::string_view, 4> kWords{"retry", "forget fails", "forget reports",
                                                     "forget waiting"};
    return std::string{kWords.at(static_cast<std::size_t>(event.what))} + " " +
           (event.ids ? names(*event.ids) : "all") + (event.dry_run ? " dry run" : "");
  }
  std::string operator()(const BulkRead& event) const {
    return "read in bulk " +
           std::to_string(event.fails.size() + event.reports.size() + event.waiting.size()) +
           (event.more ? " more" : "");
  }
  std::string operator()(const PauseAsked& event) const {
    return (event.paused ? "pause " : "resume ") + event.queue;
  }
  std::string operator()(const StatusAsked& /*event*/) const { return "status"; }
  std::string operator()(const RoomRunsOut& event) const {
    return event.does ? "room runs out" : "room is there";
  }
  std::string operator()(const DrainBegan& /*event*/) const { return "drain began"; }

  // Writes.
  std::string operator()(const PutQueue& write) const {
    return "write queue " + name(write.msg.msg.id) +
           " attempt=" + std::to_string(write.msg.attempt()) + why(write.msg.misses);
  }
  std::string operator()(const DropQueue& write) const { return "drop queue " + name(write.id); }
  std::string operator()(const PutLater& write) const {
    return "write later " + name(write.msg.msg.id) +
           " attempt=" + std::to_string(write.msg.attempt()) +
           " due=" + wording.instant(write.msg.queued_at) + why(write.msg.misses);
  }
  std::string operator()(const DropLater& write) const { return "drop later " + name(write.id); }
  std::string operator()(const PutBatch& write) const {
    return "write batch " + name(write.batch->id) + " client=" + name(write.batch->client) + " " +
           attempts(*write.batch);
  }
  std::string operator()(const DropBatch& write) const { return "drop batch " + name(write.id); }
  std::string operator()(const PutReport& write) const {
    const ReportFields fields = write.fields();
    return "write report " + name(fields.id) + " attempts=" + std::to_string(fields.attempts) +
           why(fields.misses);
  }
  std::string operator()(const DropReport& write) const { return "drop report " + name(write.id); }
  std::string operator()(const DropFail& write) const { return "drop fail " + name(write.id); }
  std::string operator()(const PutKey& write) const {
    return "write key " + std::to_string(write.queue) + "/" + write.key + "=" + name(write.id);
  }
  std::string operator()(const DropKey& write) const {
    return "drop key " + std::to_string(write.queue) + "/" + write.key;
  }
  std::string operator()(const PutQueueName& write) const {
    return "write queue name " + std::to_string(write.queue) + "=" + write.name +
           (write.paused ? " paused" : "");
  }
  std::string operator()(const PutFail& write) const {
    return "write fail " + name(write.record.msg.id) + why(write.record.misses);
  }
  std::string operator()(const PutMeta& write) const {
    return "write meta " + write.key + "=" + std::to_string(write.value);
  }

  // Sends.
  std::string operator()(const SendBatch& send) const {
    return "send " + name(send.client) + " " + name(send.batch->id) + " " + attempts(*send.batch) +
           " granted_at=" + wording.instant(send.granted_at);
  }
  std::string operator()(const CloseStream& send) const {
    return "close " + name(send.client) + ": " + send.reason + (send.complete ? " (complete)" : "");
  }
  std::string operator()(const SubmitReply& send) const {
    return send.refused ? "reply refused: no room" : "reply accepted";
  }
  std::string operator()(const BulkReply& send) const {
    return "reply done=" + std::to_string(send.done) +
           (send.unknown > 0 ? " unknown=" + std::to_string(send.unknown) : "") +
           (send.refused ? " refused: no room" : "") + (send.stopped ? " stopped" : "");
  }
  std::string operator()(const PauseReply& send) const {
    if (send.refused == NameRefused::too_many_queues) return "reply refused: too many queues";
    if (send.refused == NameRefused::no_room) return "reply refused: no room";
    return send.unknown ? "reply done, unknown" : "reply done";
  }
  std::string operator()(const StatusReply& /*send*/) const { return "reply status"; }
  std::string operator()(const ReportReply& send) const {
    std::string text = "reply reported=" + std::to_string(send.reported);
    if (!send.elsewhere.empty())
      text += " elsewhere=" + list(
                                  send.elsewhere,
                                  [this](const NamedId& named) { return name(named.id); },
                                  wording.most);
    if (send.not_kept) text += " not kept";
    // Of a client that takes no more.
    if (send.held && !send.batch) text += " held=" + std::to_string(*send.held);
    return text;
  }
};

}  // namespace

std::string describe(const Event& event, const Wording& wording) {
  return std::visit(Describer{wording}, event);
}

std::string describe(const Write& write, const Wording& wording) {
  return std::visit(Describer{wording}, write);
}

std::string describe(const Send& send, const Wording& wording) {
  return std::visit(Describer{wording}, send);
}

std::string describe_name(std::string_view name) {
  return name.empty() ? "" : " name=\"" + one_line(name) + '"';
}

std::string describe_grant(const Batch& batch, const Wording& wording) {
  const Describer describer{wording};
  return "grant batch=" + describer.name(batch.id) + " client=" + describer.name(batch.client) +
         " msgs=" + describer.attempts(batch) + describe_name(batch.client_name);
}

}  // namespace pena::core
