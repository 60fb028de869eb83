// Pages of buckets, slice by slice: where a slice ends, where a page does, and what it says of the next one.
#include "turn/page_text.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "turn_test.hpp"
#include "wire/page_json.hpp"

namespace pena::turn::test {
namespace {

using store::Bucket;

class PageTextTest : public testing::Test {
 protected:
  void put_reports(std::uint16_t from, std::uint16_t to) {
    store::ChangeSet changes;
    for (std::uint16_t number = from; number <= to; ++number) {
      changes.emplace_back(core::PutReport{store::test::reported(number)});
    }
    store_->commit(changes);
  }
  static std::string ids(std::uint16_t from, std::uint16_t to) {
    std::string text = R"({"ids":[)";
    for (std::uint16_t number = from; number <= to; ++number) {
      text += (number == from ? "\"" : ",\"") + id_of(number).text() + '"';
    }
    return text + ']';
  }
  static std::string next(std::uint16_t number) {
    return R"(,"next":")" + id_of(number).text() + R"("})";
  }
  [[nodiscard]] std::string whole(const wire::PageQuery& query, std::size_t most_bytes = SIZE_MAX,
                                  std::size_t slice = PageText::kSlice) const {
    PageText page{*store_, Bucket::report, query, most_bytes, slice};
    std::string text;
    while (!page.done()) page.append_next(text);
    return text;
  }

  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  // An id in its quotation marks, with the comma before it.
  static constexpr std::size_t kId = core::Xid::kTextLength + 3;
  static constexpr std::size_t kTwoIds = 2 * core::Xid::kTextLength;  // of a slice
};

TEST_F(PageTextTest, AnEmptyBucketIsOnePage) {
  EXPECT_EQ(whole({{}, 10}), R"({"ids":[]})");
  EXPECT_EQ(whole({{}, 10, true}), R"({"records":[]})");
}

TEST_F(PageTextTest, ThePageThatHasTheLastNamesNoNext) {
  put_reports(1, 4);
  EXPECT_EQ(whole({{}, 5}), ids(1, 4) + "}");
  EXPECT_EQ(whole({{}, 4}), ids(1, 4) + "}");
  EXPECT_EQ(whole({{}, 3}), ids(1, 3) + next(3));
  EXPECT_EQ(whole({id_of(3), 3}), ids(4, 4) + "}");
  EXPECT_EQ(whole({id_of(4), 3}), R"({"ids":[]})");
}

TEST_F(PageTextTest, ItIsReadInSlices) {
  put_reports(1, 5);
  PageText page{*store_, Bucket::report, {{}, 4}, SIZE_MAX, kTwoIds};
  std::string text;
  page.append_next(text);
  EXPECT_EQ(text + ']', ids(1, 2));
  EXPECT_FALSE(page.done());
  // What is handed in is only ever added to: the first slice may be gone by now.
  std::string rest = "-";
  page.append_next(rest);
  EXPECT_TRUE(page.done());
  EXPECT_EQ(text + rest.substr(1), ids(1, 4) + next(4));
}

TEST_F(PageTextTest, WhatIsAddedBehindASliceIsInTheNext) {
  put_reports(1, 3);
  PageText page{*store_, Bucket::report, {{}, 10}, SIZE_MAX, kTwoIds};
  std::string text;
  page.append_next(text);
  put_reports(4, 4);
  while (!page.done()) page.append_next(text);
  EXPECT_EQ(text, ids(1, 4) + "}");
}

TEST_F(PageTextTest, ItEndsBehindTheRecordThatTakesItToItsBytes) {
  put_reports(1, 5);
  const std::size_t two = std::string_view{R"({"ids":[)"}.size() - 1 + 2 * kId;
  EXPECT_EQ(whole({{}, 10}, two), ids(1, 2) + next(2));
  EXPECT_EQ(whole({{}, 10}, two + 1), ids(1, 3) + next(3));
  EXPECT_EQ(whole({{}, 10}, 1), ids(1, 1) + next(1));
  // Whatever the slices are, and where its bytes end with the bucket.
  EXPECT_EQ(whole({{}, 10}, two, kTwoIds), ids(1, 2) + next(2));
  EXPECT_EQ(whole({id_of(3), 10}, two), ids(4, 5) + "}");
}

TEST_F(PageTextTest, RecordsGoOnLikeIds) {
  put_reports(1, 3);
  const std::string all = whole({{}, 10, true});
  EXPECT_EQ(whole({{}, 10, true}, SIZE_MAX, 1), all);  // a record a slice
  std::string first;
  wire::PageJson json{"records"};
  json.add(first, store::test::reported(1));
  json.end(first, id_of(1));
  EXPECT_EQ(whole({{}, 1, true}), first);
  EXPECT_EQ(whole({{}, 10, true}, 1), first);
}

}  // namespace
}  // namespace pena::turn::test
