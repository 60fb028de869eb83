#include "wire/header_guard.hpp"

#include <gtest/gtest.h>

namespace pena::wire {
namespace {

struct Case {
  const char* name;
  unsigned status;  // 0: taken
  RequestHead head;
};

RequestHead head_of(std::vector<HeaderField> fields, unsigned version = 11,
                    std::string_view target = "/report", std::string_view method = "POST") {
  return {method, target, version, std::move(fields)};
}

RequestHead asked_at(std::string_view host) {
  return head_of({{"Host", host}});
}

constexpr HeaderField kHost{"Host", "localhost:8080"};

const std::vector<Case>& framing_cases() {
  static const std::vector<Case> all{
      {"plain", 0, head_of({kHost})},
      {"a length", 0, head_of({kHost, {"Content-Length", "12"}})},
      {"a length with zeros before it", 0, head_of({kHost, {"Content-Length", "0012"}})},
      {"chunks", 0, head_of({kHost, {"Transfer-Encoding", "chunked"}})},
      {"chunks in other letters", 0, head_of({kHost, {"transfer-encoding", "Chunked"}})},
      {"HTTP/1.0 without a host", 0, head_of({}, 10)},
      {"an absolute target", 0, head_of({kHost}, 11, "http://localhost:8080/report")},
      {"no host", 400, head_of({})},
      {"no host beside an absolute target", 400, head_of({}, 11, "http://localhost/report")},
      {"two hosts", 400, head_of({kHost, kHost})},
      {"two hosts in HTTP/1.0", 400, head_of({kHost, kHost}, 10)},
      {"gzip with a length", 400,
       head_of({kHost, {"Transfer-Encoding", "gzip"}, {"Content-Length", "5"}})},
      {"gzip, which has no end", 400, head_of({kHost, {"Transfer-Encoding", "gzip"}})},
      {"gzip in chunks", 501, head_of({kHost, {"Transfer-Encoding", "gzip, chunked"}})},
      {"identity", 400, head_of({kHost, {"Transfer-Encoding", "identity"}})},
      {"no coding", 400, head_of({kHost, {"Transfer-Encoding", ""}})},
      {"xchunked", 400, head_of({kHost, {"Transfer-Encoding", "xchunked"}})},
      {"chunked twice in a field", 400,
       head_of({kHost, {"Transfer-Encoding", "chunked, chunked"}})},
      {"chunked and identity", 400, head_of({kHost, {"Transfer-Encoding", "chunked, identity"}})},
      {"chunked in two fields", 400,
       head_of({kHost, {"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}})},
      {"chunks and a length", 400,
       head_of({kHost, {"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}})},
      {"chunks in HTTP/1.0", 400, head_of({{"Transfer-Encoding", "chunked"}}, 10)},
      {"two equal lengths", 400,
       head_of({kHost, {"Content-Length", "5"}, {"Content-Length", "5"}})},
      {"a signed length", 400, head_of({kHost, {"Content-Length", "+5"}})},
      {"a length with a list", 400, head_of({kHost, {"Content-Length", "5, 5"}})},
      {"too large a length", 413, head_of({kHost, {"Content-Length", "8388609"}})},
      {"a length past all numbers", 413,
       head_of({kHost, {"Content-Length", "99999999999999999999999"}})},
      {"a compressed body", 415, head_of({kHost, {"Content-Encoding", "gzip"}})},
      {"a body as it is", 0, head_of({kHost, {"Content-Encoding", "identity"}})},
      {"a line that goes on", 400, head_of({kHost, {"X", "a\r\n b"}})},
      {"a NUL", 400, head_of({kHost, {"X", std::string_view("a\0b", 3)}})},
      {"an asterisk of POST", 400, head_of({kHost}, 11, "*")},
      {"an asterisk of OPTIONS", 0, head_of({kHost}, 11, "*", "OPTIONS")},
      {"an unknown method", 501, head_of({kHost}, 11, "/report", "BREW")},
      {"a method in small letters", 501, head_of({kHost}, 11, "/report", "post")},
      {"a proxy's method", 501, head_of({kHost}, 11, "localhost:8080", "CONNECT")},
      {"a method of other servers", 0, head_of({kHost}, 11, "/report", "DELETE")},
  };
  return all;
}

const std::vector<Case>& host_cases() {
  static const std::vector<Case> all{
      {"other letters", 0, asked_at("LOCALHOST:8080")},
      {"no port", 0, asked_at("localhost")},
      {"the port of a forward", 0, asked_at("localhost:9999")},
      {"an empty port", 0, asked_at("localhost:")},
      {"the root's dot", 0, asked_at("localhost.")},
      {"below localhost", 0, asked_at("pena.localhost:80")},
      {"loopback", 0, asked_at("127.0.0.1:8080")},
      {"loopback in IPv6", 0, asked_at("[::1]:8080")},
      {"the address of the machine around a container", 0, asked_at("192.168.7.20:18080")},
      {"an nginx upstream", 0, asked_at("pena_backend")},
      {"a docker service", 0, asked_at("pena:8080")},
      {"docker's machine", 0, asked_at("host.docker.internal:8080")},
      {"a given name", 0, asked_at("pena.example.com")},
      {"a given name with a port and other letters", 0, asked_at("Pena.Example.com:444")},
      {"a foreign name", 403, asked_at("evil.example")},
      {"a foreign name with our port", 403, asked_at("evil.example:8080")},
      {"a name below a given one", 403, asked_at("evil.pena.example.com")},
      {"a name that begins like an address", 403, asked_at("127.0.0.1.evil.example")},
      {"a name that ends like localhost", 403, asked_at("evil.notlocalhost")},
      {"a name of five numbers", 403, asked_at("1.2.3.4.5")},
      {"a name of large numbers", 403, asked_at("1.2.3.256")},
      {"a top level domain", 403, asked_at("ai.")},
      {"nothing", 400, asked_at("")},
      {"a space", 400, asked_at("local host")},
      {"a path", 400, asked_at("localhost/x")},
      {"a user", 400, asked_at("me@localhost")},
      {"a port that is none", 400, asked_at("localhost:http")},
      {"two ports", 400, asked_at("localhost:1:2")},
      {"a bare IPv6 address", 400, asked_at("::1")},
      {"a name in brackets", 400, asked_at("[evil.example]")},
      {"an open bracket", 400, asked_at("[::1")},
      {"an absolute target goes before Host", 0,
       head_of({{"Host", "evil.example"}}, 11, "http://localhost/report")},
      {"a foreign absolute target", 403, head_of({kHost}, 11, "http://evil.example/report")},
      {"a foreign host in HTTP/1.0", 403, head_of({{"Host", "evil.example"}}, 10)},
  };
  return all;
}

RequestHead page_of(std::string_view origin, std::string_view host = "localhost:8080") {
  return head_of({{"Host", host}, {"Origin", origin}});
}

RequestHead fetched(std::string_view site, std::string_view mode, std::string_view dest) {
  return head_of(
      {kHost, {"Sec-Fetch-Site", site}, {"Sec-Fetch-Mode", mode}, {"Sec-Fetch-Dest", dest}});
}

const std::vector<Case>& page_cases() {
  static const std::vector<Case> all{
      {"its own", 0, page_of("http://localhost:8080")},
      {"its own in other letters", 0, page_of("HTTP://LocalHost:8080")},
      // ssh -L, kubectl port-forward, docker -p: the port is theirs.
      {"its own behind a forward", 0, page_of("http://localhost:9999", "localhost:9999")},
      {"the usual port", 0, page_of("http://localhost", "localhost:80")},
      {"the usual port of TLS, which a proxy took off", 0, page_of("https://pena", "pena:443")},
      {"a given name, whatever a proxy made of Host", 0, page_of("https://pena.example.com")},
      {"foreign", 403, page_of("http://evil.example")},
      {"from nowhere", 403, page_of("null")},
      {"of another port", 403, page_of("http://localhost:9999")},
      {"of another scheme's usual port", 403, page_of("https://localhost", "localhost:80")},
      {"an extension's", 403, page_of("chrome-extension://localhost:8080")},
      {"two of them", 403,
       head_of({kHost, {"Origin", "http://localhost:8080"}, {"Origin", "http://evil.example"}})},
      {"an image of a foreign page", 403, fetched("cross-site", "no-cors", "image")},
      {"a frame of a foreign page", 403, fetched("cross-site", "navigate", "iframe")},
      {"an image of another port's page", 403, fetched("same-site", "no-cors", "image")},
      {"a link that is followed", 0, fetched("cross-site", "navigate", "document")},
      {"an own image", 0, fetched("same-origin", "no-cors", "image")},
      {"a bookmark", 0, fetched("none", "navigate", "document")},
  };
  return all;
}

void expect_each(const std::vector<Case>& cases) {
  const GuardRules rules{false, {"pena.example.com"}};
  for (const Case& each : cases) {
    const auto admitted = guard_head(each.head, rules, {});
    EXPECT_EQ(admitted ? 0U : admitted.refusal().status, each.status) << each.name;
    EXPECT_TRUE(admitted || !admitted.refusal().sentence.empty()) << each.name;
  }
}

TEST(HeaderGuard, RefusesWhatAProxyMayReadOtherwise) {
  expect_each(framing_cases());
}

TEST(HeaderGuard, TellsForeignHostsFromSafeOnes) {
  expect_each(host_cases());
}

TEST(HeaderGuard, TellsForeignPagesFromItsOwn) {
  expect_each(page_cases());
}

TEST(HeaderGuard, WhereAnyHostMayLeadHereOnlyItsOwnPagesMayUseIt) {
  const GuardRules any{true, {}};
  EXPECT_TRUE(guard_head(asked_at("pena.lan"), any, {}));
  EXPECT_TRUE(guard_head(page_of("http://pena.lan", "pena.lan"), any, {}));
  EXPECT_FALSE(guard_head(page_of("http://evil.example", "pena.lan"), any, {}));
  EXPECT_FALSE(guard_head(asked_at("pena lan"), any, {}));
}

TEST(HeaderGuard, SaysHowTheRestOfTheRequestIsToBeRead) {
  const auto read = [](std::vector<HeaderField> fields, unsigned version) {
    fields.push_back(kHost);
    return *guard_head(head_of(std::move(fields), version, "/%72eport?x=%31"), {}, {});
  };
  EXPECT_EQ(read({}, 11).target.path, "/report");
  EXPECT_EQ(read({}, 11).target.query, "x=%31");
  EXPECT_EQ(read({{"Content-Length", "17"}}, 11).length, 17U);
  EXPECT_TRUE(read({{"Transfer-Encoding", "chunked"}}, 11).is_chunked);
  EXPECT_TRUE(read({}, 11).keep_alive);
  EXPECT_FALSE(read({}, 10).keep_alive);
  EXPECT_FALSE(read({{"Connection", "x, Close"}}, 11).keep_alive);
  EXPECT_FALSE(read({{"Connection", "x"}, {"Connection", "close"}}, 11).keep_alive);
  EXPECT_TRUE(read({{"Connection", "Keep-Alive"}}, 10).keep_alive);
  EXPECT_FALSE(read({{"Connection", "keep-alive, close"}}, 10).keep_alive);
  EXPECT_FALSE(read({{"Proxy-Connection", "keep-alive"}}, 10).keep_alive);
  EXPECT_TRUE(read({{"Expect", "100-Continue"}}, 11).expects_continue);
  EXPECT_FALSE(read({{"Expect", "100-continue"}}, 10).expects_continue);
}

TEST(HeaderGuard, ANameOfTheRulesIsAHostAndNoMore) {
  EXPECT_TRUE(is_rule_name("pena.example.com"));
  for (const char* bad : {"", "http://pena.lan", "pena.lan:80", "pena.lan.", "*.lan/x", "a b"}) {
    EXPECT_FALSE(is_rule_name(bad)) << bad;
  }
}

}  // namespace
}  // namespace pena::wire
