// How the engines' values cross into Python: an Xid is its text, an Instant is a datetime in UTC,
// and text for people is a str, whatever bytes it has.
#pragma once

#include <pybind11/chrono.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <string_view>

#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pena::bind {

// A new str of what the engines say to people, as PyUnicode_DecodeUTF8 gives it. A path need not be
// UTF-8, nor what a foreign server or a damaged store says: such bytes are shown as \xff.
inline PyObject* decoded(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()),
                              "backslashreplace");
}

// Likewise, where pybind11 makes the str: after a call that has let go of Python's lock.
struct Text {
  std::string bytes;
};

}  // namespace pena::bind

namespace pybind11::detail {

template <>
struct type_caster<pena::bind::Text> {
  PYBIND11_TYPE_CASTER(pena::bind::Text, const_name("str"));

  // Python hands none in.
  bool load(handle /*source*/, bool /*convert*/) { return false; }
  static handle cast(const pena::bind::Text& text, return_value_policy /*policy*/,
                     handle /*parent*/) {
    return pena::bind::decoded(text.bytes);
  }
};

template <>
struct type_caster<pena::core::Xid> {
  PYBIND11_TYPE_CASTER(pena::core::Xid, const_name("str"));

  // Raises ValueError for a text that is no xid.
  bool load(handle source, bool convert);
  static handle cast(const pena::core::Xid& xid, return_value_policy policy, handle parent);
};

template <>
struct type_caster<pena::core::Instant> {
  PYBIND11_TYPE_CASTER(pena::core::Instant, const_name("datetime.datetime"));

  // Python hands no instants in.
  bool load(handle /*source*/, bool /*convert*/) { return false; }
  static handle cast(pena::core::Instant instant, return_value_policy policy, handle parent);
};

}  // namespace pybind11::detail
