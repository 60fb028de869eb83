// A report as the client sends it, in the form that its server takes.
#pragma once

#include <string>

#include "core/report_outbox.hpp"

namespace pena::wire {

// {"ids":[…][,"batch":…][,"failed":[…]][,"refused":[…]]}, {"ids":[…]}, […] or "…"; the last takes
// the first id.
[[nodiscard]] std::string report_body(const core::Reported& report, core::ReportForm form);

}  // namespace pena::wire
