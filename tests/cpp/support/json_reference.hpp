// What JSON is, by another reader's word (nlohmann's), to compare Pena's with.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace pena::test {

// Whether `text` is one JSON value whose objects have each key once. Nothing where that reader is no
// judge: it takes numbers for doubles, so 1e400 is none to it, and it passes over a byte order mark.
[[nodiscard]] inline std::optional<bool> is_json_elsewhere(std::string_view text) {
  using Json = nlohmann::json;
  struct Sax : nlohmann::json_sax<Json> {
    std::vector<std::set<std::string>> keys;
    bool twin = false;
    bool too_large = false;
    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(number_integer_t /*value*/) override { return true; }
    bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
    bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
    bool string(string_t& /*value*/) override { return true; }
    bool binary(binary_t& /*value*/) override { return true; }
    bool start_object(std::size_t /*size*/) override {
      keys.emplace_back();
      return true;
    }
    bool key(string_t& name) override {
      twin = twin || !keys.back().insert(name).second;
      return true;
    }
    bool end_object() override {
      keys.pop_back();
      return true;
    }
    bool start_array(std::size_t /*size*/) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t /*position*/, const std::string& /*last*/,
                     const Json::exception& error) override {
      constexpr int kOutOfRange = 406;
      too_large = error.id == kOutOfRange;
      return false;
    }
  } sax;
  if (text.starts_with("\xef\xbb\xbf")) return std::nullopt;
  const bool valid = Json::sax_parse(text.begin(), text.end(), &sax);
  if (sax.too_large) return std::nullopt;
  return valid && !sax.twin;
}

}  // namespace pena::test
