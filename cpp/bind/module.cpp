#include "bind/register.hpp"
#include "pena_version.hpp"

PYBIND11_MODULE(_pena, module) {
  using namespace pena::bind;
  module.doc() = "The engines of Pena. Use the package pena; this module is its inside.";
  module.attr("__version__") = pena::kVersion;
  register_errors();
  register_xid(module);
  register_log(module);
  register_store(module);
  register_server(module);
  register_client(module);
  register_sse(module);
  register_sim(module);
  register_cli(module);
}
