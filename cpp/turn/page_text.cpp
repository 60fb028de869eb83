#include "turn/page_text.hpp"

#include <algorithm>
#include <iterator>

#include "core/check.hpp"

namespace pena::turn {
namespace {

using core::Xid;
using store::Bucket;

// Of slices, where most may be passed over.
constexpr std::size_t kMostReads = 64;

// Two queues as one, as far as both were read.
store::Page<core::QueuedMsg> merged(store::Page<core::QueuedMsg> a, store::Page<core::QueuedMsg> b,
                                    std::size_t most) {
  std::optional<Xid> up_to;
  for (const auto* const page : {&a, &b}) {
    if (!page->more || page->records.empty()) continue;
    const Xid& last = page->records.back().msg.id;
    up_to = up_to ? std::min(*up_to, last) : last;
  }
  store::Page<core::QueuedMsg> both{{}, a.more || b.more};
  std::merge(std::make_move_iterator(a.records.begin()), std::make_move_iterator(a.records.end()),
             std::make_move_iterator(b.records.begin()), std::make_move_iterator(b.records.end()),
             std::back_inserter(both.records),
             [](const auto& x, const auto& y) { return x.msg.id < y.msg.id; });
  const auto is_behind = [&](const core::QueuedMsg& msg) {
    return up_to && msg.msg.id > *up_to;
  };
  auto end = std::ranges::find_if(both.records, is_behind);
  if (static_cast<std::size_t>(end - both.records.begin()) > most) {
    end = both.records.begin() + static_cast<std::ptrdiff_t>(most);
  }
  both.more = both.more || end != both.records.end();
  both.records.erase(end, both.records.end());
  return both;
}

}  // namespace

PageText::PageText(const store::View& buckets, Bucket bucket, const wire::PageQuery& query,
                   std::size_t most_bytes, std::size_t slice)
    : buckets_(buckets),
      bucket_(bucket),
      query_(query),
      bytes_left_(most_bytes),
      slice_(slice),
      reads_left_(query.queue ? kMostReads : SIZE_MAX),
      names_(buckets),
      json_(query.records ? "records" : "ids") {
  PENA_CHECK(bucket != Bucket::batch);  // who holds what is the turn's to say
}

void PageText::append_next(std::string& out) {
  if (query_.queue && !queue_) {
    queue_ = names_.number(*query_.queue);
    if (!queue_) return append_no_queue(out);
  }
  const std::size_t before = out.size();
  while (out.size() == before) {
    --reads_left_;
    append_slice(out);
  }
}

// There is none that is called so.
void PageText::append_no_queue(std::string& out) {
  if (query_.since) {
    note_first(bucket_ == Bucket::report ? buckets_.reports_since(*query_.since, 1).first
                                         : buckets_.fails_since(*query_.since, 1).first);
  }
  end(out, false);
}

void PageText::append_slice(std::string& out) {
  const bool ids_will_do = !query_.records && !query_.queue && !query_.since;
  if (ids_will_do && bucket_ != Bucket::later) return append(out, ids());
  switch (bucket_) {
    case Bucket::report:
      return append_reports(out);
    case Bucket::fail:
      return append_fails(out);
    case Bucket::queue:
      return append_queue(out);
    case Bucket::later:
      return append_later(out);
    case Bucket::batch:
      break;
  }
}

store::Page<Xid> PageText::ids() const {
  const std::size_t most = std::max<std::size_t>(slice_ / Xid::kTextLength, 1);
  return buckets_.ids(bucket_, query_.after, std::min(query_.limit, most));
}

// A slice, of which some may be passed over.
store::Most PageText::most() const {
  constexpr std::size_t kFew = 4096;
  return {query_.queue ? std::max(query_.limit, kFew) : query_.limit, slice_};
}

void PageText::append_reports(std::string& out) {
  append(out, query_.since ? buckets_.reports_since(*query_.since, most())
                           : buckets_.reports(query_.after, most()));
}

void PageText::append_fails(std::string& out) {
  append(out, query_.since ? buckets_.fails_since(*query_.since, most())
                           : buckets_.fails(query_.after, most()));
}

void PageText::append_queue(std::string& out) {
  if (!queue_) return append(out, waiting());
  if (is_default_queue(*queue_)) return append(out, default_queue());
  append(out, buckets_.queue(*queue_, query_.after, query_.limit, slice_));
}

void PageText::append_later(std::string& out) {
  std::optional<store::LaterPlace> after;
  if (query_.after) after = {query_.after_date, *query_.after};
  append(out, buckets_.later(after, most()));
}

// Msgs of all queues, in the order of their ids.
store::Page<core::QueuedMsg> PageText::waiting() {
  const store::Page<Xid> wanted = ids();
  store::Page<core::QueuedMsg> page{{}, wanted.more};
  std::size_t bytes = 0;
  for (const Xid& id : wanted.records) {
    if (bytes >= slice_) {
      page.more = true;
      break;
    }
    auto msg = buckets_.waiting(id);
    if (!msg) continue;  // it was sent meanwhile
    bytes += msg->memory_bytes();
    page.records.push_back(*std::move(msg));
  }
  if (page.records.empty() && !wanted.records.empty()) query_.after = wanted.records.back();
  return page;
}

store::Page<core::QueuedMsg> PageText::default_queue() const {
  const auto page_of = [this](core::QueueNumber number) {
    return buckets_.queue(number, query_.after, query_.limit, slice_);
  };
  return merged(page_of(core::kDefaultQueue), page_of(core::kGeneratedQueue), query_.limit);
}

// ---- what is written

template <class Record>
void PageText::append(std::string& out, const store::Page<Record>& page) {
  bool more = page.more;
  note_first(page.first);
  for (const Record& record : page.records) {
    if (bytes_left_ == 0 || query_.limit == 0) {
      more = true;
      break;
    }
    go_behind(record);
    if (!is_wanted(record)) continue;
    const std::size_t before = out.size();
    add(out, record);
    bytes_left_ -= std::min(bytes_left_, out.size() - before);
    --query_.limit;
  }
  if (!more || is_full()) end(out, more);
}

void PageText::note_first(std::uint64_t first) {
  if (query_.since && (!first_ || *query_.since < first - 1)) first_ = first;
}

// Whoever goes on by the order of settling is told where, also where there is no more as yet, and from where
// on all is kept.
void PageText::end(std::string& out, bool more) {
  done_ = true;
  if (query_.since) return json_.end_at(out, std::to_string(*query_.since), first_);
  if (!more || !query_.after || bucket_ != Bucket::later) {
    return json_.end(out, more ? query_.after : std::nullopt);
  }
  json_.end_at(out, '"' + wire::date_place(query_.after_date, *query_.after) + '"');
}

bool PageText::is_wanted(core::QueueNumber number) const {
  if (!queue_) return true;
  return is_default_queue(*queue_) ? is_default_queue(number) : number == *queue_;
}
bool PageText::is_wanted(const core::ReportRecord& record) const {
  return is_wanted(record.queue);
}
bool PageText::is_wanted(const core::FailRecord& record) const {
  return is_wanted(record.msg.queue);
}
bool PageText::is_wanted(const core::QueuedMsg& msg) const {
  return is_wanted(msg.msg.queue);
}

void PageText::add(std::string& out, const Xid& id) {
  json_.add(out, id);
}
void PageText::add(std::string& out, const core::ReportRecord& record) {
  if (!query_.records) return json_.add(out, record.id);
  json_.add(out, record, names_.name(record.queue));
}
void PageText::add(std::string& out, const core::FailRecord& record) {
  if (!query_.records) return json_.add(out, record.msg.id);
  json_.add(out, record, names_.name(record.msg.queue));
}
void PageText::add(std::string& out, const core::QueuedMsg& msg) {
  if (!query_.records) return json_.add(out, msg.msg.id);
  json_.add(out, msg, bucket_ == Bucket::later, names_.name(msg.msg.queue));
}

void PageText::go_behind(const core::ReportRecord& record) {
  query_.after = record.id;
  if (query_.since) query_.since = record.order;
}
void PageText::go_behind(const core::FailRecord& record) {
  query_.after = record.msg.id;
  if (query_.since) query_.since = record.order;
}
void PageText::go_behind(const core::QueuedMsg& msg) {
  query_.after = msg.msg.id;
  query_.after_date = msg.queued_at;
}

}  // namespace pena::turn
