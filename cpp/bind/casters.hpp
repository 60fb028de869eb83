// How core's values cross into Python: an Xid is its text, an Instant is a datetime in UTC.
#pragma once

#include <pybind11/chrono.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pybind11::detail {

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
