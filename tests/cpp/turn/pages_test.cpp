// What pages have beside ids of one bucket: queues, what is due, and where whoever follows goes on.
#include <gmock/gmock.h>

#include "fake_view.hpp"
#include "store/sample.hpp"
#include "turn/page_text.hpp"

namespace pena::turn::test {
namespace {

using core::Xid;
using store::Bucket;
using store::test::id_of;
using testing::HasSubstr;

constexpr core::QueueNumber kMailQueue = 5;

class PagesTest : public testing::Test {
 protected:
  static core::QueuedMsg msg(std::uint16_t number, core::QueueNumber queue) {
    core::QueuedMsg queued;
    queued.msg.id = id_of(number);
    queued.msg.queue = queue;
    queued.queued_at = core::from_us(1000 - number);
    return queued;
  }
  void put_queued(std::uint16_t number, core::QueueNumber queue) {
    view_.queued[id_of(number)] = msg(number, queue);
  }
  void put_due(std::uint16_t number, core::QueueNumber queue) {
    view_.due[id_of(number)] = msg(number, queue);
  }
  void put_report(std::uint16_t number, std::uint64_t order, core::QueueNumber queue = 0) {
    core::ReportRecord& record = view_.reported[id_of(number)];
    record.id = id_of(number);
    record.order = order;
    record.queue = queue;
  }
  static std::string ids(const std::vector<std::uint16_t>& numbers) {
    std::string text = R"({"ids":[)";
    for (const std::uint16_t number : numbers) text += '"' + id_of(number).text() + "\",";
    if (!numbers.empty()) text.pop_back();
    return text + ']';
  }
  static std::string next(std::uint16_t number) {
    return R"(,"next":")" + id_of(number).text() + R"("})";
  }
  [[nodiscard]] std::string whole(Bucket bucket, const wire::PageQuery& query,
                                  std::size_t slice = PageText::kSlice) const {
    PageText page{view_, bucket, query, SIZE_MAX, slice};
    std::string text;
    while (!page.done()) {
      const std::size_t before = text.size();
      page.append_next(text);
      EXPECT_LT(before, text.size());
    }
    return text;
  }
  static wire::PageQuery of_queue(std::string name, std::size_t limit, bool records = false) {
    wire::PageQuery query{{}, limit, records};
    query.queue = std::move(name);
    return query;
  }

  FakeView view_;
  PagesTest() {
    view_.named = {{kMailQueue, "mail", false, 0, 0, 0, 0}, {6, "other", false, 0, 0, 0, 0}};
  }
};

TEST_F(PagesTest, AQueueIsReadByItsName) {
  put_queued(1, kMailQueue);
  put_queued(2, core::kDefaultQueue);
  put_queued(3, core::kGeneratedQueue);
  put_queued(4, kMailQueue);
  put_queued(5, core::kDefaultQueue);
  EXPECT_EQ(whole(Bucket::queue, {{}, 10}), ids({1, 2, 3, 4, 5}) + "}");
  EXPECT_EQ(whole(Bucket::queue, of_queue("mail", 10)), ids({1, 4}) + "}");
  EXPECT_EQ(whole(Bucket::queue, of_queue("mail", 1)), ids({1}) + next(1));
  EXPECT_EQ(whole(Bucket::queue, of_queue("", 10)), ids({2, 3, 5}) + "}");
  EXPECT_EQ(whole(Bucket::queue, of_queue("", 1)), ids({2}) + next(2));
  EXPECT_EQ(whole(Bucket::queue, of_queue("", 2)), ids({2, 3}) + next(3));
  EXPECT_EQ(whole(Bucket::queue, of_queue("never", 10)), ids({}) + "}");
}

TEST_F(PagesTest, RecordsOfTheQueueSayWhereTheyAre) {
  put_queued(1, kMailQueue);
  put_queued(2, core::kDefaultQueue);
  view_.queued[id_of(1)].msg.key = "a";
  view_.queued[id_of(1)].msg.payload = "[1]";
  const std::string all = whole(Bucket::queue, {{}, 10, true});
  EXPECT_THAT(all, HasSubstr(R"("period":0,"payload":[1],"queue":"mail","key":"a","attempt":1,)"));
  EXPECT_THAT(all, HasSubstr(R"("queued_at":"1970-01-01T00:00:00.000Z","misses":[]})"));
  EXPECT_THAT(all, HasSubstr(id_of(2).text() + R"(","period":0,"attempt":1)"));
  EXPECT_EQ(whole(Bucket::queue, {{}, 10, true}, 1), all);  // a record a slice
}

TEST_F(PagesTest, WhatIsLaterStandsByItsDate) {
  put_due(1, kMailQueue);
  put_due(2, core::kDefaultQueue);
  put_due(3, kMailQueue);
  EXPECT_EQ(whole(Bucket::later, {{}, 10}), ids({3, 2, 1}) + "}");
  EXPECT_EQ(whole(Bucket::later, {{}, 2}),
            ids({3, 2}) + R"(,"next":"998.)" + id_of(2).text() + R"("})");
  wire::PageQuery rest{id_of(2), 10};
  rest.after_date = core::from_us(998);
  EXPECT_EQ(whole(Bucket::later, rest), ids({1}) + "}");
  EXPECT_EQ(whole(Bucket::later, of_queue("mail", 10)), ids({3, 1}) + "}");
  EXPECT_THAT(whole(Bucket::later, of_queue("mail", 10, true)), HasSubstr(R"("due_at":")"));
}

TEST_F(PagesTest, ReportsOfOneQueueGoOnBehindWhatWasPassedOver) {
  for (std::uint16_t number = 1; number <= 200; ++number) {
    put_report(number, number, number == 200 ? kMailQueue : 6);
  }
  EXPECT_EQ(whole(Bucket::report, of_queue("mail", 1)), ids({200}) + "}");
  EXPECT_EQ(whole(Bucket::report, of_queue("", 1)), ids({}) + "}");
  EXPECT_EQ(whole(Bucket::report, of_queue("other", 2)), ids({1, 2}) + next(2));
}

TEST_F(PagesTest, WhoeverFollowsIsToldWhereToGoOnAndWhatIsKept) {
  put_report(3, 1);
  put_report(1, 2);
  put_report(2, 7);
  wire::PageQuery query{{}, 2};
  query.since = 0;
  EXPECT_EQ(whole(Bucket::report, query), ids({3, 1}) + R"(,"next":2,"first":1})");
  query.since = 2;
  EXPECT_EQ(whole(Bucket::report, query), ids({2}) + R"(,"next":7,"first":1})");
  query.since = 7;
  EXPECT_EQ(whole(Bucket::report, query), ids({}) + R"(,"next":7,"first":1})");
  query.since = 8;  // of another store, as it may be: it is the reader's
  EXPECT_EQ(whole(Bucket::report, query), ids({}) + R"(,"next":8,"first":1})");
  query.queue = "mail";
  query.since = 0;
  EXPECT_EQ(whole(Bucket::report, query), ids({}) + R"(,"next":7,"first":1})");
  view_.reported.erase(id_of(3));
  query.queue = "never";
  EXPECT_EQ(whole(Bucket::report, query), ids({}) + R"(,"next":0,"first":2})");
}

// What goes between two slices of a page is missed where it was not told, and not where it was.
TEST_F(PagesTest, WhatGoesWhileAPageIsReadIsSaidWhereItWasNotTold) {
  for (std::uint16_t number = 1; number <= 6; ++number) put_report(number, number);
  const auto page_while_goes = [&](std::uint16_t up_to) {
    wire::PageQuery query{{}, SIZE_MAX};
    query.since = 0;
    view_.slice = 2;
    PageText page{view_, Bucket::report, query, SIZE_MAX};
    std::string text;
    page.append_next(text);
    for (std::uint16_t number = 1; number <= up_to; ++number) view_.reported.erase(id_of(number));
    while (!page.done()) page.append_next(text);
    return text;
  };
  EXPECT_EQ(page_while_goes(2), ids({1, 2, 3, 4, 5, 6}) + R"(,"next":6,"first":1})");
  for (std::uint16_t number = 1; number <= 2; ++number) put_report(number, number);
  EXPECT_EQ(page_while_goes(3), ids({1, 2, 4, 5, 6}) + R"(,"next":6,"first":4})");
}

}  // namespace
}  // namespace pena::turn::test
