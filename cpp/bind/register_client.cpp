#include <string>
#include <tuple>
#include <utility>

#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/log_queue.hpp"
#include "bind/register.hpp"
#include "client/client.hpp"
#include "process/standard_files.hpp"

namespace pena::bind {
namespace {

using client::Client;
using client::ClientSettings;
using client::Panicked;
using ClientHolder = std::unique_ptr<Client, DeleteWithoutGil>;

Panicked panicked_named(const std::string& word) {
  if (word == "report") return Panicked::report;
  if (word == "omit") return Panicked::omit;
  throw client::SettingsError("panicked must be \"report\" or \"omit\", not \"" + word + "\"");
}

std::string panicked_word(Panicked panicked) {
  return panicked == Panicked::report ? "report" : "omit";
}

void register_settings(py::module_& module) {
  py::class_<ClientSettings>(module, "ClientSettings")
      .def(py::init<>())
      .def_readwrite("url", &ClientSettings::url)
      .def_readwrite("batchsize", &ClientSettings::batchsize)
      .def_readwrite("max_running", &ClientSettings::max_running)
      .def_readwrite("seed", &ClientSettings::seed)
      .def_property(
          "panicked",
          [](const ClientSettings& settings) { return panicked_word(settings.panicked); },
          [](ClientSettings& settings, const std::string& word) {
            settings.panicked = panicked_named(word);
          })
      .def_readwrite("panic_above", &ClientSettings::panic_above)
      .def_readwrite("end_above", &ClientSettings::end_above)
      .def_readwrite("backoff_first", &ClientSettings::backoff_first)
      .def_readwrite("backoff_most", &ClientSettings::backoff_most)
      .def_readwrite("max_batches", &ClientSettings::max_batches)
      .def("check", &client::check);
}

ClientHolder start(ClientSettings settings, std::shared_ptr<LogQueue> log) {
  settings.log = log_sink(std::move(log), "pena.client");
  return made_without_gil<Client>([&] {
    process::secure_standard_files();
    return new Client{std::move(settings)};
  });
}

using End = std::tuple<std::string, Text, std::optional<core::Xid>>;

// Why it ended, the sentence for a person, the msg that ended it.
std::optional<End> wait(Client& client, std::optional<std::chrono::milliseconds> timeout) {
  const auto end = wait_in_slices(timeout, [&](auto slice) { return client.wait(slice); });
  if (!end) return std::nullopt;
  return End{std::string{word(end->reason)}, Text{end->text}, end->msg};
}

// The fields of pena.ClientStats by name.
py::dict stats_of(const Client& client) {
  const auto stats = [&] {
    const GilReleased release;
    return client.stats();
  }();
  py::dict dict;
  for (const client::ClientStat& stat : client::all_client_stats()) {
    dict[py::str(stat.name.data(), stat.name.size())] = stats.*stat.field;
  }
  return dict;
}

}  // namespace

void register_client(py::module_& module) {
  register_settings(module);
  py::class_<Client, ClientHolder>(module, "Client")
      .def(py::init(&start), py::arg("settings"), py::arg("log"))
      .def_property_readonly("batchsize", &Client::batchsize)
      .def("running", &Client::running, WithoutGil())
      .def("stop", &Client::stop, WithoutGil())
      .def("wait", &wait, py::arg("timeout"))
      .def("stats", &stats_of);
}

}  // namespace pena::bind
