#include "turn/routes.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "wire/quote.hpp"

namespace pena::turn {
namespace {

struct Entry {
  std::string_view method, path;
  Route route;
};

// Of paths that have an id or a name in them, what stands before it and behind it.
struct Named {
  std::string_view before, behind;
  std::string_view entry;  // what the entry has in the place of a path
};
constexpr std::string_view kMsgPath = "/task/";
constexpr std::string_view kPausePath = "/queue/*/pause";
constexpr std::string_view kResumePath = "/queue/*/resume";
constexpr std::array<Named, 3> kNamed{{{kMsgPath, "", kMsgPath},
                                       {"/queue/", "/pause", kPausePath},
                                       {"/queue/", "/resume", kResumePath}}};

// Allow names the methods of a path in this order.
constexpr std::array<Entry, 18> kRoutes{{{"GET", "/task", Route::stream},
                                         {"POST", "/task", Route::submit},
                                         {"POST", "/report", Route::report},
                                         {"GET", "/report", Route::reports},
                                         {"DELETE", "/report", Route::forget_reports},
                                         {"GET", "/fail", Route::fails},
                                         {"DELETE", "/fail", Route::forget_fails},
                                         {"POST", "/fail/retry", Route::retry},
                                         {"GET", "/queue", Route::queue},
                                         {"DELETE", "/queue", Route::forget_waiting},
                                         {"POST", kPausePath, Route::pause},
                                         {"POST", kResumePath, Route::resume},
                                         {"GET", "/later", Route::later},
                                         {"GET", "/batch", Route::batches},
                                         {"GET", "/clients", Route::clients},
                                         {"GET", "/stats", Route::stats},
                                         {"GET", "/healthz", Route::health},
                                         {"GET", kMsgPath, Route::msg}}};

// Null where the path has no name in it.
const Named* named(std::string_view path) {
  const auto at = std::ranges::find_if(kNamed, [path](const Named& each) {
    return path.size() > each.before.size() + each.behind.size() && path.starts_with(each.before) &&
           path.ends_with(each.behind);
  });
  return at == kNamed.end() ? nullptr : &*at;
}

// What an entry has in the place of a path; empty where none can have it.
std::string_view entry_path(std::string_view path) {
  if (const Named* const found = named(path)) return found->entry;
  return path == kMsgPath ? std::string_view{} : path;
}

// OPTIONS of these is about the server as a whole; health checks of proxies ask for "/".
bool is_server(std::string_view path) {
  return path == "*" || path == "/";
}

// Empty where there is no such path.
std::string allowed(std::string_view path) {
  if (is_server(path)) return "GET, HEAD, POST, DELETE, OPTIONS";
  std::string methods;
  for (const Entry& entry : kRoutes) {
    if (entry.path != entry_path(path)) continue;
    methods += entry.method == "GET" ? "GET, HEAD" : entry.method;
    methods += ", ";
  }
  return methods.empty() ? methods : methods + "OPTIONS";
}

// Of a method and a path that lead nowhere.
Answer no_route(std::string_view method, std::string_view path) {
  const std::string methods = allowed(path);
  std::string allow = "Allow: " + methods + "\r\n";
  if (method == "OPTIONS" && !methods.empty()) return {204, {}, std::move(allow)};
  if (methods.empty() || is_server(path)) {
    return refuse(
        {404, "there is no " + wire::quote(path) +
                  "; expected /task, /report, /fail, /fail/retry, /queue, /queue/<name>/pause, "
                  "/queue/<name>/resume, /later, /batch, /clients, /stats or /healthz"});
  }
  Answer refusal = refuse({405, wire::quote(method) + " does not go with " + std::string{path} +
                                    "; expected " + methods});
  refusal.headers = std::move(allow);
  return refusal;
}

}  // namespace

std::variant<Route, Answer> find_route(std::string_view method, std::string_view path) {
  const std::string_view asked = method == "HEAD" ? "GET" : method;
  const std::string_view wanted = entry_path(path);
  for (const Entry& entry : kRoutes) {
    if (entry.path == wanted && entry.method == asked) return entry.route;
  }
  return no_route(method, path);
}

std::string_view msg_of(std::string_view path) {
  return path.substr(kMsgPath.size());
}

std::string_view queue_of(std::string_view path) {
  const Named& found = *named(path);
  path.remove_prefix(found.before.size());
  path.remove_suffix(found.behind.size());
  return path;
}

}  // namespace pena::turn
