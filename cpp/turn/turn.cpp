#include "turn/turn.hpp"

#include <algorithm>
#include <utility>

#include "turn/bulk.hpp"
#include "turn/first_ids.hpp"

namespace pena::turn {
namespace {

// The wall clock was set, or the machine slept: a smaller step is not worth an event.
constexpr core::Duration kClockStep = std::chrono::milliseconds{100};

core::Snapshot snapshot_of(const store::Index& index) {
  core::Snapshot snapshot{index.batches(), {}, 0, index.next_due()};
  for (const store::QueueInfo& queue : index.queues()) {
    snapshot.queues.push_back({queue.number, queue.name, queue.paused, queue.queued});
    snapshot.later += queue.later;
    snapshot.reports += queue.reported;
    snapshot.fails += queue.failed;
  }
  return snapshot;
}

}  // namespace

Turn::Turn(const core::Limits& limits, store::Log& log, store::Index& index,
           std::optional<Generator::Settings> generator, const core::XidFactory& ids,
           core::Instant now)
    : limits_(limits),
      log_(log),
      index_(index),
      ids_(ids),
      dispatcher_(core::Dispatcher::restore(limits, ids, snapshot_of(index), now)),
      admission_(limits) {
  const std::uint64_t made = index.meta(store::kGenerated).value_or(0);
  if (generator) generator_.emplace(*generator, made, now);
  if (generator_ && generator_->yields() && index.meta(store::kGeneratingEnded)) generator_->end();
  second_written_ = index.meta(kIdSecond).value_or(0);
  ids_.begin_behind(second_of_last_id(index, now));
  ids_.leave_out(brought_before(index, ids_));
  note_fill(now);
  (void)note_room();
  tell_supply(now);
}

// ---- what comes in

void Turn::take(core::Event&& event, core::Instant now) {
  look_for_room(now);
  auto* const submitted = std::get_if<core::Submitted>(&event);
  if (submitted != nullptr && refused(*submitted)) return;
  // What is asked of the published flags alone may have come too late, and in any number.
  if (submitted != nullptr && !dispatcher_.has_room_for(*submitted)) {
    effects_.sends.emplace_back(core::SubmitReply{submitted->request, true});
    return;
  }
  const auto* const reported = std::get_if<core::Reported>(&event);
  if (reported != nullptr && !dispatcher_.has_room_for(reported->results)) {
    effects_.sends.emplace_back(core::ReportReply{.request = reported->request, .refused = true});
    return;
  }
  const auto* const pause = std::get_if<core::PauseAsked>(&event);
  if (pause != nullptr && !has_room_for(*pause)) {
    effects_.sends.emplace_back(core::PauseReply{pause->request, core::NameRefused::no_room});
    return;
  }
  if (submitted != nullptr) end_generating(*submitted);
  step(std::move(event), now);
}

void Turn::note_date(core::Instant date, core::Instant now) {
  const core::Duration ahead = date - now;
  if (std::chrono::abs(ahead - clock_ahead_) < kClockStep) return;
  clock_ahead_ = ahead;
  take(core::ClockRead{ahead}, now);
}

void Turn::step(core::Event&& event, core::Instant now) {
  dispatcher_.step(std::move(event), now, effects_);
}

// For the sake of one of its msgs.
bool Turn::refused(core::Submitted& submitted) {
  const auto refuse = [&](SubmitRefused&& refusal) {
    refusal.request = submitted.request;
    refusals_.push_back(std::move(refusal));
    return true;
  };
  const auto queue_of = [&](const core::Msg& msg) {
    return submitted.queues.empty() ? std::string{core::kDefaultQueueName}
                                    : submitted.queues.at(msg.queue);
  };
  using Why = SubmitRefused::Why;
  if (submitted.names_ids) {
    if (const auto conflict = known().leave_out(submitted)) {
      const core::Msg& msg = conflict->msg;
      // Known by its id, it may have a key that is another's or nobody's.
      const std::string key = conflict->by_key ? msg.key : "";
      return refuse(
          {0, conflict->id, Why::other_content, key, queue_of(msg), conflict->difference});
    }
    const auto may_make = [this](const core::Msg& msg) {
      return ids_.may_make(msg.id);
    };
    const auto found = std::ranges::find_if(submitted.msgs, may_make);
    if (found != submitted.msgs.end()) return refuse({0, found->id, Why::yet_to_make});
  }
  if (const auto queue = dispatcher_.queue_too_many(submitted.queues)) {
    return refuse({0, {}, Why::too_many_queues, {}, *queue});
  }
  return false;
}

Known Turn::known() {
  std::vector<Known::Layer> layers;
  for (Round& round : rounds_) {
    if (round.ticket <= index_.applied()) continue;
    if (!round.writes) continue;
    round.changed.note(*round.writes);
    layers.push_back({round.writes.get(), &round.changed});
  }
  changed_.note(effects_.writes);
  layers.push_back({&effects_.writes, &changed_});
  return {index_, dispatcher_, std::move(layers), limits_.max_resends};
}

// Whoever brings his own work wants no other beside it.
void Turn::end_generating(const core::Submitted& submitted) {
  if (!generating() || !generator_->yields()) return;
  const auto is_of_default = [&](const core::Msg& msg) {
    return submitted.queues.empty() || submitted.queues.at(msg.queue) == core::kDefaultQueueName;
  };
  if (std::ranges::none_of(submitted.msgs, is_of_default)) return;
  generator_->end();
  effects_.writes.emplace_back(core::PutMeta{store::kGeneratingEnded, 1});
  news_ =
      "a msg was submitted to the queue default: nothing is generated any more, neither now nor "
      "after a restart";
}

// ---- a round's end

void Turn::close(core::Instant now) {
  if (holds()) pace_.held(!only_answers_reports());
  hold_.reset();
  look_for_room(now);
  const std::optional<core::Instant> due = dispatcher_.next_timeout();
  if (std::exchange(room_came_, false) || (due && *due <= now)) step(core::TimeReached{}, now);
  tell_room(now);
  const bool owes_read = reads_put_off_;
  read_for_dispatcher(now);
  fill_from_generator(now);
  // What was put off may be wanted only behind what the generator made; and by the next round whoever wants
  // it now may be gone, and another wants it behind what the generator makes then.
  const core::Wanted wanted = dispatcher_.wanted();
  if (const auto* const ids = std::get_if<core::WantedBodies>(&wanted)) {
    reads_put_off_ = !owes_read;
    if (owes_read) read_bodies(*ids, now);
  }
  append(now);
}

// Not in a round of events, whose answers are not to wait for it; but in the next one at the latest.
void Turn::read_for_dispatcher(core::Instant now) {
  const core::Wanted wanted = dispatcher_.wanted();
  if (std::holds_alternative<std::monostate>(wanted)) return;
  if (!effects_.writes.empty() && !std::exchange(reads_put_off_, true)) return;
  reads_put_off_ = false;
  if (const auto* ids = std::get_if<core::WantedBodies>(&wanted)) return read_bodies(*ids, now);
  if (const auto* due = std::get_if<core::WantedDue>(&wanted)) return read_due(*due, now);
  if (const auto* page = std::get_if<core::WantedRefill>(&wanted)) return refill(*page, now);
  read_bulk(std::get<core::WantedBulk>(wanted), now);
}

// Queue by queue where each has little, but no more in a round than one page may have.
void Turn::read_bulk(core::WantedBulk wanted, core::Instant now) {
  constexpr int kMostPages = 64;
  std::size_t most = 0;
  std::size_t read = 0;
  for (int pages = 0; pages < kMostPages; ++pages) {
    most = std::max(most, wanted.limit);  // where little is left it asks for little
    wanted.limit = std::min(wanted.limit, most - read);
    core::BulkRead page = turn::read_bulk(index_, layers(), wanted);
    if (may_have_missed(layers(), wanted, page)) {
      index_.catch_up();
      page = turn::read_bulk(index_, layers(), wanted);
    }
    read += std::max(page.looked_up, page.waiting.size() + page.reports.size() + page.fails.size());
    step(std::move(page), now);
    const core::Wanted more = dispatcher_.wanted();
    const auto* const bulk = std::get_if<core::WantedBulk>(&more);
    if (bulk == nullptr || read >= most) return;
    wanted = *bulk;
  }
}

// However much the events of the round write: what waits to be sent again is not to wait for their end.
// What is granted on the way is not asked for again, so one look at the layers serves all.
void Turn::read_bodies(core::WantedBodies wanted, core::Instant now) {
  const QueueThrough queue(index_, layers());
  const std::size_t before = effects_.writes.size();
  while (true) {
    auto bodies = queue.queued(wanted.queue, wanted.ids, limits_.window_bytes);
    step(core::BodiesRead{wanted.as_of, wanted.queue, std::move(bodies)}, now);
    const core::Wanted more = dispatcher_.wanted();
    const auto* const ids = std::get_if<core::WantedBodies>(&more);
    if (ids == nullptr || effects_.writes.size() - before >= limits_.read_writes) return;
    wanted = *ids;
  }
}

void Turn::refill(const core::WantedRefill& wanted, core::Instant now) {
  const QueueThrough behind(index_, layers(), QueueThrough::Behind{wanted.queue, wanted.after});
  auto page = behind.queue(wanted.queue, wanted.after, wanted.limit, wanted.bytes);
  step(core::Refilled{wanted.as_of, wanted.queue, std::move(page.records), page.more}, now);
}

void Turn::read_due(const core::WantedDue& wanted, core::Instant now) {
  auto due = QueueThrough(index_, layers()).due(wanted.up_to, wanted.limit, wanted.bytes);
  step(core::DueRead{wanted.as_of, std::move(due.msgs), due.next_due}, now);
}

std::vector<const store::ChangeSet*> Turn::layers() const {
  auto found = layers_of(rounds_.size());
  if (!effects_.writes.empty()) found.push_back(&effects_.writes);
  return found;
}

// What the index does not have of the first `rounds` that are closed.
std::vector<const store::ChangeSet*> Turn::layers_of(std::size_t rounds) const {
  std::vector<const store::ChangeSet*> found;
  for (std::size_t i = 0; i < rounds; ++i) {
    const Round& round = rounds_[i];
    if (round.ticket > index_.applied() && round.writes) found.push_back(round.writes.get());
  }
  return found;
}

core::Supply Turn::supply() const {
  if (!generating() || !accepting()) return core::Supply::none;
  return generator_->rated() ? core::Supply::later : core::Supply::open;
}

void Turn::tell_supply(core::Instant now) {
  if (supply() != dispatcher_.supply()) step(core::SupplyChanged{supply()}, now);
}

void Turn::fill_from_generator(core::Instant now) {
  if (!generator_) return;
  tell_supply(now);
  std::size_t made = 0;
  while (accepting() && dispatcher_.demand() > 0 && made < limits_.made_msgs) {
    std::vector<core::Msg> msgs =
        generator_->make(dispatcher_.demand(), ids_, now, dispatcher_.date(now));
    if (msgs.empty()) break;
    made += msgs.size();
    step(core::Generated{std::move(msgs)}, now);
  }
  if (made > 0) effects_.writes.emplace_back(core::PutMeta{store::kGenerated, generator_->made()});
  tell_supply(now);  // it may have made the last one
}

void Turn::note_second() {
  const std::uint64_t second = ids_.second();
  if (second <= second_written_) return;
  effects_.writes.emplace_back(core::PutMeta{kIdSecond, second});
  second_written_ = second;
}

void Turn::append(core::Instant now) {
  const bool writes = !effects_.writes.empty();
  if (!has_open_round()) return;
  Round round{
      rounds_.empty() ? log_.durable() : rounds_.back().ticket, nullptr, {}, {}, {}, {}, now};
  if (writes) {
    note_second();
    round.coming = dispatcher_.hand_over_coming();
    round.writes =
        std::make_shared<store::ChangeSet>(std::exchange(effects_.writes, std::move(spare_)));
    round.ticket = log_.append(round.writes);
    ++appended_;
    round.changed = std::exchange(changed_, {});
    const std::uint64_t made_room = dispatcher_.counts().room_reports;
    if (std::exchange(reports_made_room_, made_room) != made_room) room_made_ = round.ticket;
    spare_.clear();
  }
  round.sends = std::exchange(effects_.sends, std::move(spare_sends_));
  spare_sends_.clear();
  round.refusals = std::exchange(refusals_, {});
  rounds_.push_back(std::move(round));
}

std::vector<Outgoing> Turn::durable(core::Instant now) {
  std::vector<Outgoing> out;
  const store::Ticket up_to = log_.durable();  // also where none waits: it tells what failed
  while (released_ < rounds_.size() && rounds_[released_].ticket <= up_to) {
    Round& round = rounds_[released_++];
    if (round.writes) pace_.durable_after(now - round.closed_at);
    release(round, out);
  }
  drop_applied(now);
  return out;
}

void Turn::drop_applied(core::Instant now) {
  bool any = false;
  while (released_ > 0 && rounds_.front().ticket <= index_.applied()) {
    Round& over = rounds_.front();
    any = any || over.writes;
    // Where nobody else has it any more.
    if (over.writes.use_count() == 1 && over.writes->capacity() > spare_.capacity()) {
      spare_ = std::move(*over.writes);
    }
    if (over.sends.capacity() > spare_sends_.capacity()) spare_sends_ = std::move(over.sends);
    spare_.clear();
    spare_sends_.clear();
    rounds_.pop_front();
    --released_;
  }
  if (!any) return;
  note_fill(now);
  room_came_ = note_room() || room_came_;
}

void Turn::release(Round& round, std::vector<Outgoing>& out) {
  out.reserve(out.size() + round.refusals.size() + round.sends.size());
  for (const SubmitRefused& refusal : round.refusals) out.emplace_back(refusal);
  for (core::Send& send : round.sends) {
    std::visit(
        [&](auto& what) {
          using What = std::decay_t<decltype(what)>;
          if constexpr (std::is_same_v<What, core::SendBatch>) {
            // A report that came since the grant may have settled some of it already.
            what.batch = dispatcher_.batch(what.batch->id);
            if (what.batch) out.emplace_back(std::move(what));
          } else {
            out.emplace_back(std::move(what));
          }
        },
        send);
  }
  round.sends.clear();
  round.refusals.clear();
}

// ---- what is to be known

bool Turn::close_if_due(core::Instant now, bool last) {
  const auto due = next_close(now);
  if (!last && !(due && *due <= now)) return false;
  close(now);
  return true;
}

std::optional<core::Instant> Turn::next_close(core::Instant now) {
  if (is_blocked()) return std::nullopt;
  if (has_open_round()) return open_round_closes_at(now);
  return next_close_without_events(now);
}

std::optional<core::Instant> Turn::next_close_without_events(core::Instant now) const {
  if (supply() != dispatcher_.supply()) return now;
  if (room_runs_out() != dispatcher_.makes_room()) return now;
  if (room_came_ || !std::holds_alternative<std::monostate>(dispatcher_.wanted())) return now;
  std::optional<core::Instant> next = dispatcher_.next_timeout();
  const auto sooner = [&next](core::Instant at) {
    if (!next || at < *next) next = at;
  };
  if (generator_ && accepting() && dispatcher_.demand() > 0) {
    // The round made as much as it may, or there was no room before its commit.
    if (!generator_->rated()) return now;
    // Past where the round took longer than a msg: then it is wanted at once.
    if (const auto made_at = generator_->next_at()) sooner(*made_at);
  }
  // Room may come from outside, such as space on the disk: look again from time to time.
  if (!accepting() || dispatcher_.waits_for_room()) sooner(admission_.look_again_at());
  return next;
}

// Decided once a round, when it has nothing but answers; what comes then may end the hold.
core::Instant Turn::open_round_closes_at(core::Instant now) {
  if (!only_answers_reports()) return now;
  if (!hold_) {
    const auto due = next_close_without_events(now);
    const bool other_is_near = due && *due < now + Pace::kLongest;
    const auto time = other_is_near ? std::nullopt : pace_.hold();
    hold_ = Hold{now + time.value_or(core::Duration::zero()), time.has_value()};
  }
  return hold_->until;
}

// It makes something durable, and only answers to reports wait for that: no batch, and no answer to who
// submits.
bool Turn::only_answers_reports() const {
  const auto answers_report = [](const core::Send& send) {
    return std::holds_alternative<core::ReportReply>(send);
  };
  return !effects_.writes.empty() && refusals_.empty() &&
         !std::holds_alternative<core::WantedBodies>(dispatcher_.wanted()) &&
         (!generator_ || dispatcher_.demand() == 0) &&
         std::ranges::all_of(effects_.sends, answers_report);
}

std::optional<std::string> Turn::warning(core::Instant now) {
  if (auto text = std::exchange(news_, std::nullopt)) return text;
  if (auto text = index_.warning()) return text;
  if (auto text = admission_.room_made(dispatcher_.counts().room_reports, now)) return text;
  return admission_.warning(waits_for_room(), waits_for(), now);
}

bool Turn::generating() const {
  return generator_ && !generator_->ended();
}

std::vector<Outgoing> run_rounds(Turn& turn, core::Instant now) {
  std::vector<Outgoing> all;
  for (auto next = std::optional{now}; next && *next <= now; next = turn.next_close(now)) {
    turn.close(now);
    for (Outgoing& out : turn.durable(now)) all.push_back(std::move(out));
  }
  return all;
}

WaitsFor Turn::waits_for() const {
  if (waits_for_room()) return WaitsFor::store_room;
  const core::Counts counts = dispatcher_.counts();
  const bool has_work = dispatcher_.grantable() > 0;
  const bool is_connected = counts.clients_free + counts.clients_busy > 0;
  if (has_work && !is_connected) return WaitsFor::client;
  if (dispatcher_.waits_for_resume()) return WaitsFor::resume;
  if (has_work || counts.clients_free == 0) return WaitsFor::nothing;
  if (full() != Full::no && full() != Full::queue) return WaitsFor::store_room;
  return supply() == core::Supply::later ? WaitsFor::rate : WaitsFor::nothing;
}

}  // namespace pena::turn
