#include "bind/casters.hpp"

#include <datetime.h>

#include <chrono>
#include <string>

namespace pybind11::detail {

bool type_caster<pena::core::Xid>::load(handle source, bool /*convert*/) {
  if (!isinstance<str>(source)) return false;
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(source.ptr(), &size);
  if (text == nullptr) PyErr_Clear();  // half of a surrogate pair
  const auto xid = text == nullptr ? std::nullopt
                                   : pena::core::Xid::parse({text, static_cast<std::size_t>(size)});
  if (!xid) {
    throw value_error(repr(source).cast<std::string>() +
                      " is no xid: expected 20 characters of 0-9 and a-v, the last of them 0 or g");
  }
  value = *xid;
  return true;
}

handle type_caster<pena::core::Xid>::cast(const pena::core::Xid& xid,
                                          return_value_policy /*policy*/, handle /*parent*/) {
  return str(xid.text()).release();
}

handle type_caster<pena::core::Instant>::cast(pena::core::Instant instant,
                                              return_value_policy /*policy*/, handle /*parent*/) {
  if (PyDateTimeAPI == nullptr) PyDateTime_IMPORT;
  const std::chrono::sys_time<pena::core::Duration> utc{instant.time_since_epoch()};
  const auto midnight = std::chrono::floor<std::chrono::days>(utc);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss time{utc - midnight};
  return PyDateTimeAPI->DateTime_FromDateAndTime(
      static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
      static_cast<int>(static_cast<unsigned>(date.day())), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count()), PyDateTime_TimeZone_UTC,
      PyDateTimeAPI->DateTimeType);
}

}  // namespace pybind11::detail
