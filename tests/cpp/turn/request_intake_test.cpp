// A request as it comes in, step by step: bytes, time and room in, what is to be done out.
#include "turn/request_intake.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <utility>

namespace pena::turn::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using Intake = RequestIntake;

class RequestIntakeTest : public testing::Test {
 protected:
  static constexpr std::size_t kLarge = 3 * BodyShare::kSmall;
  static constexpr std::string_view kHead = "POST /report HTTP/1.1\r\nHost: localhost\r\n\r\n";

  RequestIntakeTest() {
    limits_.idle_time = seconds{60};
    limits_.header_time = seconds{20};
    limits_.body_time = seconds{30};
    limits_.body_bytes = limits_.bodies_bytes = kLarge;
  }
  // Of a body that tells its length, or whatever else a field says.
  static wire::RequestHead head_of(std::string_view path, std::string_view name,
                                   std::string_view value) {
    return {"POST", path, 11, {{"Host", "localhost"}, {name, value}}};
  }
  // A request whose head has come.
  Intake& open(std::string_view path, std::string_view length) {
    Intake& intake = intakes_.emplace_back(limits_, rules_, room_);
    (void)intake.begin();
    EXPECT_TRUE(is<Intake::ParseHead>(intake.head(kHead)));
    EXPECT_EQ(time_of(intake.admit(head_of(path, "Content-Length", length))), seconds{30});
    return intake;
  }
  static Intake::Next feed(Intake& intake, std::string_view bytes) {
    std::size_t fed = 0;
    Intake::Next next = intake.body(bytes, fed);
    return next;
  }
  template <class Kind>
  static bool is(const Intake::Next& next) {
    return std::holds_alternative<Kind>(next);
  }
  static std::optional<core::Duration> time_of(const Intake::Next& next) {
    return std::get<Intake::ReadOn>(next).within;
  }
  static wire::Refusal refusal(const Intake::Next& next) {
    return std::get<Intake::Refuse>(next).refusal;
  }

  core::Limits limits_;
  wire::GuardRules rules_;
  BodyRoom room_{kLarge};
  std::list<Intake> intakes_;
};

TEST_F(RequestIntakeTest, EachPartHasATimeThatBeginsWithIt) {
  Intake intake{limits_, rules_, room_};
  EXPECT_EQ(intake.begin(), seconds{60});
  EXPECT_EQ(time_of(intake.head("")), std::nullopt);
  EXPECT_EQ(time_of(intake.head("\r\n")), std::nullopt);  // an empty line is nothing yet
  EXPECT_EQ(time_of(intake.head("\r\nPO")), seconds{20});
  EXPECT_EQ(time_of(intake.head("\r\nPOST /rep")), std::nullopt);
  const auto whole = intake.head("\r\n" + std::string{kHead} + "[");
  EXPECT_EQ(std::get<Intake::ParseHead>(whole).begin, 2U);
  EXPECT_EQ(std::get<Intake::ParseHead>(whole).end, 2 + kHead.size());
  EXPECT_EQ(time_of(intake.admit(head_of("/report", "Content-Length", "2"))), seconds{30});
  EXPECT_EQ(time_of(feed(intake, "[")), std::nullopt);
  EXPECT_TRUE(is<Intake::Whole>(feed(intake, "]")));
  EXPECT_EQ(intake.request().asked.method, "POST");
  EXPECT_EQ(intake.request().asked.path, "/report");
  EXPECT_EQ(intake.request().asked.body, "[]");
}

TEST_F(RequestIntakeTest, WhoIsLateIsToldWhatIsMissingOnceHeHasBegun) {
  Intake intake{limits_, rules_, room_};
  (void)intake.begin();
  EXPECT_TRUE(is<Intake::Over>(intake.late()));
  (void)intake.head("P");
  EXPECT_EQ(refusal(intake.late()).status, 408);
  EXPECT_EQ(refusal(intake.late()).sentence,
            "the header is not there; expected it whole within 20000 ms");
  EXPECT_EQ(refusal(open("/report", "2").late()).sentence,
            "the body is not there; expected it whole within 30000 ms");
}

TEST_F(RequestIntakeTest, AStopIsToldToWhoHasBegun) {
  Intake intake{limits_, rules_, room_};
  (void)intake.begin();
  EXPECT_TRUE(is<Intake::Over>(intake.cut(Intake::Cut::stop)));
  (void)intake.head("P");
  EXPECT_TRUE(is<Intake::Over>(intake.cut(Intake::Cut::gone)));
  EXPECT_EQ(refusal(intake.cut(Intake::Cut::stop)).status, 503);
  EXPECT_EQ(refusal(open("/task", "2").cut(Intake::Cut::stop)).status, 503);
}

TEST_F(RequestIntakeTest, WhatIsBehindABodyIsTheNextRequests) {
  Intake& intake = open("/report", "2");
  EXPECT_EQ(intake.most(), 2U);
  std::size_t fed = 0;
  EXPECT_TRUE(is<Intake::Whole>(intake.body("[]GET", fed)));
  EXPECT_EQ(fed, 2U);
  EXPECT_EQ(intake.asked(), "POST /report");
  (void)intake.begin();
  EXPECT_EQ(intake.asked(), "");
  (void)intake.head("HEAD /task HTTP/1.0\r\n");
  EXPECT_EQ(intake.asked(), "HEAD /task");
  EXPECT_TRUE(intake.is_head());
  EXPECT_FALSE(intake.reads_chunks());
}

TEST_F(RequestIntakeTest, ARequestWithoutABodyIsWholeWithItsHead) {
  Intake intake{limits_, rules_, room_};
  (void)intake.begin();
  EXPECT_TRUE(
      is<Intake::Whole>(intake.admit({"GET", "/task?batchsize=1", 11, {{"Host", "localhost"}}})));
  EXPECT_EQ(intake.request().asked.query, "batchsize=1");
}

TEST_F(RequestIntakeTest, ABodyInChunksEndsWithItsLast) {
  Intake intake{limits_, rules_, room_};
  (void)intake.begin();
  (void)intake.admit(head_of("/report", "Transfer-Encoding", "chunked"));
  EXPECT_GT(intake.most(), 1000U);  // how long it is nobody knows
  EXPECT_TRUE(is<Intake::ReadOn>(feed(intake, "1\r\n[\r\n1\r\n")));
  std::size_t fed = 0;
  EXPECT_TRUE(is<Intake::Whole>(intake.body("]\r\n0\r\n\r\nGET", fed)));
  EXPECT_EQ(fed, 8U);
  EXPECT_EQ(intake.request().asked.body, "[]");
  (void)intake.begin();
  (void)intake.admit(head_of("/report", "Transfer-Encoding", "chunked"));
  EXPECT_EQ(refusal(feed(intake, "1\r\n[x")).status, 400);
}

TEST_F(RequestIntakeTest, AContinueIsOwedUntilSomethingComes) {
  Intake intake{limits_, rules_, room_};
  wire::RequestHead head = head_of("/report", "Content-Length", "2");
  head.fields.push_back({"Expect", "100-continue"});
  (void)intake.begin();
  (void)intake.admit(head);
  EXPECT_TRUE(intake.owes_continue());
  (void)feed(intake, "[");
  EXPECT_FALSE(intake.owes_continue());
}

TEST_F(RequestIntakeTest, WhatTheHeadSaysWrongIsRefused) {
  Intake intake{limits_, rules_, room_};
  (void)intake.begin();
  EXPECT_EQ(refusal(intake.head("GET /task HTTP/1.1\n")).status, 400);
  EXPECT_EQ(refusal(intake.admit({"GET", "/task", 11, {}})).status, 400);  // no Host
}

TEST_F(RequestIntakeTest, WhereThereIsNoRoomItIsRefusedAndToldOnce) {
  const std::string large(kLarge, ' ');
  Intake& first = open("/report", std::to_string(kLarge));
  EXPECT_TRUE(is<Intake::ReadOn>(feed(first, large.substr(1))));
  Intake& second = open("/report", std::to_string(kLarge));
  const auto none = feed(second, large);
  EXPECT_EQ(refusal(none).status, 503);
  EXPECT_THAT(refusal(none).sentence,
              HasSubstr(std::to_string(kLarge) + " bytes; try again later"));
  EXPECT_THAT(std::get<Intake::Refuse>(none).warning, HasSubstr("more are refused"));
  EXPECT_EQ(std::get<Intake::Refuse>(feed(open("/report", std::to_string(kLarge)), large)).warning,
            "");
  // A small one needs none.
  EXPECT_TRUE(is<Intake::Whole>(feed(open("/report", "2"), "[]")));
  // Who is refused for whatever it is gives its room back.
  EXPECT_EQ(refusal(first.late()).status, 408);
  EXPECT_TRUE(is<Intake::Whole>(feed(open("/report", std::to_string(kLarge)), large)));
}

// A quarter of the room is theirs: they free what others wait for.
TEST_F(RequestIntakeTest, SubmissionsLeaveRoomForReports) {
  const std::string half(kLarge / 2, ' ');
  const std::string length = std::to_string(half.size());
  EXPECT_TRUE(is<Intake::Whole>(feed(open("/task", length), half)));
  EXPECT_EQ(refusal(feed(open("/task", length), half)).status, 503);
  EXPECT_TRUE(is<Intake::Whole>(feed(open("/report", length), half)));
}

}  // namespace
}  // namespace pena::turn::test
