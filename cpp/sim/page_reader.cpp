#include "sim/page_reader.hpp"

#include <utility>

#include "wire/json_cursor.hpp"

namespace pena::sim {

using namespace std::chrono_literals;

using core::Xid;

namespace {

constexpr std::uint64_t kLongestPage = 20;  // ids
constexpr core::Duration kPatience = 10s;

std::optional<Xid> pass_id(wire::JsonCursor& json) {
  return json.string_of(Xid::kTextLength, Xid::parse);
}

// Passes a record, and has its id.
std::optional<Xid> pass_record(wire::JsonCursor& json, int most_depth) {
  std::optional<Xid> id;
  const bool passed = json.each_member([&](std::string_view key) {
    if (key != "id") return json.value(most_depth).has_value();
    id = pass_id(json);
    return id.has_value();
  });
  return passed ? id : std::nullopt;
}

}  // namespace

PageReader::PageReader(Environment& environment, Get get)
    : environment_(environment),
      get_(std::move(get)),
      dice_(environment.scenario.seed, 9),
      pause_(environment.scenario.calm_at / 8) {}

void PageReader::start() {
  after(dice_.between(0us, pause_), [this] { begin_walk(); });
}

void PageReader::begin_walk() {
  bucket_ = dice_.chance(0.7) ? store::Bucket::report : store::Bucket::fail;
  records_ = dice_.chance(0.3);
  const auto page = environment_.disk.durable_view().ids(bucket_, {}, SIZE_MAX);
  there_ = {page.records.begin(), page.records.end()};
  after_.reset();
  ask();
}

// Again, where no answer comes: the server may have died of anything.
void PageReader::ask() {
  const std::uint64_t number = ++try_;
  limit_ = dice_.between(1, kLongestPage);
  get_(path(),
       "limit=" + std::to_string(limit_) + (records_ ? "&records=1" : "") +
           (after_ ? "&after=" + after_->text() : ""),
       [this, number](const Reply& reply) {
         if (number == try_) take(reply);
       });
  after(kPatience, [this, number] {
    if (number == try_) ask();
  });
}

void PageReader::take(const Reply& reply) {
  if (reply.status == 0) {
    ++try_;
    return after(500ms, [this] { ask(); });
  }
  const auto page = parse(reply.body);
  law(reply.status == 200 && page, "pages",
      "GET " + path() + " is answered " + std::to_string(reply.status) + ", " + reply.body);
  check(*page);
  ++try_;
  if (!page->next) return end_walk();
  after_ = page->next;
  after(dice_.chance(0.5) ? 0us : dice_.between(0us, 2s), [this] { ask(); });
}

void PageReader::check(const Page& page) {
  law(page.ids.size() <= limit_, "pages",
      "GET " + path() + " has " + std::to_string(page.ids.size()) + " of at most " +
          std::to_string(limit_));
  std::optional<Xid> before = after_;
  for (const Xid& id : page.ids) {
    law(!before || *before < id, "pages",
        "GET " + path() + " has " + id.text() + " behind " + before.value_or(Xid{}).text());
    law(may_leave() || environment_.disk.view().find(id) == bucket_, "pages",
        "GET " + path() + " has " + id.text() + ", and the store has not");
    there_.erase(id);
    before = id;
  }
  law(!page.next || (!page.ids.empty() && page.next == page.ids.back()), "pages",
      "GET " + path() + " goes on behind another id than its last");
}

void PageReader::end_walk() {
  law(there_.empty() || may_leave(), "pages",
      "a walk through GET " + path() + " ends without " + std::to_string(there_.size()) +
          " that were there when it began");
  after(dice_.between(0us, pause_), [this] { begin_walk(); });
}

// What failed may be tried again meanwhile, and what has ended be forgotten.
bool PageReader::may_leave() const {
  const Oracle& oracle = environment_.oracle;
  if (bucket_ == store::Bucket::report) return oracle.may_forget().reports;
  return oracle.may_retry() || oracle.may_forget().fails;
}

std::string PageReader::path() const {
  return bucket_ == store::Bucket::report ? "/report" : "/fail";
}

std::optional<PageReader::Page> PageReader::parse(const std::string& body) const {
  Page page;
  wire::JsonCursor json{body};
  const int depth = environment_.scenario.limits.json_depth;
  const auto element = [&] {
    const auto id = records_ ? pass_record(json, depth) : pass_id(json);
    if (id) page.ids.push_back(*id);
    return id.has_value();
  };
  const bool passed = json.each_member([&](std::string_view key) {
    if (key == (records_ ? "records" : "ids")) return json.each_element(element);
    page.next = key == "next" ? pass_id(json) : std::nullopt;
    return page.next.has_value();
  });
  return passed && json.end() ? std::optional{page} : std::nullopt;
}

void PageReader::after(core::Duration wait, Timeline::Action action) {
  environment_.timeline.at(environment_.timeline.now() + wait, shared_from_this(),
                           std::move(action));
}

}  // namespace pena::sim
