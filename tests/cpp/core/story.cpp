// The words of a story:
//   limits [max_resends=N] [lease=MS] [grace=MS] [linger=MS] [window=N] [pieces=N]
//          [retry_first=MS] [retry_most=MS] [generating[=later]] [keep_reports=N|MSms]
//          [keep_fails=N|MSms]
//                               first, if at all
//   submit a b [period=MS] [queue=NAME] [delay=MS] [max_resends=N] [key=KEY]
//                               msgs are named by small letters, in the order of their ids
//   generate g h                as submit, by the generator
//   supply none|later|open      what the generator can make from now on
//   join c1 batchsize=2 [short] [batches=N] [queues=a,b] [submitted] [name=NAME]
//   report [B1] [a b] [failed=a,b] [final=a] [retry_in=MS] [refused=a] [partial] [last]
//                               retry_in is of the msgs that are named as failed behind it
//   retry|forget-fails|forget-reports|forget-waiting all|[a b] [error=TEXT] [queue=NAME] [dry]
//   pause|resume NAME           of a queue
//   fill yes|no                 the store is about full, or no longer
//   status                      who is connected, who holds what, and the queues
//   lose c1                     its stream ends
//   leave c1                    it says that it takes no more
//   advance MS                  time goes on, and every timeout on the way is told
//   restart                     the server is killed and started again on what was written
//   drain
#include "core/story.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <sstream>

namespace pena::core::test {
namespace {

using std::chrono::milliseconds;

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

// "batchsize=2" with the key "batchsize" gives "2"; empty where the key is not there.
std::string value_of(const std::vector<std::string>& words, const std::string& key) {
  for (const std::string& word : words) {
    if (word.starts_with(key + "=")) return word.substr(key.size() + 1);
  }
  return {};
}

Supply supply_of(const std::string& word) {
  if (word == "none") return Supply::none;
  EXPECT_TRUE(word == "later" || word == "open") << word << " is no supply";
  return word == "later" ? Supply::later : Supply::open;
}

bool has(const std::vector<std::string>& words, const std::string& wanted) {
  return std::ranges::find(words, wanted) != words.end();
}

}  // namespace

Story::Story() : ids_({0xff, 0, 0}, 0) {
  limits_.max_resends = 3;
  limits_.retry_first = Duration::zero();
}

std::string Story::run(const std::string& commands) {
  out_.clear();
  for (const std::string& line : split(commands, '\n')) {
    for (const std::string& text : split(line, ';')) command(split(text, ' '));
  }
  return out_;
}

void Story::command(const Words& words) {
  const std::string& verb = words.at(0);
  if (verb == "limits") return set_limits(words);
  if (verb == "submit" || verb == "generate") return submit(words);
  if (verb == "supply") return happen(SupplyChanged{supply_of(words.at(1))});
  if (verb == "report") return report(words);
  if (verb == "retry" || verb.starts_with("forget")) return end(words);
  if (verb == "pause" || verb == "resume") {
    return happen(PauseAsked{1, words.at(1), verb == "pause"});
  }
  if (verb == "fill") return happen(RoomRunsOut{words.at(1) == "yes"});
  if (verb == "status") return status();
  if (verb == "leave") return leave(words);
  if (verb == "lose") return happen(ClientLost{named(words.at(1))});
  if (verb == "advance") return advance_to(now_ + milliseconds{std::stol(words.at(1))});
  if (verb == "restart") return restart();
  if (verb == "drain") return happen(DrainBegan{});
  ASSERT_EQ(verb, "join") << "not a word of a story";
  const auto batchsize = static_cast<std::uint32_t>(std::stoul(value_of(words, "batchsize")));
  const std::string batches = value_of(words, "batches");
  ClientJoined joined{named(words.at(1)), batchsize, has(words, "short"), {}};
  if (!batches.empty()) joined.batches = std::stoull(batches);
  joined.queues = split(value_of(words, "queues"), ',');
  joined.submitted_only = has(words, "submitted");
  joined.name = value_of(words, "name");
  happen(joined);
}

void Story::set_limits(const Words& words) {
  const auto ms = [&](const std::string& key, Duration& into) {
    const std::string value = value_of(words, key);
    if (!value.empty()) into = milliseconds{std::stol(value)};
  };
  ms("lease", limits_.timing.lease);
  ms("grace", limits_.timing.drop_grace);
  ms("linger", limits_.linger);
  ms("retry_first", limits_.retry_first);
  ms("retry_most", limits_.retry_most);
  const auto keep = [&](const std::string& key, Keep& into) {
    const std::string value = value_of(words, key);
    if (value.ends_with("ms")) into.time = milliseconds{std::stol(value)};
    if (!value.empty() && !into.time) into.msgs = std::stoull(value);
  };
  keep("keep_reports", limits_.keep_reports);
  keep("keep_fails", limits_.keep_fails);
  const std::string resends = value_of(words, "max_resends");
  if (!resends.empty()) limits_.max_resends = std::stoi(resends);
  const std::string window = value_of(words, "window");
  if (!window.empty()) limits_.window_msgs = std::stoul(window);
  const std::string pieces = value_of(words, "pieces");
  if (!pieces.empty()) limits_.fewest_pieces = std::stoul(pieces);
  supply_ = has(words, "generating") ? Supply::open : Supply::none;
  if (value_of(words, "generating") == "later") supply_ = Supply::later;
}

void Story::submit(const Words& words) {
  const std::string period = value_of(words, "period");
  std::vector<Msg> msgs;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].find('=') != std::string::npos) continue;
    const auto ms = period.empty() ? 100U : static_cast<std::uint32_t>(std::stoul(period));
    Msg msg{named(words[i]), ms, {}};
    const std::string resends = value_of(words, "max_resends");
    if (!resends.empty()) msg.max_resends = static_cast<std::uint16_t>(std::stoi(resends));
    msg.key = value_of(words, "key");
    msgs.push_back(std::move(msg));
  }
  if (words[0] == "generate") return happen(Generated{std::move(msgs)});
  Submitted submitted{1, std::move(msgs)};
  const std::string queue = value_of(words, "queue");
  if (!queue.empty()) submitted.queues = {queue};
  const std::string delay = value_of(words, "delay");
  if (!delay.empty()) {
    for (const Msg& msg : submitted.msgs) {
      submitted.later.push_back({msg.id, now_ + milliseconds{std::stol(delay)}});
    }
  }
  happen(std::move(submitted));
}

void Story::report(const Words& words) {
  Reported reported;
  std::optional<Duration> retry_in;
  for (std::string word : words) {
    if (word == "report") continue;
    if (word == "partial") {
      reported.partial = true;
    } else if (word == "last") {
      reported.last = true;
    } else if (word.starts_with("retry_in=")) {
      retry_in = milliseconds{std::stol(word.substr(9))};
    } else if (word.starts_with("failed=") || word.starts_with("final=")) {
      const bool final = word.starts_with("final=");
      ledger_->may_be_final = ledger_->may_be_final || final;
      for (const std::string& id : split(word.substr(final ? 6 : 7), ',')) {
        reported.failed.push_back({named(id), "no luck", retry_in, final});
      }
    } else if (word.starts_with("refused=")) {
      for (const std::string& id : split(word.substr(8), ',')) {
        reported.refused.push_back(named(id));
      }
    } else if (word.starts_with("B")) {
      reported.batch = named(word);
    } else {
      std::erase_if(word, [](char letter) { return letter == '[' || letter == ']'; });
      if (!word.empty()) reported.ids.push_back(named(word));
    }
  }
  happen(reported);
}

void Story::leave(const Words& words) {
  Reported reported;
  reported.client = named(words.at(1));
  reported.last = true;
  happen(reported);
}

void Story::end(const Words& words) {
  BulkAsked asked;
  asked.what = words[0] == "retry"            ? BulkAsked::What::retry
               : words[0] == "forget-fails"   ? BulkAsked::What::forget_fails
               : words[0] == "forget-waiting" ? BulkAsked::What::forget_waiting
                                              : BulkAsked::What::forget_reports;
  if (asked.what == BulkAsked::What::forget_waiting) ledger_->forgets_waiting = true;
  asked.dry_run = has(words, "dry");
  const std::string error = value_of(words, "error");
  const std::string queue = value_of(words, "queue");
  if (!error.empty()) asked.error = error;
  if (!queue.empty()) asked.queue = queue;
  if (!has(words, "all")) asked.ids.emplace();
  for (std::size_t i = 1; i < words.size() && asked.ids; ++i) {
    const bool is_id = words[i] != "dry" && words[i].find('=') == std::string::npos;
    if (is_id) asked.ids->push_back(named(words[i]));
  }
  happen(std::move(asked));
}

void Story::status() {
  const auto ask = [&](StatusAsked::What what) {
    const Effects effects = dispatcher().step(StatusAsked{1, what}, now_);
    return std::get<StatusReply>(effects.sends.at(0)).status;
  };
  const auto all = ask(StatusAsked::What::clients);
  for (const ClientNow& client : all->clients) {
    out_ += "client " + name(client.id) + " " + client.name +
            " holds=" + std::to_string(client.holds) +
            " left=" + std::to_string(to_ms(client.left)) + "\n";
  }
  const auto held = ask(StatusAsked::What::batches);
  for (const BatchNow& batch : held->batches) {
    out_ += "batch " + name(batch.batch->id) +
            " state=" + std::to_string(static_cast<int>(batch.state)) +
            " left=" + std::to_string(to_ms(batch.left)) + "\n";
  }
  const auto stats = ask(StatusAsked::What::stats);
  for (const QueueNow& queue : stats->queues) {
    out_ += "queue " + queue.name + (queue.paused ? " paused" : "") +
            " clients=" + std::to_string(queue.clients) + " held=" + std::to_string(queue.held) +
            "\n";
  }
  out_ += "queued=" + std::to_string(stats->queued) + " later=" + std::to_string(stats->later) +
          " reports=" + std::to_string(stats->reports) + " fails=" + std::to_string(stats->fails) +
          "\n";
}

void Story::advance_to(Instant target) {
  while (const auto due = dispatcher().next_timeout()) {
    if (*due > target) break;
    now_ = std::max(now_, *due);
    happen(TimeReached{});
    // A timeout that does not move on would be asked for for ever.
    const auto next = dispatcher().next_timeout();
    ASSERT_TRUE(!next || *next > now_) << "the timeout at " << to_ms(now_) << " did nothing";
  }
  now_ = target;
}

void Story::restart() {
  dispatcher_ =
      std::make_unique<Dispatcher>(Dispatcher::restore(limits_, ids_, ledger_->snapshot(), now_));
  (void)dispatcher_->step(SupplyChanged{supply_}, now_);
  happen(TimeReached{});
}

void Story::happen(Event event) {
  const Wording wording{[this](const Xid& id) { return name(id); },
                        [](Instant at) {
                          return std::to_string(to_ms(at));
                        }};
  const Effects effects = dispatcher().step(event, now_);
  ledger_->apply(effects.writes);
  for (const Write& write : effects.writes) out_ += describe(write, wording) + "\n";
  for (const Send& send : effects.sends) out_ += describe(send, wording) + "\n";
  if (const auto answer = ledger_->answer(dispatcher())) {
    out_ += describe(*answer, wording) + "\n";
    happen(*answer);
  }
}

Dispatcher& Story::dispatcher() {
  if (!dispatcher_) {
    ledger_ = std::make_unique<Ledger>(limits_.max_resends);
    dispatcher_ =
        std::make_unique<Dispatcher>(Dispatcher::restore(limits_, ids_, Snapshot{}, now_));
    (void)dispatcher_->step(SupplyChanged{supply_}, now_);
  }
  return *dispatcher_;
}

// Names are the ids' first bytes, so that they sort; a batch is named when it is first seen.
Xid Story::named(const std::string& name) const {
  for (const auto& [id, batch_name] : batch_names_) {
    if (batch_name == name) return id;
  }
  Xid::Bytes bytes{};
  std::memcpy(bytes.data(), name.data(), std::min(name.size(), bytes.size()));
  return Xid{bytes};
}

std::string Story::name(const Xid& id) {
  if (id.machine()[0] != 0xff) {
    const std::string text(id.bytes().begin(), id.bytes().end());
    return text.substr(0, text.find('\0'));
  }
  const std::string next = "B" + std::to_string(batch_names_.size() + 1);
  return batch_names_.try_emplace(id, next).first->second;
}

}  // namespace pena::core::test
