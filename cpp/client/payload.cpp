#include "client/payload.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "wire/json_cursor.hpp"

namespace pena::client {
namespace {

using wire::JsonCursor;

std::string text_of(const JsonCursor::Value& value) {
  return value.text.starts_with('"') ? JsonCursor::characters(value) : JsonCursor::compact(value);
}

std::optional<JsonCursor::Value> whole_value(std::string_view json, int most_depth) {
  JsonCursor cursor(json);
  auto value = cursor.value(most_depth);
  return value && cursor.end() ? value : std::nullopt;
}

// As it stands there.
std::optional<JsonCursor::Value> member(std::string_view json, std::string_view name) {
  JsonCursor cursor(json);
  std::optional<JsonCursor::Value> found;
  if (cursor.next() != '{') return std::nullopt;
  const bool whole = cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(core::kDeepestJson);
    if (value && key == name) found = value;
    return value.has_value();
  });
  return whole ? found : std::nullopt;
}

// As it stands there; nothing where there is none, or it is null.
std::optional<JsonCursor::Value> field(std::string_view payload, std::string_view path) {
  std::optional<JsonCursor::Value> value;
  for (std::string_view json = payload; !path.empty(); json = value->text) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    value = member(json, name);
    if (!value || value->text == "null") return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<std::string> compact_json(std::string_view text) {
  const auto value = whole_value(text, core::Limits{}.json_depth);
  return value ? std::optional{JsonCursor::compact(*value)} : std::nullopt;
}

std::string json_problem(std::string_view text) {
  constexpr std::string_view kOfRequests = "the body ";
  const auto refusal = wire::check_json(text, core::kDeepestJson);
  if (!refusal) return "";
  const std::string& sentence = refusal->sentence;
  return sentence.starts_with(kOfRequests) ? sentence.substr(kOfRequests.size())
                                           : "is not taken: " + sentence;
}

std::string payload_text(std::string_view payload) {
  const auto value = whole_value(payload, core::kDeepestJson);
  return value ? text_of(*value) : std::string{};
}

std::optional<std::string> payload_field(std::string_view payload, std::string_view path) {
  const auto value = field(payload, path);
  return value ? std::optional{text_of(*value)} : std::nullopt;
}

bool is_name_field(std::string_view payload, std::string_view path) {
  constexpr std::string_view kBegins = "\"-0123456789";
  const auto value = field(payload, path);
  return value && kBegins.find(value->text.front()) != std::string_view::npos;
}

}  // namespace pena::client
