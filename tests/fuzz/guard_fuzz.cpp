// The guard in front of the body, behind the same parser as in the server: what passes names one
// host, and one way to tell the body's length.
#include <boost/asio/buffer.hpp>
#include <boost/beast/http.hpp>

#include "property.hpp"
#include "wire/header_guard.hpp"

namespace http = boost::beast::http;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(8192);
  parser.eager(false);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(data, size), error);
  if (!parser.is_header_done()) return 0;
  pena::wire::RequestHead head;
  const std::string method{parser.get().method_string()};
  const std::string target{parser.get().target()};
  head.method = method;
  head.target = target;
  head.version = parser.get().version();
  std::size_t hosts = 0;
  std::size_t lengths = 0;
  for (const auto& field : parser.get()) {
    head.fields.push_back({{field.name_string().data(), field.name_string().size()},
                           {field.value().data(), field.value().size()}});
    if (field.name() == http::field::host) ++hosts;
    if (field.name() == http::field::content_length) ++lengths;
    if (field.name() == http::field::transfer_encoding) ++lengths;
  }
  const auto refusal = pena::wire::guard_head(head, {{"localhost", "127.0.0.1:8080"}});
  if (refusal) {
    PENA_PROPERTY((refusal->status == 400 || refusal->status == 403) && !refusal->sentence.empty());
    return 0;
  }
  PENA_PROPERTY(hosts == 1 || (hosts == 0 && head.version == 10));
  PENA_PROPERTY(lengths <= 1);
  PENA_PROPERTY(!target.empty() && (target.front() == '/' || target == "*"));
  return 0;
}
