#include "wire/query.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wire/hex_digit.hpp"
#include "wire/names.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

// Costs nobody anything, and is more than a client can work off.
constexpr std::size_t kMostBatches = 1'000'000'000'000;

// A '%' without two digits stands for itself, as browsers have it.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t byte = hex_byte(text, i + 1);
    if (text[i] == '%' && byte <= 0xff) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs_of(std::string_view query) {
  Pairs pairs;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    pairs.emplace_back(decoded(pair.substr(0, equals)), decoded(value));
  }
  return pairs;
}

// The one value of a key; nothing where it is not there.
Outcome<std::optional<std::string>> only(const Pairs& pairs, std::string_view key) {
  std::optional<std::string> found;
  for (const auto& [name, value] : pairs) {
    if (name != key) continue;
    if (found) return Refusal{400, std::string{key} + " is given twice; expected it once"};
    found = value;
  }
  return found;
}

// "limit, after or queue".
std::string listed(std::span<const std::string_view> keys) {
  std::string list;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i > 0) list += i + 1 == keys.size() ? " or " : ", ";
    list += keys[i];
  }
  return list;
}

// What stands there beside these does nothing, though somebody meant it to.
std::optional<Refusal> refuse_others(const Pairs& pairs, std::span<const std::string_view> known) {
  for (const auto& [key, value] : pairs) {
    if (std::ranges::find(known, key) != known.end()) continue;
    return Refusal{400, "the query has " + quote(key) + "; expected " +
                            (known.empty() ? "none" : listed(known))};
  }
  return std::nullopt;
}

constexpr auto kSubmitKeys = std::to_array<std::string_view>({"queue"});
constexpr auto kKeyKeys = std::to_array<std::string_view>({"key", "queue"});
constexpr auto kStatusKeys = std::to_array<std::string_view>({"limit", "after", "queue"});
constexpr auto kPageKeys =
    std::to_array<std::string_view>({"limit", "after", "records", "queue", "since"});

// `since` is the last of them.
std::span<const std::string_view> page_keys(PageKind kind) {
  return std::span{kPageKeys}.first(kPageKeys.size() - (kind.has_since ? 0 : 1));
}

// Decimal digits alone: from_chars would take a minus, and stops at what it does not know.
Outcome<std::size_t> limited_number(std::string_view key, const std::string& text,
                                    std::size_t most) {
  std::size_t number = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!digits || error != std::errc{} || number < 1 || number > most) {
    return Refusal{400, std::string{key} + " is " + quote(text) +
                            "; expected a whole number from 1 to " + std::to_string(most)};
  }
  return number;
}

Outcome<std::size_t> limit_of(const Pairs& pairs, std::size_t most) {
  const auto limit = only(pairs, "limit");
  if (!limit) return limit.refusal();
  if (!*limit) return most;
  return limited_number("limit", **limit, most);
}

Outcome<bool> zero_or_one(const Pairs& pairs, std::string_view key) {
  const auto given = only(pairs, key);
  if (!given) return given.refusal();
  if (!*given || **given == "0") return false;
  if (**given == "1") return true;
  return Refusal{400, std::string{key} + " is " + quote(**given) + "; expected 0 or 1"};
}

// In the order in which they are looked into.
Outcome<std::vector<std::string>> queue_names(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    const std::string_view name = list.substr(at, end - at);
    at = end + 1;
    if (!is_queue_name(name)) {
      return Refusal{400, "queue has the name " + quote(name) + "; expected names of " +
                              queue_name_rule() + ", with a comma between each"};
    }
    if (std::ranges::find(names, name) != names.end()) {
      return Refusal{400, "queue has the name " + quote(name) + " twice; expected it once"};
    }
    if (names.size() == core::kMostQueuesOfClient) {
      return Refusal{400, "queue has more than " + std::to_string(core::kMostQueuesOfClient) +
                              " names; expected at most so many"};
    }
    names.emplace_back(name);
  }
  return names;
}

// Of one queue's name; "" stands for `default`.
Outcome<std::optional<std::string>> only_queue(const Pairs& pairs) {
  auto queue = only(pairs, "queue");
  if (!queue || !*queue) return queue;
  if (is_queue_name(**queue)) return std::optional{std::string{short_queue_name(**queue)}};
  return Refusal{400, "queue is " + quote(**queue) + "; expected " + queue_name_rule()};
}

Refusal no_id(std::string_view after) {
  return {400, "after is " + quote(after) + "; expected an id, 20 characters of 0-9 and a-v"};
}

// Where a page begins, by what its bucket is sorted by.
std::optional<Refusal> read_after(const Pairs& pairs, PageKind kind, PageQuery& page) {
  const auto after = only(pairs, "after");
  if (!after) return after.refusal();
  if (!*after) return std::nullopt;
  std::string_view id = **after;
  if (kind.is_by_date) {
    const std::size_t point = std::min(id.find('.'), id.size());
    std::int64_t date = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + point, date);
    const bool is_date = error == std::errc{} && end == id.data() + point && date >= 0;
    id.remove_prefix(is_date ? std::min(point + 1, id.size()) : id.size());
    page.after_date = core::from_us(date);
  }
  page.after = core::Xid::parse(id);
  if (page.after) return std::nullopt;
  if (!kind.is_by_date) return no_id(**after);
  return Refusal{400, "after is " + quote(**after) + "; expected the next of another page"};
}

std::optional<Refusal> read_since(const Pairs& pairs, PageQuery& page) {
  const auto since = only(pairs, "since");
  if (!since) return since.refusal();
  if (!*since) return std::nullopt;
  std::uint64_t order = 0;
  const std::string& text = **since;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), order);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return Refusal{400, "since is " + quote(text) + "; expected 0, or the next of another page"};
  }
  page.since = order;
  if (!page.after) return std::nullopt;
  return Refusal{400, "after and since are both given; expected one of them"};
}

// What a client takes, and what it is called.
std::optional<Refusal> read_wishes(const Pairs& pairs, TaskQuery& task) {
  const auto submitted_only = zero_or_one(pairs, "submitted");
  if (!submitted_only) return submitted_only.refusal();
  task.submitted_only = *submitted_only;
  const auto queue = only(pairs, "queue");
  if (!queue) return queue.refusal();
  if (*queue) {
    auto names = queue_names(**queue);
    if (!names) return names.refusal();
    if (names->size() > 1 || !short_queue_name(names->front()).empty()) {
      task.queues = std::move(*names);
    }
  }
  const auto name = only(pairs, "name");
  if (!name) return name.refusal();
  task.name = name->value_or("");
  if (!*name || is_client_name(task.name)) return std::nullopt;
  return Refusal{400, "name is " + quote(task.name) + "; expected " + client_name_rule()};
}

}  // namespace

Outcome<std::string> parse_submit_query(std::string_view query) {
  if (query.empty()) return std::string{};
  const Pairs pairs = pairs_of(query);
  if (auto refusal = refuse_others(pairs, kSubmitKeys)) return *std::move(refusal);
  const auto queue = only_queue(pairs);
  if (!queue) return queue.refusal();
  return queue->value_or("");
}

Outcome<TaskQuery> parse_task_query(std::string_view query, const core::Limits& limits) {
  const Pairs pairs = pairs_of(query);
  const auto given = only(pairs, "batchsize");
  if (!given) return given.refusal();
  if (!*given) {
    return Refusal{400, "batchsize is missing; expected ?batchsize=N with N from 1 to " +
                            std::to_string(limits.batchsize)};
  }
  const auto batchsize = limited_number("batchsize", **given, limits.batchsize);
  if (!batchsize) return batchsize.refusal();
  const auto takes_short = zero_or_one(pairs, "short");
  if (!takes_short) return takes_short.refusal();
  TaskQuery task{static_cast<std::uint32_t>(*batchsize), *takes_short, {}};
  if (auto refusal = read_wishes(pairs, task)) return *std::move(refusal);
  const auto batches = only(pairs, "batches");
  if (!batches) return batches.refusal();
  if (*batches) {
    const auto number = limited_number("batches", **batches, kMostBatches);
    if (!number) return number.refusal();
    task.batches = *number;
  }
  return task;
}

Outcome<std::optional<KeyQuery>> parse_key_query(std::string_view query) {
  const Pairs pairs = pairs_of(query);
  if (std::ranges::find(pairs, "key", &Pairs::value_type::first) == pairs.end()) {
    return std::optional<KeyQuery>{};
  }
  if (auto refusal = refuse_others(pairs, kKeyKeys)) {
    refusal->sentence += ": key asks for one msg, and opens no stream";
    return *std::move(refusal);
  }
  const auto key = only(pairs, "key");
  if (!key) return key.refusal();
  if (!is_key(**key)) {
    return Refusal{400, "key is " + quote(**key) + ", of " + std::to_string((*key)->size()) +
                            " bytes; expected " + key_rule()};
  }
  const auto queue = only_queue(pairs);
  if (!queue) return queue.refusal();
  return std::optional{KeyQuery{**key, queue->value_or("")}};
}

std::string date_place(core::Instant date, const core::Xid& id) {
  return std::to_string(core::to_us(date)) + '.' + id.text();
}

Outcome<PageQuery> parse_page_query(std::string_view query, const core::Limits& limits,
                                    PageKind kind) {
  const Pairs pairs = pairs_of(query);
  if (auto refusal = refuse_others(pairs, page_keys(kind))) return *std::move(refusal);
  PageQuery page;
  const auto limit = limit_of(pairs, limits.page_ids);
  if (!limit) return limit.refusal();
  page.limit = *limit;
  const auto records = zero_or_one(pairs, "records");
  if (!records) return records.refusal();
  page.records = *records;
  const auto queue = only_queue(pairs);
  if (!queue) return queue.refusal();
  page.queue = *queue;
  if (auto refusal = read_after(pairs, kind, page)) return *std::move(refusal);
  if (auto refusal = read_since(pairs, page)) return *std::move(refusal);
  return page;
}

Outcome<core::StatusAsked> parse_status_query(std::string_view query,
                                              core::StatusAsked::What what) {
  const Pairs pairs = pairs_of(query);
  if (auto refusal = refuse_others(pairs, kStatusKeys)) return *std::move(refusal);
  core::StatusAsked asked;
  asked.what = what;
  const auto limit = limit_of(pairs, kMostStatus);
  if (!limit) return limit.refusal();
  asked.limit = *limit;
  const auto queue = only_queue(pairs);
  if (!queue) return queue.refusal();
  if (*queue) asked.queue = full_queue_name(**queue);
  const auto after = only(pairs, "after");
  if (!after) return after.refusal();
  if (!*after) return asked;
  if (what == core::StatusAsked::What::stats) {
    if (!is_queue_name(**after)) {
      return Refusal{400, "after is " + quote(**after) + "; expected the name of a queue, " +
                              queue_name_rule()};
    }
    asked.after_queue = **after;
    return asked;
  }
  asked.after = core::Xid::parse(**after);
  if (!asked.after) return no_id(**after);
  return asked;
}

std::optional<Refusal> refuse_query(std::string_view query) {
  return refuse_others(pairs_of(query), {});
}

}  // namespace pena::wire
