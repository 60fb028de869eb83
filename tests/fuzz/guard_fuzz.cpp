// The scan of the raw bytes and the guard, beside Beast: what they let through, all three read
// alike; it names one host, and one way to tell the body's length. A chunked body that is taken is
// the one that Beast takes.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>
#include <limits>
#include <vector>

#include "property.hpp"
#include "wire/chunk_reader.hpp"
#include "wire/head_scan.hpp"
#include "wire/header_guard.hpp"

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kHeaderBytes = 2048;

void set_up(Parser& parser) {
  parser.header_limit(std::numeric_limits<std::uint32_t>::max());
  parser.body_limit(boost::none);
  parser.eager(false);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

// As the simplest of proxies would: line by line, at the first colon.
Pairs fields_of(std::string_view head) {
  Pairs fields;
  head.remove_prefix(head.find("\r\n") + 2);
  while (head != "\r\n") {
    const auto end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    const auto colon = line.find(':');
    fields.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
    head.remove_prefix(end + 2);
  }
  return fields;
}

// Whole and in drops the outcome is one.
void compare_cuts(std::string_view bytes, const pena::core::Limits& limits) {
  pena::wire::HeadScan whole{limits};
  const auto at_once = whole.look(bytes);
  pena::wire::HeadScan drops{limits};
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const auto so_far = drops.look(bytes.substr(0, size));
    PENA_PROPERTY(so_far || !at_once);
    if (!so_far) {
      PENA_PROPERTY(so_far.refusal().status == at_once.refusal().status);
      return;
    }
    if (!*so_far) continue;
    PENA_PROPERTY(at_once && *at_once && drops.begin() == whole.begin() &&
                  drops.end() == whole.end());
    return;
  }
  PENA_PROPERTY(bytes.empty() || (at_once && !*at_once));
}

void compare_bodies(Parser& beast, std::string_view bytes, const pena::core::Limits& limits) {
  pena::wire::ChunkReader reader{limits};
  std::string body;
  std::size_t fed = 0;
  while (fed < bytes.size() && !reader.done()) {
    const auto step = reader.feed(bytes.substr(fed));
    if (!step) return;
    PENA_PROPERTY(step->fed > 0);
    body += step->data;
    fed += step->fed;
  }
  if (!reader.done()) return;
  beast.eager(true);
  error_code error;
  const std::size_t put = beast.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  // Beast reads the grammar of extensions and trailers more strictly.
  if (error) return;
  PENA_PROPERTY(beast.is_done() && put == fed && beast.get().body() == body);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  pena::core::Limits limits;
  limits.header_bytes = kHeaderBytes;
  compare_cuts(bytes, limits);
  pena::wire::HeadScan scan{limits};
  const auto is_whole = scan.look(bytes);
  if (!is_whole || !*is_whole) return 0;
  const std::string_view text = bytes.substr(scan.begin(), scan.end() - scan.begin());
  Parser parser;
  set_up(parser);
  error_code error;
  parser.put(boost::asio::buffer(text.data(), text.size()), error);
  if (error || !parser.is_header_done()) return 0;

  const auto line = scan.request_line(bytes);
  PENA_PROPERTY(line && parser.get().method_string() == line->method &&
                parser.get().target() == line->target &&
                parser.get().version() == 10 + static_cast<unsigned>(line->minor_version));
  pena::wire::RequestHead head{line->method, line->target, parser.get().version(), {}};
  Pairs fields;
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  for (const auto& field : parser.get()) {
    fields.emplace_back(std::string_view{field.name_string()}, std::string_view{field.value()});
    head.fields.push_back({{field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()}});
    if (field.name() == http::field::host) ++hosts;
    if (field.name() == http::field::content_length) ++lengths;
    if (field.name() == http::field::transfer_encoding) ++lengths;
  }
  // Beast puts repeated ones side by side.
  Pairs expected = fields_of(text);
  std::sort(fields.begin(), fields.end());
  std::sort(expected.begin(), expected.end());
  PENA_PROPERTY(fields == expected);
  const auto admitted = pena::wire::guard_head(head, {false, {"pena.example.com"}}, limits);
  if (!admitted) {
    const unsigned status = admitted.refusal().status;
    PENA_PROPERTY(status == 400 || status == 403 || status == 413 || status == 415 ||
                  status == 501);
    PENA_PROPERTY(!admitted.refusal().sentence.empty());
    return 0;
  }
  PENA_PROPERTY(hosts == 1 || (hosts == 0 && head.version == 10));
  PENA_PROPERTY(lengths <= 1);
  PENA_PROPERTY(admitted->is_chunked == parser.chunked());
  PENA_PROPERTY(admitted->length == parser.content_length().value_or(0));
  const std::string& path = admitted->target.path;
  PENA_PROPERTY(path == "*" || path.starts_with('/'));
  if (admitted->is_chunked) compare_bodies(parser, bytes.substr(scan.end()), limits);
  return 0;
}
