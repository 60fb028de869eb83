#include "server/routes.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <utility>

#include "pena_version.hpp"
#include "wire/json.hpp"
#include "wire/query.hpp"
#include "wire/quote.hpp"

namespace pena::server {

namespace asio = boost::asio;

namespace {

Answer busy(const std::string& why, const std::string& advice = "try again later") {
  return refuse({503, why + "; " + advice});
}

// The server ended while the request waited for its commit.
Answer unknown_outcome() {
  return busy(
      "the server ended before its disk had answered: the outcome is unknown, it may have been "
      "accepted",
      "send it again with the same ids");
}

// An accepted msg is kept: its id is the answer whether it was new or known already.
Awaitable<Answer> post_task(Engine& engine, const Request& request) {
  if (engine.draining) co_return busy("the server stops");
  if (const store::Full full = engine.commits->full(); full != store::Full::no) {
    co_return busy(store::sentence(full, engine.settings.limits));
  }
  auto submissions = wire::parse_submissions(request.body, engine.settings.limits);
  if (!submissions) co_return refuse(submissions.refusal());
  core::Submitted submitted{engine.new_request(), {}, false};
  submitted.msgs.reserve(submissions->size());
  std::vector<core::Xid> ids;
  ids.reserve(submissions->size());
  const core::Instant date = engine.clock.date();
  for (wire::Submission& submission : *submissions) {
    submitted.names_ids = submitted.names_ids || submission.id.has_value();
    const core::Xid id = submission.id ? *submission.id : engine.ids.next(date);
    ids.push_back(id);
    submitted.msgs.push_back({id, submission.period, std::move(submission.payload)});
  }
  const core::RequestId id = submitted.request;
  const auto accepted = co_await engine.commit(std::move(submitted), id);
  if (!accepted) co_return unknown_outcome();
  if (const auto* refused = std::get_if<store::SubmitRefused>(&*accepted)) {
    co_return refuse({400, "the id " + refused->id.text() +
                               " is one that this server has yet to make; expected an id of your "
                               "own, or none"});
  }
  if (const auto* reply = std::get_if<core::SubmitReply>(&*accepted); reply && reply->refused) {
    co_return busy("the store, of " + std::to_string(engine.settings.limits.map_bytes) +
                   " bytes, or its disk has no room for these msgs beside what held ones may need");
  }
  if (engine.settings.log.wants(core::LogLevel::debug)) {
    engine.log(core::LogLevel::debug, "request " + std::to_string(id) + ": accepted " +
                                          std::to_string(ids.size()) + " msgs");
  }
  co_return Answer{201, wire::ids_json(ids), {}, {}};
}

// As a rule nothing is to be looked up, and the I/O thread need not wait for a disk.
Awaitable<store::SettledReply> settle(Engine& engine, const core::ReportReply& reply) {
  const auto look_up = [&]() -> asio::awaitable<store::SettledReply> {
    co_return store::settled(reply, engine.buckets);
  };
  if (reply.elsewhere.empty()) co_return store::settled(reply, engine.buckets);
  co_return co_await asio::co_spawn(engine.readers, look_up, use_awaitable);
}

Awaitable<Answer> post_report(Engine& engine, const Request& request) {
  if (engine.gave_up) co_return busy("the server stops");
  auto report = wire::parse_report(request.body, engine.settings.limits);
  if (!report) co_return refuse(report.refusal());
  // Taken after the request came and before it is answered: the client's anchor for its leases.
  const std::int64_t at_ms = core::to_ms(engine.clock.now());
  report->request = engine.new_request();
  const core::RequestId id = report->request;
  const auto committed = co_await engine.commit(std::move(*report), id);
  if (!committed) co_return unknown_outcome();
  const store::SettledReply settled =
      co_await settle(engine, std::get<core::ReportReply>(*committed));
  std::string success =
      wire::report_success_json(settled.reported, settled.duplicate, settled.unknown);
  if (engine.settings.log.wants(core::LogLevel::debug)) {
    engine.log(core::LogLevel::debug, "request " + std::to_string(id) + ": " + success);
  }
  co_return Answer{200, std::move(success), "Pena-At: " + std::to_string(at_ms) + "\r\n", {}};
}

Awaitable<Answer> get_bucket(Engine& engine, const Request& request, store::Bucket bucket) {
  const auto query = wire::parse_page_query(request.query, engine.settings.limits);
  if (!query) co_return refuse(query.refusal());
  auto page =
      std::make_shared<PageText>(engine.buckets, bucket, *query, engine.settings.limits.page_bytes);
  Answer answer;
  co_await read_slice(engine, *page, answer.body);
  if (!page->done()) answer.rest = std::move(page);
  co_return answer;
}

Awaitable<Answer> get_report(Engine& engine, const Request& request) {
  return get_bucket(engine, request, store::Bucket::report);
}

Awaitable<Answer> get_fail(Engine& engine, const Request& request) {
  return get_bucket(engine, request, store::Bucket::fail);
}

Awaitable<Answer> get_healthz(Engine& engine, const Request& /*request*/) {
  std::string body = std::string{R"({"status":"ok","version":")"} + kVersion + '"';
  const std::string_view waiting = store::word(engine.commits->waits_for());
  if (!waiting.empty()) body += R"(,"waiting":")" + std::string{waiting} + '"';
  // As a 503 of POST /task says it; nothing in it needs an escape.
  const std::string full = store::sentence(engine.commits->full(), engine.settings.limits);
  if (!full.empty()) body += R"(,"full":")" + full + '"';
  co_return Answer{200, body + '}', {}, {}};
}

struct Route {
  std::string_view method, path;
  Awaitable<Answer> (*handle)(Engine&, const Request&);
};

constexpr std::array<Route, 5> kRoutes{{{"POST", "/task", post_task},
                                        {"POST", "/report", post_report},
                                        {"GET", "/report", get_report},
                                        {"GET", "/fail", get_fail},
                                        {"GET", "/healthz", get_healthz}}};

// OPTIONS of these is about the server as a whole; health checks of proxies ask for "/".
bool is_server(std::string_view path) {
  return path == "*" || path == "/";
}

std::string allowed(std::string_view path) {
  // The streams' route is not in the table.
  std::string methods = path == "/task" ? "GET, HEAD" : "";
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    if (!methods.empty()) methods += ", ";
    methods += route.method == "GET" ? "GET, HEAD" : std::string{route.method};
  }
  if (is_server(path)) methods = "GET, HEAD, POST";
  return methods.empty() ? methods : methods + ", OPTIONS";
}

}  // namespace

Answer refuse(const wire::Refusal& refusal) {
  return {refusal.status,
          wire::error_json(refusal.sentence),
          refusal.status == 503 ? "Retry-After: 1\r\n" : "",
          {}};
}

Awaitable<void> read_slice(Engine& engine, PageText& page, std::string& text) {
  const auto read = [&]() -> asio::awaitable<void> {
    page.append_next(text);
    co_return;
  };
  co_await asio::co_spawn(engine.readers, read, use_awaitable);
}

Awaitable<Answer> answer(Engine& engine, Request request) {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  for (const Route& route : kRoutes) {
    if (route.path == request.path && route.method == method) {
      co_return co_await route.handle(engine, request);
    }
  }
  const std::string methods = allowed(request.path);
  if (request.method == "OPTIONS" && !methods.empty()) {
    co_return Answer{204, {}, "Allow: " + methods + "\r\n"};
  }
  if (methods.empty() || is_server(request.path)) {
    co_return refuse({404, "there is no " + wire::quote(request.path) +
                               "; expected /task, /report, /fail or /healthz"});
  }
  Answer refusal = refuse({405, wire::quote(request.method) + " does not go with " + request.path +
                                    "; expected " + methods});
  refusal.headers = "Allow: " + methods + "\r\n";
  co_return refusal;
}

}  // namespace pena::server
