// What a report is written as: a value of the table `report`, or one of many in a change set, where the reports
// of one batch at one time say once what they share. Errors: StoreError.
#pragma once

#include <cstdint>

#include "core/msg.hpp"
#include "core/report_fields.hpp"
#include "store/record_bytes.hpp"

namespace pena::store {

// What the reports of one report share.
struct SharedOfReports {
  core::Xid batch;
  core::Xid client;
  core::Instant granted_at;
  core::Instant reported_at;
  core::SharedText client_name;

  [[nodiscard]] bool is_of(const core::ReportFields& report) const {
    return batch == report.batch && reported_at == report.reported_at &&
           granted_at == report.granted_at && client == report.client &&
           client_name == report.client_name;
  }
  friend bool operator==(const SharedOfReports&, const SharedOfReports&) = default;
};
[[nodiscard]] SharedOfReports shared_of(const core::ReportFields& report);

// Alone, as version 3 has it.
void write_report(const core::ReportFields& report, std::uint64_t order, Writer& writer);
// Of any version. `record` has its id.
void read_report(core::ReportRecord& record, Reader& reader);

// All but the batch's id.
void write_shared(const SharedOfReports& shared, Writer& writer);
[[nodiscard]] SharedOfReports read_shared(const core::Xid& batch, Reader& reader);
// The rest. `before`, `accepted_before`: the id and the date of what is written before it.
void write_one_of(const core::ReportFields& report, const core::Xid& before,
                  core::Instant accepted_before, Writer& writer);
[[nodiscard]] core::ReportRecord read_one_of(const SharedOfReports& shared, const core::Xid& before,
                                             core::Instant accepted_before, Reader& reader);

}  // namespace pena::store
