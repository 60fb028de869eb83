// One concept each; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace pena::bind {

void register_errors();
void register_xid(pybind11::module_& module);
void register_log(pybind11::module_& module);
void register_store(pybind11::module_& module);
void register_server(pybind11::module_& module);
void register_client(pybind11::module_& module);
void register_worker(pybind11::module_& module);
void register_sse(pybind11::module_& module);
void register_sim(pybind11::module_& module);
void register_cli(pybind11::module_& module);

}  // namespace pena::bind
