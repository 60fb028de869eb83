// The desk, step by step: what is asked, what the turn replies, what is answered. Texts are whole, for
// they are the protocol's.
#include "turn/desk.hpp"

#include <gmock/gmock.h>

#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kRetryAfter = "Retry-After: 1\r\n";

class DeskTest : public TurnTest {
 protected:
  Asked ask(std::string method, std::string target, std::string body = {}) {
    const std::size_t mark = target.find('?');
    const std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
    return desk_.ask({std::move(method), target.substr(0, mark), query, std::move(body)}, moment());
  }
  [[nodiscard]] Moment moment() const { return {now_, date_, full_, waits_for_}; }
  // Of a request that is answered at once.
  Answer answered(std::string method, std::string target, std::string body = {}) {
    return std::get<Answer>(ask(std::move(method), std::move(target), std::move(body)));
  }
  // The event of a request that waits.
  template <class Event>
  Event asked(const std::string& path, std::string body) {
    const auto waits = std::get<Waits>(ask("POST", path, std::move(body)));
    auto event = std::get<Event>(waits.event);
    EXPECT_EQ(event.request, waits.request);
    return event;
  }
  template <class What>
  Answer answer_to(What what) {
    const core::RequestId request = what.request;
    const auto reply = desk_.resolve(std::move(what));
    EXPECT_TRUE(reply && reply->request == request);
    if (!reply) return {};
    auto given = answer(*reply, limits_);
    const auto* const asked = std::get_if<LookUp>(&given);
    return asked != nullptr ? std::get<Answer>(answer(*asked, *store_)) : std::get<Answer>(given);
  }
  // Of what need not be looked up.
  [[nodiscard]] Answer said(const Reply& reply) const {
    return std::get<Answer>(answer(reply, limits_));
  }
  static std::string named(std::uint16_t number) { return R"({"id":")" + text(number) + R"("})"; }
  static std::string text(std::uint16_t number) { return id_of(number).text(); }
  static std::string error(const std::string& sentence) {
    return R"({"error":")" + sentence + R"("})";
  }

  Instant date_ = core::from_us(2'000'000'000'000'000);
  Full full_ = Full::no;
  WaitsFor waits_for_ = WaitsFor::nothing;
  Desk desk_{limits_, ids_, "1.2.3"};
};

void expect(const Answer& is, unsigned status, const std::string& body,
            const std::string& headers = {}) {
  EXPECT_EQ(is.status, status);
  EXPECT_EQ(is.body, body);
  EXPECT_EQ(is.headers, headers);
}

// ---- submissions

TEST_F(DeskTest, ASubmissionIsAnsweredWithTheIdsThatItBrought) {
  const auto submitted = asked<core::Submitted>(
      "/task", R"([{"id":")" + text(2) + R"(","period":5,"payload":[1]},)" + named(1) + "]");
  EXPECT_TRUE(submitted.names_ids);
  ASSERT_EQ(submitted.msgs.size(), 2U);
  EXPECT_EQ(submitted.msgs[0].period, 5U);
  EXPECT_EQ(submitted.msgs[0].payload, "[1]");
  EXPECT_EQ(desk_.waiting(), 1U);
  expect(answer_to(core::SubmitReply{submitted.request}), 201,
         R"({"ids":[")" + text(2) + R"(",")" + text(1) + R"("],"known":[]})");
  EXPECT_EQ(desk_.waiting(), 0U);
}

TEST_F(DeskTest, WhereNoIdIsNamedTheServerDrawsThemByTheDate) {
  const auto submitted = asked<core::Submitted>("/task", R"([{"period":1},{}])");
  EXPECT_FALSE(submitted.names_ids);
  ASSERT_EQ(submitted.msgs.size(), 2U);
  const Xid first = submitted.msgs[0].id;
  const Xid second = submitted.msgs[1].id;
  EXPECT_EQ(first.seconds(), 2'000'000'000U);
  EXPECT_LT(first, second);
  EXPECT_LT(second, ids_.next(date_));  // they share the number
  expect(answer_to(core::SubmitReply{submitted.request}), 201,
         R"({"ids":[")" + first.text() + R"(",")" + second.text() + R"("],"known":[]})");
}

TEST_F(DeskTest, OneNamedIdAmongOthersIsEnoughToBeLookedFor) {
  const auto submitted = asked<core::Submitted>("/task", "[{}," + named(1) + ",{}]");
  EXPECT_TRUE(submitted.names_ids);
  EXPECT_EQ(submitted.msgs[1].id, id_of(1));
  EXPECT_FALSE(submitted.msgs[2].id.is_nil());
}

TEST_F(DeskTest, EachRequestHasItsOwnAnswerInWhateverOrderTheyCome) {
  const auto first = asked<core::Submitted>("/task", named(1));
  const auto report = asked<core::Reported>("/report", R"({"ids":[]})");
  const auto second = asked<core::Submitted>("/task", named(2));
  EXPECT_THAT((std::vector{first.request, report.request, second.request}), ElementsAre(1, 2, 3));
  expect(answer_to(core::SubmitReply{second.request}), 201,
         R"({"ids":[")" + text(2) + R"("],"known":[]})");
  EXPECT_EQ(answer_to(core::ReportReply{report.request, 0, {}}).status, 200U);
  expect(answer_to(core::SubmitReply{first.request}), 201,
         R"({"ids":[")" + text(1) + R"("],"known":[]})");
}

TEST_F(DeskTest, AReplyToNobodyAndASecondReplyAreNoReply) {
  EXPECT_FALSE(desk_.resolve(core::SubmitReply{7}));
  EXPECT_FALSE(desk_.resolve(core::ReportReply{7, 0, {}}));
  EXPECT_FALSE(desk_.resolve(SubmitRefused{7, id_of(1)}));
  const auto submitted = asked<core::Submitted>("/task", "{}");
  EXPECT_TRUE(desk_.resolve(core::SubmitReply{submitted.request}));
  EXPECT_FALSE(desk_.resolve(core::SubmitReply{submitted.request}));
}

TEST_F(DeskTest, AnIdThatIsYetToBeMadeIsNamed) {
  const auto submitted = asked<core::Submitted>("/task", "[" + named(1) + "," + named(2) + "]");
  expect(answer_to(SubmitRefused{submitted.request, id_of(2)}), 400,
         error("the id " + text(2) +
               " is one that this server has yet to make; expected an id of your own, or none"));
  EXPECT_EQ(desk_.waiting(), 0U);
}

TEST_F(DeskTest, WhatFindsNoRoomIsToldHowMuchThereIs) {
  limits_.map_bytes = 1000;
  const auto submitted = asked<core::Submitted>("/task", "{}");
  expect(answer_to(core::SubmitReply{submitted.request, true}), 503,
         error("the store, of 1000 bytes, or its disk has no room for these msgs beside what held "
               "ones may need; try again later"),
         kRetryAfter);
}

TEST_F(DeskTest, WhereTheStoreIsFullNothingIsTakenAndTheReasonIsTheOneOfHealthz) {
  for (const Full full : {Full::queue, Full::store, Full::disk, Full::room}) {
    full_ = full;
    expect(answered("POST", "/task", "not even JSON"), 503,
           error(sentence(full, limits_) + "; try again later"), kRetryAfter);
    expect(answered("GET", "/healthz"), 200,
           R"({"status":"ok","version":"1.2.3","full":")" + sentence(full, limits_) + R"("})");
    (void)asked<core::Reported>("/report", R"({"ids":[]})");
    EXPECT_TRUE(std::holds_alternative<OpenStream>(ask("GET", "/task?batchsize=1")));
  }
}

// ---- what is refused

struct Refused {
  const char* method;
  const char* target;
  const char* body;
  unsigned status;
  const char* names;  // what the sentence names
};

class RefusedTest : public DeskTest, public testing::WithParamInterface<Refused> {
 protected:
  RefusedTest() {
    limits_.submit_msgs = 2;
    limits_.report_ids = 2;
    desk_ = Desk{limits_, ids_, "1.2.3"};
  }
};

TEST_P(RefusedTest, HasItsSentenceAndNoNumberAndWaitsForNothing) {
  const auto& [method, target, body, status, names] = GetParam();
  const Answer is = answered(method, target, body);
  EXPECT_EQ(is.status, status);
  EXPECT_EQ(is.headers, "");
  EXPECT_THAT(is.body, AllOf(StartsWith(R"({"error":")"), HasSubstr(names), EndsWith("\"}")));
  EXPECT_EQ(desk_.waiting(), 0U);
  EXPECT_EQ(asked<core::Submitted>("/task", "{}").request, 1U);
}

// All that may be wrong in a body or a query stands with its parser, in tests/cpp/wire.
INSTANTIATE_TEST_SUITE_P(
    Requests, RefusedTest,
    testing::Values(
        Refused{"POST", "/task", "", 400, "JSON"}, Refused{"POST", "/task", "{", 400, "JSON"},
        Refused{"POST", "/task", R"({"period":-1})", 400, "period"},
        Refused{"POST", "/task", R"({"period":"5"})", 400, "period"},
        Refused{"POST", "/task", R"({"id":"short"})", 400, "short"},
        Refused{"POST", "/task", R"({"perod":5})", 400, "perod"},
        Refused{"POST", "/task", R"([{"id":"ckkgmc3h5gbufi2sr320"},{"id":"ckkgmc3h5gbufi2sr320"}])",
                400, "stands twice"},
        Refused{"POST", "/task", "[{},{},{}]", 413, "2"},
        Refused{"POST", "/report", "", 400, "JSON"}, Refused{"POST", "/report", "{}", 400, "ids"},
        Refused{"POST", "/report", R"({"ids":5})", 400, "ids"},
        Refused{"POST", "/report", R"({"ids":["no xid"]})", 400, "no xid"},
        Refused{"POST", "/report",
                R"(["ckkgmc3h5gbufi2sr320","ckkgmc3h5gbufi2sr32g","ckkgmc3h5gbufi2sr330"])", 413,
                "2"},
        Refused{"GET", "/task", "", 400, "batchsize is missing"},
        Refused{"HEAD", "/task?", "", 400, "batchsize is missing"},
        Refused{"GET", "/task?batchsize", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=%201", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=1%00", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=1e3", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=%D9%A1", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=4294967297", "", 400, "batchsize"},
        Refused{"GET", "/task?batchsize=2&batchsize=2", "", 400, "batchsize"},
        Refused{"GET", "/task?Batchsize=2", "", 400, "batchsize"},
        Refused{"GET", "/report?limit=0", "", 400, "limit"},
        Refused{"GET", "/report?limit=-1", "", 400, "limit"},
        Refused{"GET", "/fail?limit=1&limit=1", "", 400, "limit"},
        Refused{"GET", "/fail?limit=100001", "", 400, "limit"},
        Refused{"GET", "/fail?after=short", "", 400, "after"},
        Refused{"HEAD", "/fail?records=2", "", 400, "records"}));

// ---- reports

TEST_F(DeskTest, AReportIsToldWhenItCameAndWhatItSettled) {
  now_ = core::from_us(5'000'999);
  const auto report = asked<core::Reported>(
      "/report", R"({"ids":[")" + text(1) + R"("],"batch":")" + text(9) + R"(","partial":true})");
  EXPECT_THAT(report.ids, ElementsAre(id_of(1)));
  EXPECT_EQ(report.batch, id_of(9));
  EXPECT_TRUE(report.partial);
  now_ += seconds{7};  // the disk takes its time
  const auto reply = desk_.resolve(core::ReportReply{report.request, 1, {}});
  ASSERT_TRUE(reply);
  expect(said(*reply), 200, R"({"message":"success","reported":1,"duplicate":0,"unknown":0})",
         "Pena-At: 5000\r\n");
}

// ---- streams and pages

TEST_F(DeskTest, AStreamIsARouteWhoseClientIsDrawnHere) {
  const auto stream = std::get<OpenStream>(ask("GET", "/task?batchsize=3&short=1&batches=2"));
  EXPECT_FALSE(stream.head_only);
  EXPECT_EQ(stream.joined.client.seconds(), 2'000'000'000U);
  EXPECT_EQ(stream.joined.batchsize, 3U);
  EXPECT_TRUE(stream.joined.takes_short);
  EXPECT_EQ(stream.joined.batches, 2U);
  const auto other = std::get<OpenStream>(ask("GET", "/task?batchsize=3"));
  EXPECT_LT(stream.joined.client, other.joined.client);
  EXPECT_FALSE(other.joined.takes_short);
  EXPECT_FALSE(other.joined.batches);
}

TEST_F(DeskTest, TheHeadOfAStreamIsNobodys) {
  const auto head = std::get<OpenStream>(ask("HEAD", "/task?batchsize=3"));
  EXPECT_TRUE(head.head_only);
  EXPECT_TRUE(head.joined.client.is_nil());
}

TEST_F(DeskTest, AStreamThatCannotBeIsRefused) {
  for (const char* method : {"GET", "HEAD"}) {
    expect(answered(method, "/task"), 400,
           error("batchsize is missing; expected ?batchsize=N with N from 1 to " +
                 std::to_string(limits_.batchsize)));
  }
}

TEST_F(DeskTest, ABucketIsReadByThePage) {
  const auto page = std::get<ReadPage>(ask("GET", "/fail?records=1&limit=7&after=" + text(3)));
  EXPECT_EQ(page.bucket, store::Bucket::fail);
  EXPECT_TRUE(page.query.records);
  EXPECT_EQ(page.query.limit, 7U);
  EXPECT_EQ(page.query.after, id_of(3));
  const auto head = std::get<ReadPage>(ask("HEAD", "/report"));
  EXPECT_EQ(head.bucket, store::Bucket::report);
  EXPECT_EQ(head.query.limit, limits_.page_ids);
}

TEST_F(DeskTest, HealthzSaysWhatMustComeFirst) {
  expect(answered("GET", "/healthz"), 200, R"({"status":"ok","version":"1.2.3"})");
  waits_for_ = WaitsFor::client;
  full_ = Full::queue;
  expect(answered("HEAD", "/healthz"), 200,
         R"({"status":"ok","version":"1.2.3","waiting":"a client","full":")" +
             sentence(Full::queue, limits_) + R"("})");
}

// ---- the end

TEST_F(DeskTest, WhileItDrainsNoWorkIsTakenOrHandedOutButReportsAre) {
  const auto before = asked<core::Submitted>("/task", named(1));
  EXPECT_FALSE(desk_.draining());
  EXPECT_TRUE(desk_.keeps_alive());
  desk_.drain();
  EXPECT_TRUE(desk_.draining());
  EXPECT_FALSE(desk_.keeps_alive());
  const std::string stops = error("the server stops; try again later");
  expect(answered("POST", "/task", named(2)), 503, stops, kRetryAfter);
  expect(answered("GET", "/task?batchsize=1"), 503, stops, kRetryAfter);
  expect(answered("HEAD", "/task?batchsize=1"), 503, stops, kRetryAfter);
  EXPECT_EQ(answered("GET", "/task?batchsize=0").status, 400U);
  const auto report = asked<core::Reported>("/report", R"({"ids":[]})");
  EXPECT_EQ(answer_to(core::ReportReply{report.request, 0, {}}).status, 200U);
  EXPECT_EQ(answer_to(core::SubmitReply{before.request}).status, 201U);
  EXPECT_EQ(answered("GET", "/healthz").status, 200U);
  EXPECT_TRUE(std::holds_alternative<ReadPage>(ask("GET", "/fail")));
}

TEST_F(DeskTest, OnceItGaveUpWhoWaitsIsToldThatTheOutcomeIsUnknown) {
  const auto first = asked<core::Submitted>("/task", named(1));
  const auto second = asked<core::Reported>("/report", R"({"ids":[]})");
  const auto looked_up = asked<core::Reported>("/report", R"({"ids":[]})");
  (void)desk_.resolve(core::ReportReply{looked_up.request, 0, {{id_of(1)}}});
  std::vector<Reply> left;
  while (auto reply = desk_.give_up()) left.push_back(std::move(*reply));
  ASSERT_EQ(left.size(), 2U);  // what became of the third is known
  EXPECT_EQ(left[0].request, first.request);
  EXPECT_EQ(left[1].request, second.request);
  for (const Reply& reply : left) {
    expect(said(reply), 503,
           error("the server ended before its disk had answered: the outcome is unknown, it may "
                 "have been accepted; send it again with the same ids"),
           kRetryAfter);
  }
  EXPECT_FALSE(desk_.resolve(core::SubmitReply{first.request}));  // too late
  EXPECT_EQ(desk_.waiting(), 0U);
  EXPECT_FALSE(desk_.give_up());
}

TEST_F(DeskTest, OnceItGaveUpNothingIsAskedOfTheTurn) {
  (void)desk_.give_up();
  desk_.drain();  // it stays as it is
  EXPECT_TRUE(desk_.draining());
  const std::string stops = error("the server stops; try again later");
  expect(answered("POST", "/report", R"({"ids":[]})"), 503, stops, kRetryAfter);
  expect(answered("POST", "/task", "{}"), 503, stops, kRetryAfter);
  expect(answered("GET", "/task?batchsize=1"), 503, stops, kRetryAfter);
  EXPECT_TRUE(std::holds_alternative<ReadPage>(ask("GET", "/report")));
}

// ---- what the log says

TEST_F(DeskTest, TheLogIsToldWhatBecameOfWhatWasTaken) {
  const Answer answer{200, "{}", {}};
  EXPECT_EQ(describe({1, Accepted{{id_of(1), id_of(2)}}}, answer), "accepted 2 msgs");
  EXPECT_EQ(describe({1, Settled{}}, answer), "{}");
  EXPECT_EQ(describe({1, NoRoom{}}, answer), "");
  EXPECT_EQ(describe({1, SubmitRefused{}}, answer), "");
  EXPECT_EQ(describe({1, UnknownOutcome{}}, answer), "");
}

// ---- with the turn behind it

class DeskAndTurnTest : public DeskTest {
 protected:
  Answer post(const std::string& path, std::string body) {
    auto waits = std::get<Waits>(ask("POST", path, std::move(body)));
    Answer given;
    for (Outgoing& out : happen(std::move(waits.event))) {
      if (auto* const submit = std::get_if<core::SubmitReply>(&out)) given = answer_to(*submit);
      if (auto* const refusal = std::get_if<SubmitRefused>(&out)) given = answer_to(*refusal);
      if (auto* const report = std::get_if<core::ReportReply>(&out)) given = answer_to(*report);
    }
    return given;
  }
};

TEST_F(DeskAndTurnTest, AnIdThatIsKnownIsAnsweredAsSuchAndNotTakenTwice) {
  open();
  const std::string both = R"({"ids":[")" + text(1) + R"(",")" + text(2) + R"("],"known":[")";
  expect(post("/task", named(1)), 201, R"({"ids":[")" + text(1) + R"("],"known":[]})");
  expect(post("/task", "[" + named(1) + "," + named(2) + "]"), 201, both + text(1) + R"("]})");
  expect(post("/task", "[" + named(1) + "," + named(2) + "]"), 201,
         both + text(1) + R"(",")" + text(2) + R"("]})");
  EXPECT_EQ(store_->counts(), (store::BucketCounts{2, 0, 0, 0, 0}));
}

TEST_F(DeskAndTurnTest, WhatTheServerDrewMayBeBroughtAgainAndWhatItHasYetToDrawMayNot) {
  open();
  const std::string drawn = post("/task", "{}").body;
  const std::string id = drawn.substr(drawn.find('[') + 2, Xid::kTextLength);
  expect(post("/task", R"({"id":")" + id + R"("})"), 201,
         R"({"ids":[")" + id + R"("],"known":[")" + id + R"("]})");
  EXPECT_EQ(store_->counts(), (store::BucketCounts{1, 0, 0, 0, 0}));
  const Xid later = core::XidFactory{{1, 2, 3}, 4}.next(date_ + seconds{5});
  EXPECT_EQ(post("/task", R"({"id":")" + later.text() + R"("})").status, 400U);
}

TEST_F(DeskAndTurnTest, AReportSaidTwiceIsADuplicateTheSecondTime) {
  open();
  post("/task", "[" + named(1) + "," + named(2) + "]");
  join(100, 2);
  const std::string body = R"({"ids":[")" + text(1) + R"(",")" + text(2) + R"("]})";
  EXPECT_EQ(post("/report", body).body,
            R"({"message":"success","reported":2,"duplicate":0,"unknown":0})");
  EXPECT_EQ(post("/report", body).body,
            R"({"message":"success","reported":0,"duplicate":2,"unknown":0})");
}

TEST_F(DeskAndTurnTest, AReportIsTakenInEachOfItsForms) {
  open();
  submit({1, 2, 3, 4});
  const Xid batch = of<core::SendBatch>(join(100, 4)).at(0).batch->id;
  const auto said = [](int reported, int duplicate, int unknown) {
    return R"({"message":"success","reported":)" + std::to_string(reported) + R"(,"duplicate":)" +
           std::to_string(duplicate) + R"(,"unknown":)" + std::to_string(unknown) + "}";
  };
  const auto quoted = [](std::uint16_t number) {
    return '"' + text(number) + '"';
  };
  // A bare id leaves the rest as it is, and so does what is partial.
  EXPECT_EQ(post("/report", quoted(1)).body, said(1, 0, 0));
  EXPECT_EQ(post("/report", R"({"ids":[)" + quoted(2) + R"(],"batch":")" + batch.text() +
                                R"(","partial":true})")
                .body,
            R"({"message":"success","reported":1,"duplicate":0,"unknown":0,"held":2})");
  EXPECT_EQ(store_->counts(), (store::BucketCounts{0, 0, 2, 2, 0}));
  EXPECT_EQ(post("/report", "[" + quoted(3) + "," + quoted(4) + "]").body, said(2, 0, 0));
  EXPECT_EQ(post("/report", R"({"ids":[)" + quoted(1) + "," + quoted(77) + "]}").body,
            said(0, 1, 1));
  EXPECT_EQ(store_->counts(), (store::BucketCounts{0, 0, 0, 4, 0}));
}

TEST_F(DeskAndTurnTest, AnOldReportSettlesNoNewerBatch) {
  open();
  submit({1});
  const Xid old = of<core::SendBatch>(join(100, 1)).at(0).batch->id;
  const std::string named = R"({"batch":")" + old.text() + R"(","ids":[)";
  EXPECT_EQ(post("/report", named + "]}").status, 200U);  // it is sent again
  const Answer late = post("/report", named + '"' + text(1) + "\"]}");
  EXPECT_EQ(late.status, 409U);
  EXPECT_THAT(late.body, HasSubstr(R"("reported":0,"duplicate":0,"unknown":1,"held":0})"));
  EXPECT_EQ(store_->counts(), (store::BucketCounts{0, 0, 1, 0, 0}));
}

}  // namespace
}  // namespace pena::turn::test
