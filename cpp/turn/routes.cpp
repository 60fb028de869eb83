#include "turn/routes.hpp"

#include <array>
#include <string>

#include "wire/quote.hpp"

namespace pena::turn {
namespace {

struct Entry {
  std::string_view method, path;
  Route route;
};

// Allow names the methods of a path in this order.
constexpr std::array<Entry, 13> kRoutes{{{"GET", "/task", Route::stream},
                                         {"POST", "/task", Route::submit},
                                         {"POST", "/report", Route::report},
                                         {"GET", "/report", Route::reports},
                                         {"DELETE", "/report", Route::forget_reports},
                                         {"GET", "/fail", Route::fails},
                                         {"DELETE", "/fail", Route::forget_fails},
                                         {"POST", "/fail/retry", Route::retry},
                                         {"GET", "/queue", Route::queue},
                                         {"GET", "/later", Route::later},
                                         {"GET", "/batch", Route::batches},
                                         {"GET", "/healthz", Route::health},
                                         {"GET", "/task/", Route::msg}}};
constexpr std::string_view kMsgPath = "/task/";

// What an entry has in the place of a path.
std::string_view entry_path(std::string_view path) {
  return path.size() > kMsgPath.size() && path.starts_with(kMsgPath) ? kMsgPath : path;
}

// OPTIONS of these is about the server as a whole; health checks of proxies ask for "/".
bool is_server(std::string_view path) {
  return path == "*" || path == "/";
}

// Empty where there is no such path.
std::string allowed(std::string_view path) {
  if (is_server(path)) return "GET, HEAD, POST, OPTIONS";
  std::string methods;
  for (const Entry& entry : kRoutes) {
    if (entry.path != entry_path(path) || path == kMsgPath) continue;
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
        {404,
         "there is no " + wire::quote(path) +
             "; expected /task, /report, /fail, /fail/retry, /queue, /later, /batch or /healthz"});
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
  if (path == kMsgPath) return no_route(method, path);  // no id stands behind it
  for (const Entry& entry : kRoutes) {
    if (entry.path == wanted && entry.method == asked) return entry.route;
  }
  return no_route(method, path);
}

std::string_view msg_of(std::string_view path) {
  return path.substr(kMsgPath.size());
}

}  // namespace pena::turn
