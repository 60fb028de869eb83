#include "wire/report_body.hpp"

#include "wire/json.hpp"

namespace pena::wire {

std::string report_body(const core::Reported& report, core::ReportForm form) {
  std::string out;
  switch (form) {
    case core::ReportForm::whole:
      return report_json(report);
    case core::ReportForm::object:
      return ids_json(report.ids);
    case core::ReportForm::array:
      out = "[";
      for (const core::Xid& id : report.ids) {
        if (out.size() > 1) out += ',';
        append_quoted(out, id);
      }
      return out + "]";
    case core::ReportForm::single:
      break;
  }
  append_quoted(out, report.ids.at(0));
  return out;
}

}  // namespace pena::wire
