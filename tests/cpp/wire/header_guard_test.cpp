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
                    std::string_view target = "/report") {
  return {"POST", target, version, std::move(fields)};
}

constexpr HeaderField kHost{"Host", "localhost:8080"};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"plain", 0, head_of({kHost})},
      {"a host in other letters", 0, head_of({{"hOsT", "LOCALHOST:8080"}})},
      {"a host without its port", 0, head_of({{"Host", "localhost"}})},
      {"a length", 0, head_of({kHost, {"Content-Length", "12"}})},
      {"chunks", 0, head_of({kHost, {"Transfer-Encoding", "chunked"}})},
      {"chunks in other letters", 0, head_of({kHost, {"transfer-encoding", "Chunked"}})},
      {"HTTP/1.0 without a host", 0, head_of({}, 10)},
      {"an own page", 0, head_of({kHost, {"Origin", "http://localhost:8080"}})},
      {"no host", 400, head_of({})},
      {"two hosts", 400, head_of({kHost, kHost})},
      {"gzip with a length", 400,
       head_of({kHost, {"Transfer-Encoding", "gzip"}, {"Content-Length", "5"}})},
      {"identity", 400, head_of({kHost, {"Transfer-Encoding", "identity"}})},
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
      {"a line that goes on", 400, head_of({kHost, {"X", "a\r\n b"}})},
      {"a NUL", 400, head_of({kHost, {"X", std::string_view("a\0b", 3)}})},
      {"an absolute target", 400, head_of({kHost}, 11, "http://localhost:8080/report")},
      {"an asterisk", 400, head_of({kHost}, 11, "*")},
      {"a foreign host", 403, head_of({{"Host", "evil.example"}})},
      {"a foreign page", 403, head_of({kHost, {"Origin", "http://evil.example"}})},
      {"a page from nowhere", 403, head_of({kHost, {"Origin", "null"}})},
      {"a page of another port", 403, head_of({kHost, {"Origin", "http://localhost:9999"}})},
  };
  return all;
}

TEST(HeaderGuard, TakesAndRefusesAsTheProtocolSays) {
  const GuardRules rules{{"127.0.0.1:8080", "localhost:8080"}};
  for (const Case& each : cases()) {
    const auto refusal = guard_head(each.head, rules);
    EXPECT_EQ(refusal ? refusal->status : 0U, each.status) << each.name;
    EXPECT_TRUE(!refusal || !refusal->sentence.empty()) << each.name;
  }
}

TEST(HeaderGuard, WhereAnyHostMayLeadHereOnlyItsOwnPagesMayUseIt) {
  const GuardRules any;
  EXPECT_FALSE(guard_head(head_of({{"Host", "pena.lan"}}), any));
  EXPECT_FALSE(guard_head(head_of({{"Host", "pena.lan"}, {"Origin", "http://pena.lan"}}), any));
  EXPECT_TRUE(guard_head(head_of({{"Host", "pena.lan"}, {"Origin", "http://evil.example"}}), any));
}

}  // namespace
}  // namespace pena::wire
