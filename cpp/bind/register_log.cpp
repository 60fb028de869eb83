#include <tuple>

#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/log_queue.hpp"
#include "bind/register.hpp"

namespace pena::bind {
namespace {

using Line = std::tuple<std::string, int, Text>;

std::vector<Line> take(LogQueue& queue) {
  std::vector<Line> lines;
  for (auto& line : queue.take()) {
    lines.emplace_back(std::move(line.logger), line.level, Text{std::move(line.text)});
  }
  return lines;
}

}  // namespace

void register_log(py::module_& module) {
  py::class_<LogQueue, std::shared_ptr<LogQueue>>(module, "LogQueue")
      .def(py::init([] { return std::shared_ptr<LogQueue>(new LogQueue, DeleteInItsProcess{}); }))
      .def("set_threshold", &LogQueue::set_threshold, py::arg("threshold"))
      .def("take", &take, WithoutGil())
      .def("flush", &LogQueue::flush, py::arg("timeout"), WithoutGil())
      .def("close", &LogQueue::close, WithoutGil());
}

}  // namespace pena::bind
