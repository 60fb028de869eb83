#include <utility>

#include "bind/buckets.hpp"
#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/log_queue.hpp"
#include "bind/register.hpp"
#include "server/server.hpp"

namespace pena::bind {
namespace {

using server::GeneratorSettings;
using server::Server;
using server::ServerSettings;
using ServerHolder = std::unique_ptr<Server, DeleteWithoutGil>;

void register_limits(py::module_& module) {
  using core::Limits;
  using core::Timing;
  py::class_<Timing>(module, "Timing")
      .def_readwrite("lease", &Timing::lease)
      .def_readwrite("heartbeat", &Timing::heartbeat)
      .def_readwrite("silence", &Timing::silence)
      .def_readwrite("stop_time", &Timing::stop_time)
      .def_readwrite("drop_grace", &Timing::drop_grace)
      .def_readwrite("slack", &Timing::slack)
      .def_readwrite("clock_drift", &Timing::clock_drift);
  py::class_<Limits>(module, "Limits")
      .def_readwrite("max_resends", &Limits::max_resends)
      .def_readwrite("timing", &Limits::timing)
      .def_readwrite("linger", &Limits::linger)
      .def_readwrite("batchsize", &Limits::batchsize)
      .def_readwrite("period_ms", &Limits::period_ms)
      .def_readwrite("payload_bytes", &Limits::payload_bytes)
      .def_readwrite("error_bytes", &Limits::error_bytes)
      .def_readwrite("report_ids", &Limits::report_ids)
      .def_readwrite("submit_msgs", &Limits::submit_msgs)
      .def_readwrite("page_ids", &Limits::page_ids)
      .def_readwrite("page_bytes", &Limits::page_bytes)
      .def_readwrite("json_depth", &Limits::json_depth)
      .def_readwrite("header_bytes", &Limits::header_bytes)
      .def_readwrite("target_bytes", &Limits::target_bytes)
      .def_readwrite("body_bytes", &Limits::body_bytes)
      .def_readwrite("framing_bytes", &Limits::framing_bytes)
      .def_readwrite("bodies_bytes", &Limits::bodies_bytes)
      .def_readwrite("connections", &Limits::connections)
      .def_readwrite("header_time", &Limits::header_time)
      .def_readwrite("body_time", &Limits::body_time)
      .def_readwrite("idle_time", &Limits::idle_time)
      .def_readwrite("stalled_write_time", &Limits::stalled_write_time)
      .def_readwrite("drain_time", &Limits::drain_time)
      .def_readwrite("window_msgs", &Limits::window_msgs)
      .def_readwrite("window_bytes", &Limits::window_bytes)
      .def_readwrite("fewest_pieces", &Limits::fewest_pieces)
      .def_readwrite("queue_msgs", &Limits::queue_msgs)
      .def_readwrite("map_bytes", &Limits::map_bytes)
      .def_readwrite("store_fill", &Limits::store_fill)
      .def_readwrite("disk_bytes", &Limits::disk_bytes)
      .def("problem", &Limits::problem);
}

void register_settings(py::module_& module) {
  py::class_<GeneratorSettings>(module, "GeneratorSettings")
      .def_readwrite("enabled", &GeneratorSettings::enabled)
      .def_readwrite("count", &GeneratorSettings::count)
      .def_readwrite("rate", &GeneratorSettings::rate)
      .def_readwrite("seed", &GeneratorSettings::seed);
  py::class_<ServerSettings>(module, "ServerSettings")
      .def(py::init<>())
      .def_readwrite("listen", &ServerSettings::listen)
      .def_readwrite("store", &ServerSettings::store)
      .def_readwrite("limits", &ServerSettings::limits)
      .def_readwrite("generator", &ServerSettings::generator)
      .def_readwrite("insecure", &ServerSettings::insecure)
      .def_readwrite("allow_hosts", &ServerSettings::allow_hosts)
      .def("check", &server::check);
}

ServerHolder start(ServerSettings settings, std::shared_ptr<LogQueue> log) {
  settings.log = log_sink(std::move(log), "pena.server");
  const GilReleased release;
  return ServerHolder{new Server{std::move(settings)}};
}

// Borrowed: Python keeps the server alive as long as what this returns.
std::unique_ptr<Buckets> buckets_of(const Server& server) {
  return std::make_unique<Buckets>(
      std::shared_ptr<const store::BucketView>{std::shared_ptr<void>{}, &server.buckets()});
}

// The fields of pena.ServerStats by name.
py::dict stats_of(const Server& server) {
  const auto stats = [&] {
    const GilReleased release;
    return server.stats();
  }();
  const auto& counts = stats.counts;
  using py::literals::operator""_a;
  return py::dict(
      "generated"_a = counts.generated, "submitted"_a = counts.submitted, "sent"_a = counts.sent,
      "resent"_a = counts.resent, "reported"_a = counts.reported, "failed"_a = counts.failed,
      "omitted"_a = counts.omitted, "said_failed"_a = counts.said_failed,
      "refused"_a = counts.refused, "dropped"_a = counts.dropped, "expired"_a = counts.expired,
      "batches"_a = counts.batches, "clients_joined"_a = counts.clients_joined,
      "clients_lost"_a = counts.clients_lost, "clients_free"_a = counts.clients_free,
      "clients_busy"_a = counts.clients_busy, "held"_a = counts.held,
      "connections"_a = stats.connections, "generating"_a = stats.generating,
      "waiting"_a = stats.waiting);
}

}  // namespace

void register_server(py::module_& module) {
  register_limits(module);
  register_settings(module);
  py::class_<Server, ServerHolder>(module, "Server")
      .def(py::init(&start), py::arg("settings"), py::arg("log"))
      .def_property_readonly("url", &Server::url)
      .def_property_readonly("port", &Server::port)
      .def("running", &Server::running, WithoutGil())
      .def("stop", &Server::stop, WithoutGil())
      .def(
          "wait",
          [](Server& server, std::optional<std::chrono::milliseconds> timeout) {
            return wait_in_slices(timeout, [&](auto slice) { return server.wait(slice); });
          },
          py::arg("timeout"))
      .def("stats", &stats_of)
      .def("buckets", &buckets_of, py::keep_alive<0, 1>());
}

}  // namespace pena::bind
