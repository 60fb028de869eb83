#include "wire/target.hpp"

#include <gtest/gtest.h>

namespace pena::wire {
namespace {

TEST(Target, IsReadInEveryForm) {
  const auto path = [](std::string_view target, std::string_view method = "GET") {
    const auto read = read_target(method, target);
    return read ? read->path + "?" + read->query + "@" + read->authority.value_or("-") : "refused";
  };
  EXPECT_EQ(path("/task?batchsize=1&short=1"), "/task?batchsize=1&short=1@-");
  EXPECT_EQ(path("/task?a=b?c"), "/task?a=b?c@-");
  EXPECT_EQ(path("/%74a%73k"), "/task?@-");
  EXPECT_EQ(path("/%2Ftask"), "/%2Ftask?@-");  // what is a separator stays one, and its own
  EXPECT_EQ(path("/task%3Fx"), "/task%3Fx?@-");
  EXPECT_EQ(path("http://localhost:80/task?x"), "/task?x@localhost:80");
  EXPECT_EQ(path("HTTPS://[::1]/task"), "/task?@[::1]");
  EXPECT_EQ(path("http://localhost"), "/?@localhost");
  EXPECT_EQ(path("http://localhost?x=/"), "/?x=/@localhost");
  EXPECT_EQ(path("http://localhost", "OPTIONS"), "*?@localhost");
  EXPECT_EQ(path("*", "OPTIONS"), "*?@-");
  for (const char* bad :
       {"", "*", "task", "localhost:80", "ftp://localhost/task", "http://", "http:///task",
        "http://me@localhost/", "/task#x", "/ta%k", "/%7", "/%zz", "://localhost/"}) {
    EXPECT_EQ(path(bad), "refused") << bad;
  }
}

TEST(Target, AnAddressIsFourNumbersOrInBrackets) {
  for (const char* good : {"127.0.0.1", "10.255.0.1", "[::1]"}) EXPECT_TRUE(is_address(good));
  for (const char* bad : {"", "localhost", "1.2.3", "1.2.3.4.", "1..3.4", "1.2.3.4.5", "256.1.1.1",
                          "1.2.3.0004", "1.2.3.x"}) {
    EXPECT_FALSE(is_address(bad)) << bad;
  }
}

}  // namespace
}  // namespace pena::wire
