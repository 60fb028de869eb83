// What a server refuses to start with, and where it listens.
#include <gmock/gmock.h>

#include "server/listener.hpp"
#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::HasSubstr;

class SettingsTest : public ServerTest {
 protected:
  // What the server says when it is started with these settings.
  template <class Error>
  std::string refusal() {
    try {
      start();
    } catch (const Error& error) {
      return error.what();
    }
    return "it was started";
  }
};

TEST_F(SettingsTest, ASettingThatCannotBeIsNamed) {
  settings.limits.timing.drop_grace = milliseconds{1};
  EXPECT_THAT(refusal<SettingsError>(), HasSubstr("drop_grace"));
  settings.limits.timing.drop_grace = milliseconds{100};
  for (const double rate : {0.0, -1.0, std::nan(""), HUGE_VAL}) {
    settings.generator.rate = rate;
    EXPECT_THAT(refusal<SettingsError>(), HasSubstr("rate"));
  }
  EXPECT_FALSE(std::filesystem::exists(settings.store));
}

TEST_F(SettingsTest, AStoreTooSmallForTheLargestMsgIsNamed) {
  settings.limits.map_bytes = 64U << 20U;
  settings.limits.payload_bytes = 40U << 20U;
  settings.limits.body_bytes = 48U << 20U;
  EXPECT_THAT(refusal<SettingsError>(), HasSubstr("map_bytes (67108864) must be at least 1"));
  settings.limits.payload_bytes = 16U << 20U;
  start();
  EXPECT_EQ(submit(1, std::string(16U << 20U, 'x').substr(2)).size(), 1U);
}

TEST_F(SettingsTest, AnAddressThatIsNoneIsNamed) {
  for (const char* listen : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                             "127.0.0.1:80x", "::1:8080", "example.org:80", "127.0.0.1:-1"}) {
    settings.listen = listen;
    EXPECT_THAT(refusal<SettingsError>(), HasSubstr("\"" + settings.listen + "\"")) << listen;
  }
}

TEST_F(SettingsTest, AnAddressThatOthersReachNeedsTheWord) {
  settings.listen = "0.0.0.0:0";
  EXPECT_THAT(refusal<SettingsError>(), HasSubstr("--insecure"));
  settings.insecure = true;
  start();
  HttpClient client{server->port()};
  client.send("GET /healthz HTTP/1.1\r\nHost: any.name.example\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 200);
}

TEST_F(SettingsTest, AnAddressThatIsTakenIsNamed) {
  start();
  ServerSettings other = settings;
  other.store.clear();
  other.listen = "127.0.0.1:" + std::to_string(server->port());
  try {
    const Server second{other};
    FAIL() << "two servers listen on one address";
  } catch (const ListenError& error) {
    EXPECT_THAT(error.what(), HasSubstr("cannot listen on " + other.listen + ": "));
  }
}

TEST_F(SettingsTest, AStoreThatAnotherServerHasIsRefused) {
  start();
  EXPECT_THROW(const Server second{settings}, store::StoreInUse);
}

TEST_F(SettingsTest, TheUrlIsWhereItListens) {
  start();
  EXPECT_EQ(server->url(), "http://127.0.0.1:" + std::to_string(server->port()));
  EXPECT_NE(server->port(), 0);
  log.wait_for("listening on " + server->url());
}

TEST(ListenAddress, IsReadAndWritten) {
  EXPECT_EQ(written(parse_listen("127.0.0.1:8080")), "127.0.0.1:8080");
  EXPECT_EQ(written(parse_listen("localhost:0")), "127.0.0.1:0");
  EXPECT_EQ(written(parse_listen("[::1]:8080")), "[::1]:8080");
}

TEST(GuardRules, AnyHostLeadsHereWhereOthersCanReachItAndNoNamesAreGiven) {
  EXPECT_FALSE(guard_rules(parse_listen("127.0.0.1:80"), {}).any_host);
  EXPECT_TRUE(guard_rules(parse_listen("0.0.0.0:80"), {}).any_host);
  EXPECT_FALSE(guard_rules(parse_listen("0.0.0.0:80"), {"pena.lan"}).any_host);
  EXPECT_EQ(guard_rules(parse_listen("0.0.0.0:80"), {"pena.lan"}).names.front(), "pena.lan");
}

}  // namespace
}  // namespace pena::server::test
