#include <pybind11/pybind11.h>

#include "bind/register.hpp"
#include "pena_version.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_pena, module, py::multiple_interpreters::not_supported()) {
  using namespace pena::bind;
  module.doc() = "The engines of Pena. Use the package pena; this module is its inside.";
  module.attr("__version__") = pena::kVersion;
  register_errors();
  register_xid(module);
  register_log(module);
  register_store(module);
  register_server(module);
  register_client(module);
  register_worker(module);
  register_sse(module);
  register_sim(module);
  register_cli(module);
}
