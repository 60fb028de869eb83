#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/log_queue.hpp"
#include "bind/register.hpp"
#include "client/worker.hpp"
#include "process/standard_files.hpp"

namespace pena::bind {
namespace {

using client::Worker;
using client::WorkerSettings;
using Timeout = std::optional<std::chrono::milliseconds>;
using WorkerHolder = std::unique_ptr<Worker, DeleteWithoutGil>;

void register_settings(py::module_& module) {
  py::class_<WorkerSettings>(module, "WorkerSettings")
      .def(py::init<>())
      .def_readwrite("url", &WorkerSettings::url)
      .def_readwrite("queues", &WorkerSettings::queues)
      .def_readwrite("name", &WorkerSettings::name)
      .def_readwrite("slots", &WorkerSettings::slots)
      .def_readwrite("max_payload", &WorkerSettings::max_payload)
      .def_readwrite("generated", &WorkerSettings::generated)
      .def_readwrite("timeout", &WorkerSettings::timeout)
      .def_readwrite("max_msgs", &WorkerSettings::max_msgs)
      .def_readwrite("until_empty", &WorkerSettings::until_empty)
      .def_readwrite("seed", &WorkerSettings::seed)
      .def_readwrite("backoff_first", &WorkerSettings::backoff_first)
      .def_readwrite("backoff_most", &WorkerSettings::backoff_most)
      .def_readwrite("stop_patience", &WorkerSettings::stop_patience)
      .def("check", [](const WorkerSettings& settings) { client::check(settings); });
}

WorkerHolder start(WorkerSettings settings, std::shared_ptr<LogQueue> log) {
  settings.log = log_sink(std::move(log), "pena.worker");
  return made_without_gil<Worker>([&] {
    process::secure_standard_files();
    return new Worker{std::move(settings)};
  });
}

// The run, and the event's data as bytes.
using Taken = std::tuple<std::uint64_t, py::bytes>;

std::optional<Taken> taken(std::optional<client::Work>&& work) {
  if (!work) return std::nullopt;
  return Taken{work->run, py::bytes{work->data}};
}

// `for_signals`: it wakes up now and then, for the thread that handles Python's signals.
std::optional<Taken> take(Worker& worker, Timeout timeout, bool for_signals) {
  if (for_signals) {
    // That it has ended counts as something, or the wait would never be over.
    struct Next {
      std::optional<client::Work> work;
      bool over = false;
      explicit operator bool() const { return work || over; }
    };
    return taken(wait_in_slices(timeout, [&](auto slice) {
                   Next next{worker.take(slice)};
                   next.over = !next.work && !worker.running();
                   return next;
                 }).work);
  }
  return taken([&] {
    const GilReleased release;
    return worker.take(timeout);
  }());
}

std::string word_of(client::CancelReason reason) {
  switch (reason) {
    case client::CancelReason::lost:
      return "lost";
    case client::CancelReason::timed_out:
      return "timed_out";
    case client::CancelReason::given_back:
      break;
  }
  return "given_back";
}

std::optional<std::string> cancelled(const Worker& worker, std::uint64_t run) {
  const auto reason = worker.cancelled(run);
  return reason ? std::optional{word_of(*reason)} : std::nullopt;
}

using News = std::vector<std::pair<std::uint64_t, std::optional<std::string>>>;

News take_cancelled(Worker& worker, Timeout timeout) {
  const auto told = [&] {
    const GilReleased release;
    return worker.take_cancelled(timeout);
  }();
  News news;
  for (const client::Cancelled& one : told) {
    news.emplace_back(one.run, one.reason ? std::optional{word_of(*one.reason)} : std::nullopt);
  }
  return news;
}

// Why it ended, and the sentence for a person.
std::optional<std::tuple<std::string, Text>> wait(Worker& worker, Timeout timeout) {
  const auto end = wait_in_slices(timeout, [&](auto slice) { return worker.wait(slice); });
  if (!end) return std::nullopt;
  return std::tuple{std::string{word(end->reason)}, Text{end->text}};
}

// The fields of pena.WorkerStats by name.
py::dict stats_of(const Worker& worker) {
  const auto stats = [&] {
    const GilReleased release;
    return worker.stats();
  }();
  py::dict dict;
  for (const client::WorkerStat& stat : client::all_worker_stats()) {
    dict[py::str(stat.name.data(), stat.name.size())] = stats.*stat.field;
  }
  return dict;
}

}  // namespace

void register_worker(py::module_& module) {
  register_settings(module);
  py::class_<Worker, WorkerHolder>(module, "Worker")
      .def(py::init(&start), py::arg("settings"), py::arg("log"))
      .def("take", &take, py::arg("timeout"), py::arg("for_signals") = false)
      .def("done", &Worker::done, py::arg("run"), py::arg("result") = "", WithoutGil())
      .def("failed", &Worker::failed, py::arg("run"), py::arg("error"),
           py::arg("retry_in") = std::nullopt, py::arg("final") = false, WithoutGil())
      .def("give_back", &Worker::give_back, py::arg("run"), WithoutGil())
      .def("cancelled", &cancelled, py::arg("run"))
      .def("take_cancelled", &take_cancelled, py::arg("timeout"))
      .def("ready_descriptor", &Worker::ready_descriptor)
      .def("running", &Worker::running, WithoutGil())
      .def("stop", &Worker::stop, WithoutGil())
      .def("wait", &wait, py::arg("timeout"))
      .def("stats", &stats_of);
}

}  // namespace pena::bind
