#include "store/committer.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "core/number_text.hpp"

namespace pena::store {
namespace {

constexpr const char* kGenerated = "generated";
// The second that the ids that may have left had got to. Durable with the first of each second.
constexpr const char* kIdSecond = "id_second";

core::Snapshot snapshot_of(const Store& store, core::Supply supply) {
  return core::Snapshot{store.batches(), store.counts().queue > 0, supply};
}

core::Supply supply_of(const std::optional<core::Generator::Settings>& generator) {
  if (!generator) return core::Supply::none;
  return generator->rate ? core::Supply::later : core::Supply::open;
}

// The second that ids begin behind. An older store does not say it. Batches have ids that a server
// made; a msg's may be anybody's, and as far ahead as he likes: what is more than a day ahead of the
// clock was made by somebody else.
std::uint32_t second_of_last_id(const Store& store, core::Instant now) {
  if (const auto said = store.meta(kIdSecond)) {
    constexpr std::uint32_t kEnd = core::unix_seconds(core::XidFactory::kEndOfDates);
    if (*said < kEnd) return static_cast<std::uint32_t>(*said);
    throw StoreError("the meta value id_second is " + std::to_string(*said) +
                     ", which is past 2099; expected less than " + std::to_string(kEnd) +
                     ", for ids end in 2106");
  }
  const auto day = std::chrono::hours{24};
  std::uint32_t second = 0;
  for (const core::Batch& batch : store.batches()) second = std::max(second, batch.id.seconds());
  const auto last = store.last_up_to(core::Xid::last_of(core::unix_seconds(now + day)));
  return last ? std::max(second, last->seconds()) : second;
}

// What whoever brings ids of his own brought of those that `ids` would come to: of a store that has
// such ids, the process and the machine may be the same again.
std::vector<core::Xid> brought_before(const Store& store, const core::XidFactory& ids) {
  std::vector<core::Xid> found;
  const auto note = [&](const core::Xid& id) {
    if (ids.may_make(id)) found.push_back(id);
  };
  constexpr std::size_t kPage = 10'000;
  for (const Bucket bucket : {Bucket::queue, Bucket::report, Bucket::fail}) {
    std::optional<core::Xid> after = core::Xid::last_of(ids.second());
    while (after) {
      const Page<core::Xid> page = store.ids(bucket, after, kPage);
      std::ranges::for_each(page.records, note);
      after = page.more ? std::optional{page.records.back()} : std::nullopt;
    }
  }
  for (const core::Batch& batch : store.batches()) {
    for (const core::QueuedMsg& msg : batch.msgs) note(msg.msg.id);
  }
  return found;
}

// A round makes batches until it has made so many msgs; the others' answers are not to wait for more.
constexpr std::size_t kGeneratedAtOnce = 32'768;

// As many writes of msgs that were read for it in one commit, or a batch more.
constexpr std::size_t kGrantedAtOnce = 10'000;

constexpr core::Duration kLookForRoom = std::chrono::seconds{1};
constexpr core::Duration kBetweenWarnings = std::chrono::minutes{1};
// What the store says of its disk is as of the last commit, but never older than this.
constexpr core::Duration kLookAfter = std::chrono::milliseconds{100};

}  // namespace

Committer::Committer(const core::Limits& limits, Store& store,
                     std::optional<core::Generator::Settings> generator,
                     const core::XidFactory& ids, core::Instant now)
    : limits_(limits),
      store_(store),
      ids_(ids),
      told_(supply_of(generator)),
      dispatcher_(core::Dispatcher::restore(limits, ids, snapshot_of(store, told_), now)) {
  if (generator) generator_.emplace(*generator, store.meta(kGenerated).value_or(0), now);
  queued_in_store_ = store.counts().queue;
  second_written_ = store.meta(kIdSecond).value_or(0);
  ids_.begin_behind(second_of_last_id(store, now));
  ids_.leave_out(brought_before(store, ids_));
  refresh_accepting(now);
  (void)note_room();
}

void Committer::refresh_accepting(core::Instant now) {
  looked_at_ = now;
  const bool large = store_.fill() >= limits_.store_fill;
  full_ = store_.disk_is_low()                     ? Full::disk
          : large                                  ? Full::store
          : queued_in_store_ >= limits_.queue_msgs ? Full::queue
                                                   : Full::no;
}

// At the beginning of a round: others may have filled the disk meanwhile.
void Committer::look_for_room(core::Instant now) {
  if (!effects_.writes.empty() || !effects_.sends.empty()) return;
  if (now >= looked_at_ + kLookAfter) refresh_accepting(now);
  if (note_room()) step(core::TimeReached{}, now);
}

bool Committer::note_room() {
  const bool came = dispatcher_.note_room(store_.room(), queued_in_store_);
  has_room_for_any_ = dispatcher_.has_room_for_any();
  return came;
}

void Committer::take(core::Event&& event, core::Instant now) {
  look_for_room(now);
  auto* const submitted = std::get_if<core::Submitted>(&event);
  if (submitted != nullptr && submitted->names_ids && refused(*submitted)) return;
  // What is asked of the published flags alone may have come too late, and in any number.
  if (submitted != nullptr && !dispatcher_.has_room_for(submitted->msgs, !submitted->names_ids)) {
    effects_.sends.emplace_back(core::SubmitReply{submitted->request, true});
    return;
  }
  step(std::move(event), now);
}

void Committer::step(core::Event&& event, core::Instant now) {
  dispatcher_.step(std::move(event), now, effects_);
}

std::vector<Outgoing> Committer::commit(core::Instant now) {
  look_for_room(now);
  const std::optional<core::Instant> due = dispatcher_.next_timeout();
  if (due && *due <= now) step(core::TimeReached{}, now);
  std::vector<Outgoing> out;
  fill_from_generator(now);
  write(out, now);
  // Room has come or gone with what was written, and nothing else may be about to happen.
  if (supply() != told_) {
    fill_from_generator(now);
    write(out, now);
  }
  grant_where_room_came(out, now);
  answer_dispatcher(out, now);
  return out;
}

// What it gets from the store may be granted at once, and so wants a commit of its own. One page of
// the queue a round: whoever waits for more is not to hold up the others' answers.
void Committer::answer_dispatcher(std::vector<Outgoing>& out, core::Instant now) {
  bool refilled = false;
  while (true) {
    bool answered = false;
    // What is wanted has been committed, so that several batches of it may share the next commit.
    while (!dispatcher_.wanted_bodies().empty() && effects_.writes.size() < kGrantedAtOnce) {
      step(core::BodiesRead{store_.queued(dispatcher_.wanted_bodies(), limits_.window_bytes)}, now);
      answered = true;
    }
    if (!answered && !refilled) {
      if (const auto wanted = dispatcher_.wanted_refill()) {
        auto page = store_.queue(wanted->after, wanted->limit, wanted->bytes);
        step(core::Refilled{std::move(page.records), page.more}, now);
        answered = true;
        refilled = true;
      }
    }
    if (!answered) return;
    fill_from_generator(now);
    write(out, now);
  }
}

core::Supply Committer::supply() const {
  if (!generator_ || generator_->ended() || !accepting()) return core::Supply::none;
  return generator_->rated() ? core::Supply::later : core::Supply::open;
}

void Committer::tell_supply(core::Instant now) {
  const core::Supply is = supply();
  if (is != told_) step(core::SupplyChanged{told_ = is}, now);
}

// Grants that waited for room. Each pass grants something, so they come to an end.
void Committer::grant_where_room_came(std::vector<Outgoing>& out, core::Instant now) {
  while (note_room()) {
    step(core::TimeReached{}, now);
    fill_from_generator(now);
    if (effects_.writes.empty()) return;
    write(out, now);
  }
}

void Committer::fill_from_generator(core::Instant now) {
  if (!generator_) return;
  tell_supply(now);
  std::size_t made = 0;
  while (accepting() && dispatcher_.demand() > 0 && made < kGeneratedAtOnce) {
    std::vector<core::Msg> msgs =
        generator_->take(dispatcher_.demand(), ids_, now, dispatcher_.date(now));
    if (msgs.empty()) break;
    made += msgs.size();
    step(core::Generated{std::move(msgs)}, now);
  }
  if (made > 0) effects_.writes.emplace_back(core::PutMeta{kGenerated, generator_->made()});
  tell_supply(now);  // it may have made the last one
}

void Committer::write(std::vector<Outgoing>& out, core::Instant now) {
  if (!effects_.writes.empty()) {
    note_second();
    store_.commit(effects_.writes);
    ++commits_;
    for (const core::Write& write : effects_.writes) {
      if (std::holds_alternative<core::PutQueue>(write)) ++queued_in_store_;
      if (std::holds_alternative<core::DropQueue>(write)) --queued_in_store_;
    }
    effects_.writes.clear();
    written_.clear();
    noted_ = 0;
    refresh_accepting(now);
  }
  for (const SubmitRefused& refusal : refusals_) out.emplace_back(refusal);
  refusals_.clear();
  for (core::Send& send : effects_.sends) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, core::SendBatch>) {
            // A report that shared the commit with the grant may have settled some of it already.
            what.batch = dispatcher_.batch(what.batch->id);
            if (what.batch) out.emplace_back(std::move(what));
          } else {
            out.emplace_back(std::move(what));
          }
        },
        send);
  }
  effects_.sends.clear();
}

std::optional<core::Instant> Committer::next_timeout(core::Instant now) const {
  if (supply() != told_) return now;
  if (dispatcher_.wanted_refill()) return now;
  std::optional<core::Instant> next = dispatcher_.next_timeout();
  if (generator_ && accepting() && dispatcher_.demand() > 0) {
    // The round made as much as it may, or there was no room before its commit.
    if (!generator_->rated()) return now;
    // Past where the commit took longer than a msg: then it is wanted at once.
    const auto made_at = generator_->next_at();
    if (made_at && (!next || *made_at < *next)) next = made_at;
  }
  // Room may come from outside, such as space on the disk: look again from time to time.
  const core::Instant look_again_at = now + kLookForRoom;
  const bool waits = !accepting() || dispatcher_.waits_for_room();
  if (waits && (!next || look_again_at < *next)) next = look_again_at;
  return next;
}

bool Committer::only_answers_reports() const {
  const auto answers_report = [](const core::Send& send) {
    return std::holds_alternative<core::ReportReply>(send);
  };
  return !effects_.writes.empty() && dispatcher_.wanted_bodies().empty() &&
         (!generator_ || dispatcher_.demand() == 0) &&
         std::ranges::all_of(effects_.sends, answers_report);
}

std::optional<std::string> Committer::warning(core::Instant now) {
  if (auto text = store_.warning()) return text;
  const Standstill is = standstill();
  if (std::exchange(still_, is) != is) still_since_ = now;
  std::optional<core::Instant>& told_at = told_at_.at(static_cast<std::size_t>(is));
  const bool lasts = is != Standstill::none && now >= still_since_ + kLookForRoom;
  const bool is_told = told_at && (*told_at >= still_since_ || now < *told_at + kBetweenWarnings);
  if (!lasts || is_told) return std::nullopt;
  told_at = now;
  if (is == Standstill::reports) {
    return "the store has no room for the reports of more msgs, be it in its size or on its disk: "
           "none is granted until there is more, or msgs that are held are reported";
  }
  const WaitsFor what = waits_for();
  return sentence(full(), limits_) +
         (what == WaitsFor::store_room ? ": clients are free, but no msg is taken or made until "
                                         "there is room"
          : what == WaitsFor::client   ? ": new msgs are refused, and no client is connected"
                                       : ": new msgs are refused");
}

Committer::Standstill Committer::standstill() const {
  if (full_ == Full::disk) return Standstill::disk;
  if (waits_for_room()) return Standstill::reports;
  switch (full()) {
    case Full::no:
      break;
    case Full::queue:
      return Standstill::queue;
    case Full::store:
      return Standstill::store;
    case Full::disk:
      return Standstill::disk;
    case Full::room:
      return Standstill::room;
  }
  return Standstill::none;
}

bool Committer::generating() const {
  return generator_ && !generator_->ended();
}

WaitsFor Committer::waits_for() const {
  if (waits_for_room()) return WaitsFor::store_room;
  const core::Counts& counts = dispatcher_.counts();
  if (queued_in_store_ > 0) {
    const bool connected = counts.clients_free + counts.clients_busy > 0;
    return connected ? WaitsFor::nothing : WaitsFor::client;
  }
  if (counts.clients_free == 0) return WaitsFor::nothing;
  if (full() != Full::no && full() != Full::queue) return WaitsFor::store_room;
  return supply() == core::Supply::later ? WaitsFor::rate : WaitsFor::nothing;
}

std::string sentence(Full what, const core::Limits& limits) {
  switch (what) {
    case Full::no:
      break;
    case Full::queue:
      return "the queue is full: it has " + std::to_string(limits.queue_msgs) +
             " msgs, as many as it may";
    case Full::store:
      return "the store is full: " + core::number_text(limits.store_fill) + " of its " +
             std::to_string(limits.map_bytes) + " bytes are in use, as many as new msgs may take";
    case Full::disk:
      return "the disk of the store is full: it has less than " +
             std::to_string(limits.disk_bytes) + " bytes left, which it should have for new msgs";
    case Full::room:
      return "the store, of " + std::to_string(limits.map_bytes) +
             " bytes, or its disk has no room for new msgs beside what held ones may need";
  }
  return {};
}

std::string_view word(WaitsFor what) {
  switch (what) {
    case WaitsFor::nothing:
      break;
    case WaitsFor::store_room:
      return "room in the store";
    case WaitsFor::client:
      return "a client";
    case WaitsFor::rate:
      return "the rate";
  }
  return "";
}

void Committer::note_written() {
  for (; noted_ < effects_.writes.size(); ++noted_) {
    const core::Write& write = effects_.writes[noted_];
    if (const auto* queue = std::get_if<core::PutQueue>(&write)) written_.insert(queue->msg.msg.id);
    if (const auto* report = std::get_if<core::PutReport>(&write)) {
      written_.insert(report->record.id);
    }
    if (const auto* fail = std::get_if<core::PutFail>(&write)) written_.insert(fail->record.msg.id);
  }
}

// An id is known if the store has it, if it is held or waits in memory, or if a write that waits
// for the commit puts it. Of two alike in one request the first counts. What is left is in the order
// of the ids: each falls behind the one before, wherever it is looked for or put.
void Committer::leave_out_known(core::Submitted& submitted) {
  note_written();
  std::vector<core::Msg>& msgs = submitted.msgs;
  if (!std::ranges::is_sorted(msgs, {}, &core::Msg::id)) {
    std::ranges::stable_sort(msgs, {}, &core::Msg::id);
  }
  const auto alike = [](const core::Msg& a, const core::Msg& b) {
    return a.id == b.id;
  };
  msgs.erase(std::unique(msgs.begin(), msgs.end(), alike), msgs.end());
  std::vector<core::Xid> ids;
  ids.reserve(msgs.size());
  for (const core::Msg& msg : msgs) ids.push_back(msg.id);
  const auto stored = store_.find_all(ids);
  std::size_t at = 0;
  std::erase_if(msgs, [&](const core::Msg& msg) {
    return stored[at++] || dispatcher_.knows(msg.id) || written_.contains(msg.id);
  });
}

bool Committer::refused(core::Submitted& submitted) {
  leave_out_known(submitted);
  const auto is_to_come = [this](const core::Msg& msg) {
    return ids_.may_make(msg.id);
  };
  const auto found = std::ranges::find_if(submitted.msgs, is_to_come);
  if (found == submitted.msgs.end()) return false;
  refusals_.push_back({submitted.request, found->id});
  return true;
}

void Committer::note_second() {
  const std::uint64_t second = ids_.second();
  if (second <= second_written_) return;
  effects_.writes.emplace_back(core::PutMeta{kIdSecond, second});
  second_written_ = second;
}

SettledReply settled(const core::ReportReply& reply, const BucketView& buckets) {
  SettledReply answer{reply.request, reply.reported, 0, 0};
  if (reply.elsewhere.empty()) return answer;
  for (const auto& bucket : buckets.find_all(reply.elsewhere)) {
    ++(bucket == Bucket::report ? answer.duplicate : answer.unknown);
  }
  return answer;
}

}  // namespace pena::store
