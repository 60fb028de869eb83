#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "bind/buckets.hpp"
#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/log_queue.hpp"
#include "bind/register.hpp"
#include "core/limits_list.hpp"
#include "server/server.hpp"

namespace pena::bind {
namespace {

using server::GeneratorSettings;
using server::Server;
using server::ServerSettings;
using ServerHolder = std::unique_ptr<Server, DeleteWithoutGil>;

// Of each limit its unit and, of whole numbers, what it may be from and to.
py::dict limit_bounds() {
  const auto unit_of = [](core::Limit::Unit unit) {
    switch (unit) {
      case core::Limit::Unit::number:
        return "number";
      case core::Limit::Unit::bytes:
        return "bytes";
      case core::Limit::Unit::time:
        return "time";
      case core::Limit::Unit::keep:
        return "keep";
      case core::Limit::Unit::share:
      case core::Limit::Unit::drift:
        break;
    }
    return "fraction";
  };
  py::dict bounds;
  for (const core::Limit& limit : core::all_limits()) {
    if (limit.place == core::Limit::Place::inside) continue;
    bounds[py::str(limit.name.data(), limit.name.size())] =
        py::make_tuple(unit_of(limit.unit), limit.least, limit.highest());
  }
  return bounds;
}

void register_limits(py::module_& module) {
  using core::Limits;
  using core::Timing;
  py::class_<core::Keep>(module, "Keep")
      .def(py::init<>())
      .def_readwrite("time", &core::Keep::time)
      .def_readwrite("msgs", &core::Keep::msgs);
  py::class_<Timing> timing{module, "Timing"};
  py::class_<Limits> limits{module, "Limits"};
  limits.def_readwrite("timing", &Limits::timing).def("problem", &Limits::problem);
  for (const core::Limit& limit : core::all_limits()) {
    if (limit.place == core::Limit::Place::inside) continue;
    std::visit(
        [&, name = std::string{limit.name}]<class Owner, class Value>(Value Owner::*field) {
          if constexpr (std::is_same_v<Owner, Timing>) {
            timing.def_readwrite(name.c_str(), field);
          } else {
            limits.def_readwrite(name.c_str(), field);
          }
        },
        limit.field);
  }
  module.def("limit_bounds", &limit_bounds);
}

void register_settings(py::module_& module) {
  py::class_<GeneratorSettings>(module, "GeneratorSettings")
      .def_readwrite("enabled", &GeneratorSettings::enabled)
      .def_readwrite("count", &GeneratorSettings::count)
      .def_readwrite("rate", &GeneratorSettings::rate)
      .def_readwrite("seed", &GeneratorSettings::seed)
      .def_readwrite("stays", &GeneratorSettings::stays);
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
  return made_without_gil<Server>([&] { return new Server{std::move(settings)}; });
}

// Borrowed: Python keeps the server alive as long as what this returns.
std::unique_ptr<Buckets> buckets_of(const Server& server) {
  return std::make_unique<Buckets>(
      std::shared_ptr<const store::View>{std::shared_ptr<void>{}, &server.buckets()});
}

// The fields of pena.ServerStats by name.
py::dict stats_of(const Server& server) {
  const auto stats = [&] {
    const GilReleased release;
    return server.stats();
  }();
  py::dict dict;
  for (const server::Stat& stat : server::all_stats()) {
    with_field(stats, stat, [&](const auto& value) {
      dict[py::str(stat.name.data(), stat.name.size())] = value;
    });
  }
  return dict;
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
