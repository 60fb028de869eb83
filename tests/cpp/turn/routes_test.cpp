// Where each method and path leads.
#include "turn/routes.hpp"

#include <gtest/gtest.h>

namespace pena::turn::test {
namespace {

Route route(std::string_view method, std::string_view path) {
  return std::get<Route>(find_route(method, path));
}

Answer nowhere(std::string_view method, std::string_view path) {
  return std::get<Answer>(find_route(method, path));
}

TEST(Routes, LeadEachMethodOfAPathToItsOwn) {
  EXPECT_EQ(route("GET", "/task"), Route::stream);
  EXPECT_EQ(route("POST", "/task"), Route::submit);
  EXPECT_EQ(route("POST", "/report"), Route::report);
  EXPECT_EQ(route("GET", "/report"), Route::reports);
  EXPECT_EQ(route("GET", "/fail"), Route::fails);
  EXPECT_EQ(route("GET", "/queue"), Route::queue);
  EXPECT_EQ(route("GET", "/later"), Route::later);
  EXPECT_EQ(route("GET", "/batch"), Route::batches);
  EXPECT_EQ(route("GET", "/healthz"), Route::health);
  EXPECT_EQ(route("POST", "/fail/retry"), Route::retry);
  EXPECT_EQ(route("DELETE", "/fail"), Route::forget_fails);
  EXPECT_EQ(route("DELETE", "/report"), Route::forget_reports);
  EXPECT_EQ(route("DELETE", "/queue"), Route::forget_waiting);
  EXPECT_EQ(route("GET", "/clients"), Route::clients);
  EXPECT_EQ(route("GET", "/stats"), Route::stats);
}

TEST(Routes, AQueueStandsBetweenItsWords) {
  EXPECT_EQ(route("POST", "/queue/mail/pause"), Route::pause);
  EXPECT_EQ(route("POST", "/queue/mail/resume"), Route::resume);
  EXPECT_EQ(queue_of("/queue/mail/pause"), "mail");
  EXPECT_EQ(queue_of("/queue/img.large-1_x/resume"), "img.large-1_x");
  // What is no name is refused as one, by name.
  EXPECT_EQ(route("POST", "/queue/*/pause"), Route::pause);
  EXPECT_EQ(queue_of("/queue/a/b/pause"), "a/b");
  EXPECT_EQ(queue_of("/queue/pause/pause"), "pause");
  for (const char* path : {"/queue/pause", "/queue//pause", "/queue/mail", "/queue/mail/",
                           "/queue/mail/pause/", "/queue/mail/paused", "/queues/mail/pause"}) {
    EXPECT_EQ(nowhere("POST", path).status, 404U) << path;
  }
  EXPECT_EQ(nowhere("GET", "/queue/mail/pause").status, 405U);
  EXPECT_EQ(nowhere("GET", "/queue/mail/pause").headers, "Allow: POST, OPTIONS\r\n");
  EXPECT_EQ(nowhere("OPTIONS", "/queue/mail/resume").headers, "Allow: POST, OPTIONS\r\n");
}

TEST(Routes, WhatStandsBehindTaskIsAMsg) {
  EXPECT_EQ(route("GET", "/task/9m4e2mr0ui3e8a215n4g"), Route::msg);
  EXPECT_EQ(route("HEAD", "/task/anything"), Route::msg);
  EXPECT_EQ(msg_of("/task/anything"), "anything");
  EXPECT_EQ(nowhere("GET", "/task/").status, 404U);
  EXPECT_EQ(nowhere("OPTIONS", "/task/").status, 404U);
  EXPECT_EQ(nowhere("POST", "/task/anything").status, 405U);
  EXPECT_EQ(nowhere("OPTIONS", "/task/anything").headers, "Allow: GET, HEAD, OPTIONS\r\n");
}

TEST(Routes, HeadLeadsWhereGetDoes) {
  for (const char* path :
       {"/task", "/report", "/fail", "/healthz", "/stats", "/clients", "/batch"}) {
    EXPECT_EQ(route("HEAD", path), route("GET", path));
  }
  EXPECT_EQ(nowhere("HEAD", "/nothing").status, 404U);
}

TEST(Routes, OptionsTellsTheMethodsOfAPath) {
  const auto allow = [](std::string_view path) {
    const Answer answer = nowhere("OPTIONS", path);
    EXPECT_EQ(answer.status, 204U);
    EXPECT_EQ(answer.body, "");
    return answer.headers;
  };
  EXPECT_EQ(allow("/task"), "Allow: GET, HEAD, POST, OPTIONS\r\n");
  EXPECT_EQ(allow("/report"), "Allow: POST, GET, HEAD, DELETE, OPTIONS\r\n");
  EXPECT_EQ(allow("/fail"), "Allow: GET, HEAD, DELETE, OPTIONS\r\n");
  EXPECT_EQ(allow("/fail/retry"), "Allow: POST, OPTIONS\r\n");
  EXPECT_EQ(allow("/healthz"), "Allow: GET, HEAD, OPTIONS\r\n");
  EXPECT_EQ(allow("/queue"), "Allow: GET, HEAD, DELETE, OPTIONS\r\n");
  EXPECT_EQ(allow("/stats"), "Allow: GET, HEAD, OPTIONS\r\n");
  EXPECT_EQ(allow("/clients"), "Allow: GET, HEAD, OPTIONS\r\n");
  EXPECT_EQ(allow("*"), "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n");
  EXPECT_EQ(allow("/"), "Allow: GET, HEAD, POST, DELETE, OPTIONS\r\n");
}

TEST(Routes, AMethodThatDoesNotGoWithThePathIsToldThoseThatDo) {
  const Answer put = nowhere("PUT", "/task");
  EXPECT_EQ(put.status, 405U);
  EXPECT_EQ(put.headers, "Allow: GET, HEAD, POST, OPTIONS\r\n");
  EXPECT_EQ(put.body,
            R"({"error":"\"PUT\" does not go with /task; expected GET, HEAD, POST, OPTIONS"})");
  EXPECT_EQ(nowhere("PUT", "/report").headers, "Allow: POST, GET, HEAD, DELETE, OPTIONS\r\n");
  EXPECT_EQ(nowhere("POST", "/fail").headers, "Allow: GET, HEAD, DELETE, OPTIONS\r\n");
  EXPECT_EQ(nowhere("POST", "/fail").status, 405U);
  EXPECT_EQ(nowhere("get", "/fail").status, 405U);  // methods have a case
}

TEST(Routes, APathThatIsNotThereIsNamed) {
  for (const char* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
    const Answer answer = nowhere(method, "/tasks");
    EXPECT_EQ(answer.status, 404U);
    EXPECT_EQ(answer.headers, "");
    EXPECT_EQ(answer.body, R"({"error":"there is no \"/tasks\"; expected /task, /report, /fail, )"
                           R"(/fail/retry, /queue, /queue/<name>/pause, /queue/<name>/resume, )"
                           R"(/later, /batch, /clients, /stats or /healthz"})");
  }
  EXPECT_EQ(nowhere("GET", "/").status, 404U);
  EXPECT_EQ(nowhere("POST", "*").status, 404U);
}

}  // namespace
}  // namespace pena::turn::test
