// A server that sends a worker the msgs of a test, and takes its reports.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "client/worker.hpp"
#include "scripted_server.hpp"

namespace pena::client::test {

inline constexpr const char* kWorkersBatch = "cbvrr5s3r49lpu0cbt60";
inline constexpr const char* kWorkersClient = "cbvrr5s3r49lpu0cbt6g";

inline std::string stream_of(const std::string& events) {
  return std::string{"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nPena-Client: "} +
         kWorkersClient +
         "\r\nPena-Lease: 30000\r\nPena-Silence: 60000\r\nConnection: close\r\n\r\n: at=1000\n\n" +
         events;
}
inline std::string event(int number, const std::string& more = "") {
  return std::string{"id: "} + kWorkersBatch + "\ndata: {\"id\":\"" + id(number) +
         "\",\"period\":0" + more + "}\n\n";
}
inline std::string batch(int size) {
  return std::string{": batch="} + kWorkersBatch + " size=" + std::to_string(size) +
         " at=1001 lease=30000\n";
}
inline std::string answered(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The events on the first stream, nothing on the others; `report` answers what is posted.
class MsgServer {
 public:
  using Answer = std::function<std::string(const Call&)>;
  explicit MsgServer(std::string events, Answer report = taken)
      : events_(std::move(events)), report_(std::move(report)) {}

  static std::string taken(const Call& /*call*/) {
    return answered(200,
                    R"({"message":"success","reported":1,"duplicate":0,"unknown":0,"held":0})");
  }
  ScriptedServer& operator*() { return scripted_; }
  ScriptedServer* operator->() { return &scripted_; }

 private:
  bool serve(const Call& call, const Peer& peer) {
    if (!is_stream(call)) {
      peer.send(report_(call));
      return true;
    }
    peer.send(stream_of(sent_.exchange(true) ? "" : events_));
    peer.wait_for_close();
    return false;
  }

  std::string events_;
  Answer report_;
  std::atomic<bool> sent_ = false;
  ScriptedServer scripted_{[this](const Call& call, const Peer& peer) {
    return serve(call, peer);
  }};
};

inline WorkerSettings settings_for(ScriptedServer& server) {
  WorkerSettings settings;
  settings.url = server.url();
  settings.backoff_first = std::chrono::milliseconds{1};
  settings.backoff_most = std::chrono::milliseconds{20};
  settings.stop_patience = std::chrono::milliseconds{200};
  return settings;
}

}  // namespace pena::client::test
