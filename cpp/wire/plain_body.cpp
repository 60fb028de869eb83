#include "wire/plain_body.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace pena::wire {
namespace {

using core::Xid;

// Takes what it expects from the front of a text, and nothing else.
class Text {
 public:
  explicit Text(std::string_view text) : rest_(text) {}

  bool eat(char wanted) {
    skip_space();
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Key and colon.
  bool eat_key(std::string_view quoted) {
    skip_space();
    if (!rest_.starts_with(quoted)) return false;
    rest_.remove_prefix(quoted.size());
    return eat(':');
  }
  bool at_end() {
    skip_space();
    return rest_.empty();
  }

  std::optional<Xid> id() {
    skip_space();
    constexpr std::size_t kQuoted = Xid::kTextLength + 2;
    if (rest_.size() < kQuoted || rest_.front() != '"' || rest_[kQuoted - 1] != '"') {
      return std::nullopt;
    }
    const auto id = Xid::parse(rest_.substr(1, Xid::kTextLength));
    rest_.remove_prefix(kQuoted);
    return id;
  }

  // Digits without a zero in front, an exponent or a fraction.
  std::optional<std::uint32_t> whole_number() {
    skip_space();
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    const auto length = static_cast<std::size_t>(end - rest_.data());
    if (error != std::errc{} || (rest_.front() == '0' && length > 1)) return std::nullopt;
    rest_.remove_prefix(length);
    if (!rest_.empty() && (rest_.front() == '.' || rest_.front() == 'e' || rest_.front() == 'E')) {
      return std::nullopt;
    }
    return number;
  }

  // A value as compact as JSON can be.
  std::optional<std::string_view> value(int most_depth) {
    skip_space();
    const std::string_view start = rest_;
    if (!pass(most_depth)) return std::nullopt;
    return start.substr(0, start.size() - rest_.size());
  }

 private:
  void skip_space() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n' ||
                              rest_.front() == '\r' || rest_.front() == '\t')) {
      rest_.remove_prefix(1);
    }
  }
  bool next_is(char wanted) {
    if (rest_.empty() || rest_.front() != wanted) return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool pass(int most_depth) {
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '"':
        return pass_string();
      case '{':
        return most_depth > 0 && pass_object(most_depth - 1);
      case '[':
        return most_depth > 0 && pass_array(most_depth - 1);
      default:
        return pass_word("true") || pass_word("false") || pass_digits();
    }
  }
  bool pass_digits() {
    const std::size_t length = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    if (length == 0 || (length > 1 && rest_.front() == '0')) return false;
    rest_.remove_prefix(length);
    return rest_.empty() || (rest_.front() != '.' && rest_.front() != 'e' && rest_.front() != 'E');
  }
  bool pass_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool pass_string() {
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != '"'; ++at) {
      const auto letter = static_cast<unsigned char>(rest_[at]);
      if (letter < 0x20 || letter > 0x7e || letter == '\\') return false;
    }
    if (at == rest_.size()) return false;
    rest_.remove_prefix(at + 1);
    return true;
  }
  bool pass_array(int most_depth) {
    rest_.remove_prefix(1);
    if (next_is(']')) return true;
    do {
      if (!pass(most_depth)) return false;
    } while (next_is(','));
    return next_is(']');
  }
  bool pass_object(int most_depth) {
    rest_.remove_prefix(1);
    if (next_is('}')) return true;
    std::array<std::string_view, 16> keys;
    std::size_t count = 0;
    do {
      const std::string_view start = rest_;
      if (count == keys.size() || rest_.empty() || rest_.front() != '"' || !pass_string()) {
        return false;
      }
      const std::string_view key = start.substr(0, start.size() - rest_.size());
      const auto last = keys.begin() + static_cast<std::ptrdiff_t>(count);
      if (std::find(keys.begin(), last, key) != last) return false;
      keys[count++] = key;
      if (!next_is(':') || !pass(most_depth)) return false;
    } while (next_is(','));
    return next_is('}');
  }

  std::string_view rest_;
};

// Behind the opening bracket.
bool read_ids(Text& text, std::vector<Xid>& ids, std::size_t most) {
  if (text.eat(']')) return true;
  do {
    const auto next = text.id();
    if (!next || ids.size() == most) return false;
    ids.push_back(*next);
  } while (text.eat(','));
  return text.eat(']');
}

// Behind the opening brace.
bool read_submission(Text& text, Submission& msg, const core::Limits& limits) {
  if (text.eat('}')) return true;
  bool has_period = false;
  do {
    if (!has_period && text.eat_key("\"period\"")) {
      const auto period = text.whole_number();
      if (!period || *period > limits.period_ms) return false;
      msg.period = *period;
      has_period = true;
    } else if (msg.payload.empty() && text.eat_key("\"payload\"")) {
      const auto payload = text.value(limits.json_depth);
      if (!payload || payload->size() > limits.payload_bytes) return false;
      msg.payload = *payload;
    } else if (!msg.id && text.eat_key("\"id\"")) {
      msg.id = text.id();
      if (!msg.id) return false;
    } else {
      return false;
    }
  } while (text.eat(','));
  return text.eat('}');
}

bool has_twins(const std::vector<Submission>& msgs) {
  std::vector<Xid> ids;
  for (const Submission& msg : msgs) {
    if (msg.id) ids.push_back(*msg.id);
  }
  std::ranges::sort(ids);
  return std::ranges::adjacent_find(ids) != ids.end();
}

}  // namespace

std::optional<core::Reported> plain_report(std::string_view body, const core::Limits& limits) {
  Text text(body);
  core::Reported report;
  // Of ids with their quotes and commas.
  report.ids.reserve(std::min(body.size() / (Xid::kTextLength + 3) + 1, limits.report_ids));
  if (text.eat('[')) {
    if (!read_ids(text, report.ids, limits.report_ids) || !text.at_end()) return std::nullopt;
    return report;
  }
  if (!text.eat('{')) return std::nullopt;
  bool has_ids = false;
  do {
    if (!report.batch && text.eat_key("\"batch\"")) {
      report.batch = text.id();
      if (!report.batch) return std::nullopt;
    } else if (!has_ids && text.eat_key("\"ids\"") && text.eat('[') &&
               read_ids(text, report.ids, limits.report_ids)) {
      has_ids = true;
    } else {
      return std::nullopt;
    }
  } while (text.eat(','));
  if (!text.eat('}') || !text.at_end() || !has_ids) return std::nullopt;
  return report;
}

std::optional<std::vector<Submission>> plain_submissions(std::string_view body,
                                                         const core::Limits& limits) {
  Text text(body);
  const bool many = text.eat('[');
  std::vector<Submission> msgs;
  do {
    if (msgs.size() == limits.submit_msgs || !text.eat('{') ||
        !read_submission(text, msgs.emplace_back(), limits)) {
      return std::nullopt;
    }
  } while (many && text.eat(','));
  if ((many && !text.eat(']')) || !text.at_end() || has_twins(msgs)) return std::nullopt;
  return msgs;
}

}  // namespace pena::wire
