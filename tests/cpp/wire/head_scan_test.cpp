#include "wire/head_scan.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pena::wire {
namespace {

core::Limits small() {
  core::Limits limits;
  limits.header_bytes = 100;
  limits.target_bytes = 20;
  return limits;
}

// 0: whole, 1: more is to come, else the refusal's status. Whole, and cut anywhere before that:
// whatever the network does with the bytes, the outcome is one.
unsigned outcome_of(const std::string& bytes) {
  const auto look = [&](HeadScan& scan, std::size_t size) -> unsigned {
    const auto whole = scan.look(std::string_view{bytes}.substr(0, size));
    if (!whole) return whole.refusal().status;
    return *whole ? 0U : 1U;
  };
  HeadScan at_once{small()};
  const unsigned outcome = look(at_once, bytes.size());
  HeadScan in_drops{small()};
  unsigned dropped = 1;
  for (std::size_t size = 1; size <= bytes.size() && dropped == 1; ++size) {
    dropped = look(in_drops, size);
  }
  EXPECT_EQ(dropped, outcome) << bytes;
  return outcome;
}

TEST(HeadScan, FindsTheHeadAndItsLine) {
  const std::string bytes = "\r\n\r\nPOST /task?x HTTP/1.0\r\nHost: a\r\n\r\nbody";
  HeadScan scan{small()};
  ASSERT_TRUE(*scan.look(bytes));
  EXPECT_EQ(bytes.substr(scan.begin(), 4), "POST");
  EXPECT_EQ(bytes.substr(scan.end()), "body");
  const auto line = scan.request_line(bytes);
  EXPECT_EQ(line->method, "POST");
  EXPECT_EQ(line->target, "/task?x");
  EXPECT_EQ(line->minor_version, 0);
}

TEST(HeadScan, EmptyLinesAreNoBeginning) {
  HeadScan scan{small()};
  for (const char* bytes : {"", "\r", "\r\n", "\r\n\r\n\r"}) {
    EXPECT_FALSE(*scan.look(bytes));
    EXPECT_FALSE(scan.has_begun(bytes)) << bytes;
  }
  EXPECT_FALSE(*scan.look("\r\n\r\n\r\nG"));
  EXPECT_TRUE(scan.has_begun("\r\n\r\n\r\nG"));
}

TEST(HeadScan, RefusesFromTheRawBytes) {
  const std::string line = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(outcome_of(line + "Host: a\r\n\r\n"), 0U);
  EXPECT_EQ(outcome_of(line + "X:\ta\t\xe4\r\n\r\n"), 0U);
  EXPECT_EQ(outcome_of(line + "Host: a\r\n"), 1U);
  EXPECT_EQ(outcome_of(line + "Host: a\r\n b\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "Content-Length:\r\n 5\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "X: a\r\n\tb\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + " X: a\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + " \r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "Host: a\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "Host: a\r\n\n"), 400U);
  EXPECT_EQ(outcome_of(line + "X: a\rb\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "X: a\r\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of(line + "X: a" + std::string(1, '\0') + "\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of("\nGET / HTTP/1.1\r\n\r\n"), 400U);
  EXPECT_EQ(outcome_of("\x16\x03\x01\x02"), 400U);
}

TEST(HeadScan, ReadsTheRequestLine) {
  const auto outcome = [](const std::string& line) {
    return outcome_of(line + "\r\n\r\n");
  };
  EXPECT_EQ(outcome("GET / HTTP/1.0"), 0U);
  EXPECT_EQ(outcome("GET / HTTP/1.7"), 0U);  // read as 1.1
  EXPECT_EQ(outcome("BREW /pot HTTP/1.1"), 0U);
  EXPECT_EQ(outcome("GET / HTTP/2.0"), 505U);
  EXPECT_EQ(outcome("PRI * HTTP/2.0"), 505U);
  EXPECT_EQ(outcome("GET / HTTP/0.9"), 505U);
  for (const char* bad :
       {"GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / x HTTP/1.1",
        "GET\t/\tHTTP/1.1", "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/1", "G(T / HTTP/1.1",
        "GET", "GET / HTTQ/1.1", "GET HTTP/1.1"}) {
    EXPECT_EQ(outcome(bad), 400U) << bad;
  }
}

TEST(HeadScan, TooLongIsRefusedByWhatIsTooLong) {
  EXPECT_EQ(outcome_of("GET /" + std::string(20, 'x') + " HTTP/1.1\r\n\r\n"), 414U);
  EXPECT_EQ(outcome_of("GET /" + std::string(200, 'x')), 414U);
  EXPECT_EQ(outcome_of(std::string(200, 'x')), 431U);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nX: " + std::string(100, 'x')), 431U);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nX: " + std::string(100, 'x') + "\r\n\r\n"), 431U);
  EXPECT_EQ(outcome_of("GET / HTTP/1.1\r\nX: " + std::string(100, 'x') + "\n"), 431U);
  std::string empty_lines;
  for (int i = 0; i < 60; ++i) empty_lines += "\r\n";
  EXPECT_EQ(outcome_of(empty_lines), 431U);
}

}  // namespace
}  // namespace pena::wire
