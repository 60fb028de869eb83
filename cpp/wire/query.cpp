#include "wire/query.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "wire/hex_digit.hpp"
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

// Decimal digits alone: from_chars would take a minus, and stops at what it does not know.
Outcome<std::size_t> whole_number(std::string_view key, const std::string& text, std::size_t most) {
  std::size_t number = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!digits || error != std::errc{} || number < 1 || number > most) {
    return Refusal{400, std::string{key} + " is " + quote(text) +
                            "; expected a whole number from 1 to " + std::to_string(most)};
  }
  return number;
}

Outcome<bool> zero_or_one(const Pairs& pairs, std::string_view key) {
  const auto given = only(pairs, key);
  if (!given) return given.refusal();
  if (!*given || **given == "0") return false;
  if (**given == "1") return true;
  return Refusal{400, std::string{key} + " is " + quote(**given) + "; expected 0 or 1"};
}

}  // namespace

Outcome<TaskQuery> parse_task_query(std::string_view query, const core::Limits& limits) {
  const Pairs pairs = pairs_of(query);
  const auto given = only(pairs, "batchsize");
  if (!given) return given.refusal();
  if (!*given) {
    return Refusal{400, "batchsize is missing; expected ?batchsize=N with N from 1 to " +
                            std::to_string(limits.batchsize)};
  }
  const auto batchsize = whole_number("batchsize", **given, limits.batchsize);
  if (!batchsize) return batchsize.refusal();
  const auto takes_short = zero_or_one(pairs, "short");
  if (!takes_short) return takes_short.refusal();
  TaskQuery task{static_cast<std::uint32_t>(*batchsize), *takes_short, {}};
  const auto batches = only(pairs, "batches");
  if (!batches) return batches.refusal();
  if (*batches) {
    const auto number = whole_number("batches", **batches, kMostBatches);
    if (!number) return number.refusal();
    task.batches = *number;
  }
  return task;
}

Outcome<PageQuery> parse_page_query(std::string_view query, const core::Limits& limits) {
  const Pairs pairs = pairs_of(query);
  PageQuery page;
  page.limit = limits.page_ids;
  const auto limit = only(pairs, "limit");
  if (!limit) return limit.refusal();
  if (*limit) {
    const auto number = whole_number("limit", **limit, limits.page_ids);
    if (!number) return number.refusal();
    page.limit = *number;
  }
  const auto after = only(pairs, "after");
  if (!after) return after.refusal();
  if (*after) {
    page.after = core::Xid::parse(**after);
    if (!page.after) {
      return Refusal{
          400, "after is " + quote(**after) + "; expected an id, 20 characters of 0-9 and a-v"};
    }
  }
  const auto records = zero_or_one(pairs, "records");
  if (!records) return records.refusal();
  page.records = *records;
  return page;
}

}  // namespace pena::wire
