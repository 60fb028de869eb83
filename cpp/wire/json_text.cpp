#include "wire/json_text.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace pena::wire {
namespace {

using Json = nlohmann::json;

// Passes a text whose objects have each key once and whose depth is bounded.
class Checker : public nlohmann::json_sax<Json> {
 public:
  explicit Checker(int most_depth) : most_depth_(most_depth) {}
  std::string wrong;

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override {
    keys_.emplace_back();
    return deeper();
  }
  bool key(string_t& name) override {
    if (keys_.back().insert(name).second) return true;
    wrong = "the key \"" + name.substr(0, 40) + "\" stands twice in one object; expected it once";
    return false;
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t /*size*/) override { return deeper(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*last*/,
                   const Json::exception& /*error*/) override {
    wrong = "the body is not JSON: wrong at byte " + std::to_string(position);
    return false;
  }

 private:
  bool deeper() {
    if (++depth_ <= most_depth_) return true;
    wrong = "the body is nested deeper than " + std::to_string(most_depth_) + " levels";
    return false;
  }

  int most_depth_;
  int depth_ = 0;
  std::vector<std::set<std::string>> keys_;
};

bool is_space(char letter) {
  return letter == ' ' || letter == '\n' || letter == '\r' || letter == '\t';
}

std::size_t skip_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at;
}

std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Behind the value that begins at `at`.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  if (text[at] == '"') return end_of_string(text, at);
  if (text[at] != '{' && text[at] != '[') {
    while (at < text.size() && !is_space(text[at]) && text[at] != ',' && text[at] != '}' &&
           text[at] != ']') {
      ++at;
    }
    return at;
  }
  int depth = 0;
  do {
    if (text[at] == '"') {
      at = end_of_string(text, at);
      continue;
    }
    if (text[at] == '{' || text[at] == '[') ++depth;
    if (text[at] == '}' || text[at] == ']') --depth;
    ++at;
  } while (depth > 0);
  return at;
}

}  // namespace

std::optional<Refusal> check_json(std::string_view text, int most_depth) {
  if (text.starts_with("\xef\xbb\xbf")) {
    return Refusal{400, "the body begins with a byte order mark; expected JSON in UTF-8 alone"};
  }
  Checker checker(most_depth);
  if (Json::sax_parse(text.begin(), text.end(), &checker)) return std::nullopt;
  return Refusal{400, checker.wrong};
}

JsonValue::JsonValue(std::string_view text) {
  const std::size_t start = skip_space(text, 0);
  text_ = text.substr(start, end_of_value(text, start) - start);
}

std::optional<Refusal> JsonValue::for_each_member(const Member& member) const {
  std::size_t at = skip_space(text_, 1);
  while (text_[at] != '}') {
    const std::size_t key_end = end_of_string(text_, at);
    const std::string key = JsonValue(text_.substr(at, key_end - at)).string();
    at = skip_space(text_, skip_space(text_, key_end) + 1);
    const std::size_t end = end_of_value(text_, at);
    if (auto refusal = member(key, JsonValue(text_.substr(at, end - at)))) return refusal;
    at = skip_space(text_, end);
    if (text_[at] == ',') at = skip_space(text_, at + 1);
  }
  return std::nullopt;
}

std::optional<Refusal> JsonValue::for_each_element(const Element& element) const {
  std::size_t at = skip_space(text_, 1);
  while (text_[at] != ']') {
    const std::size_t end = end_of_value(text_, at);
    if (auto refusal = element(JsonValue(text_.substr(at, end - at)))) return refusal;
    at = skip_space(text_, end);
    if (text_[at] == ',') at = skip_space(text_, at + 1);
  }
  return std::nullopt;
}

std::string JsonValue::string() const {
  if (text_.find('\\') == std::string_view::npos) {
    return std::string{text_.substr(1, text_.size() - 2)};
  }
  return Json::parse(text_.begin(), text_.end()).get<std::string>();
}

std::string JsonValue::compact() const {
  std::string out;
  out.reserve(text_.size());
  for (std::size_t at = 0; at < text_.size();) {
    if (text_[at] == '"') {
      const std::size_t end = end_of_string(text_, at);
      out += text_.substr(at, end - at);
      at = end;
    } else {
      if (!is_space(text_[at])) out += text_[at];
      ++at;
    }
  }
  return out;
}

}  // namespace pena::wire
