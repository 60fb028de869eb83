#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/register.hpp"
#include "sim/bench.hpp"
#include "sim/world.hpp"

namespace pena::bind {
namespace {

sim::Outcome run_world(std::uint64_t seed, const std::string& faults, bool swarm,
                       core::Duration length) {
  std::string bad;
  const auto kinds = sim::fault_set(faults, bad);
  if (!kinds) {
    throw py::value_error("\"" + bad + "\" is no kind of fault; expected all, none, or some of " +
                          sim::words(sim::all_faults()));
  }
  if (length <= core::Duration::zero()) throw py::value_error("length must be longer than 0");
  if (length > std::chrono::hours{24 * 365}) throw py::value_error("length must be at most a year");
  return sim::run(sim::make_scenario({seed, *kinds, swarm, length}), true);
}

void register_outcome(py::module_& module) {
  py::class_<sim::Outcome>(module, "SimOutcome")
      .def_readonly("broken", &sim::Outcome::broken)
      .def_readonly("what", &sim::Outcome::what)
      .def_readonly("simulated", &sim::Outcome::ended_at)
      .def_readonly("msgs", &sim::Outcome::msgs)
      .def_readonly("reported", &sim::Outcome::reported)
      .def_readonly("failed", &sim::Outcome::failed)
      .def_readonly("digest", &sim::Outcome::digest)
      .def_readonly("history", &sim::Outcome::history);
  module.def("run_world", &run_world, py::arg("seed"), py::arg("faults"), py::arg("swarm"),
             py::arg("length"), WithoutGil());
}

using Known = std::vector<std::tuple<core::Xid, core::Xid>>;

// Msgs of one queue, with the same rules. `keys`: of the first of them.
std::optional<Known> submit(sim::Bench& bench, const std::vector<core::Xid>& ids,
                            const std::string& queue, std::optional<core::Duration> delay,
                            std::optional<std::uint16_t> max_resends,
                            const std::vector<std::string>& keys) {
  core::Submitted submitted;
  submitted.queues = {queue};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    core::Msg msg{ids[i], 1, {}};
    msg.max_resends = max_resends;
    if (i < keys.size()) msg.key = keys[i];
    submitted.msgs.push_back(std::move(msg));
    if (delay) submitted.later.push_back({ids[i], bench.now() + *delay});
  }
  const auto known = bench.submit(std::move(submitted));
  if (!known) return std::nullopt;
  Known pairs;
  for (const core::KnownMsg& msg : *known) pairs.emplace_back(msg.asked, msg.id);
  return pairs;
}

void register_bench(py::module_& module) {
  using sim::Bench;
  using Failed = std::tuple<core::Xid, std::optional<core::Duration>, bool>;
  py::class_<Bench>(module, "Bench")
      .def(py::init<core::Limits>(), py::arg("limits"))
      .def("submit", &submit, py::arg("ids"), py::arg("queue"), py::arg("delay"),
           py::arg("max_resends"), py::arg("keys"))
      .def("join", &Bench::join, py::arg("batchsize"), py::arg("short"), py::arg("batches"),
           py::arg("queues"))
      .def("lose", &Bench::lose, py::arg("client"))
      .def(
          "report",
          [](Bench& self, const std::vector<core::Xid>& ids, std::optional<core::Xid> batch,
             const std::vector<Failed>& failed, const std::vector<core::Xid>& refused, bool partial,
             bool last) {
            core::Reported report{0, batch, ids, {}, refused, partial, last};
            for (const auto& [id, retry_in, final] : failed) {
              report.failed.push_back({id, "failed", retry_in, final});
            }
            const auto reply = self.report(std::move(report));
            return std::tuple{reply.reported, reply.duplicate, reply.unknown};
          },
          py::arg("ids"), py::arg("batch"), py::arg("failed"), py::arg("refused"),
          py::arg("partial"), py::arg("last"))
      .def("leave", &Bench::leave, py::arg("client"))
      .def("pause", &Bench::pause, py::arg("queue"), py::arg("paused"))
      .def(
          "delete_waiting",
          [](Bench& self, std::optional<std::vector<core::Xid>> ids,
             std::optional<std::string> queue) {
            core::BulkAsked asked{0, core::BulkAsked::What::forget_waiting, std::move(ids)};
            asked.queue = std::move(queue);
            const auto reply = self.bulk(std::move(asked));
            return std::tuple{reply.done, reply.unknown};
          },
          py::arg("ids"), py::arg("queue"))
      .def("advance", &Bench::advance, py::arg("by"))
      .def("restart", &Bench::restart)
      .def("take_grants",
           [](Bench& self) {
             using Attempts = std::vector<std::tuple<core::Xid, int>>;
             std::vector<std::tuple<core::Xid, core::Xid, core::Duration, Attempts>> grants;
             for (const auto& batch : self.take_grants()) {
               Attempts attempts;
               for (const core::QueuedMsg& msg : batch->msgs) {
                 attempts.emplace_back(msg.msg.id, msg.attempt());
               }
               grants.emplace_back(batch->client, batch->id, batch->granted_at - Bench::kStart,
                                   std::move(attempts));
             }
             return grants;
           })
      .def("take_closed", &Bench::take_closed)
      .def(
          "due",
          [](const Bench& self, const core::Xid& id) {
            const auto due_at = self.due_at(id);
            return due_at ? std::optional{*due_at - Bench::kStart} : std::nullopt;
          },
          py::arg("id"))
      .def("where", &Bench::where, py::arg("id"));
}

}  // namespace

void register_sim(py::module_& module) {
  register_outcome(module);
  register_bench(module);
}

}  // namespace pena::bind
