#include "bind/casters.hpp"
#include "bind/register.hpp"
#include "core/xid.hpp"

namespace pena::bind {

namespace py = pybind11;

void register_xid(py::module_& module) {
  module.def(
      "xid_parts",
      [](const core::Xid& xid) {
        const auto machine = xid.machine();
        return py::make_tuple(
            xid.seconds(), py::bytes(reinterpret_cast<const char*>(machine.data()), machine.size()),
            xid.process(), xid.counter());
      },
      py::arg("text"));
}

}  // namespace pena::bind
