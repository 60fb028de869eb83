// C++ exceptions become the Python exceptions of pena/errors.py, with their message.
#include <pybind11/pybind11.h>

#include <exception>
#include <stdexcept>

#include "bind/casters.hpp"
#include "bind/register.hpp"
#include "client/client.hpp"
#include "server/server.hpp"
#include "store/store.hpp"

namespace pena::bind {
namespace {

namespace py = pybind11;

// Where no str can be made, Python has set the error that says so.
void raise(py::handle type, const std::exception& error) {
  if (const auto text = py::reinterpret_steal<py::object>(decoded(error.what()))) {
    PyErr_SetObject(type.ptr(), text.ptr());
  }
}

void raise(const char* name, const std::exception& error) {
  raise(py::module_::import("pena.errors").attr(name), error);
}

// The first clause that fits decides, so the narrower type comes first. What none takes goes on to
// pybind11's own translation.
void translate(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const server::SettingsError& error) {
    raise("SettingsError", error);
  } catch (const client::SettingsError& error) {
    raise("SettingsError", error);
  } catch (const server::ListenError& error) {
    raise("ListenError", error);
  } catch (const store::StoreInUse& error) {
    raise("StoreInUseError", error);
  } catch (const store::StoreError& error) {
    raise("StoreError", error);
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::runtime_error& error) {  // it may name a path
    raise(PyExc_RuntimeError, error);
  }
}

}  // namespace

void register_errors() {
  pybind11::register_local_exception_translator(&translate);
}

}  // namespace pena::bind
