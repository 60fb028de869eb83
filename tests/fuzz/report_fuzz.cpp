// The body of POST /report: what is taken says the same when it is written and read again.
#include <algorithm>

#include "property.hpp"
#include "wire/json.hpp"

namespace {

bool same(const pena::core::Reported& a, const pena::core::Reported& b) {
  const auto failed = [](const auto& x, const auto& y) {
    return x.id == y.id && x.error == y.error && x.retry_in == y.retry_in && x.final == y.final;
  };
  const auto result = [](const auto& x, const auto& y) {
    return x.id == y.id && x.json == y.json;
  };
  return a.batch == b.batch && a.client == b.client && a.last == b.last && a.ids == b.ids &&
         a.refused == b.refused && a.partial == b.partial &&
         std::equal(a.failed.begin(), a.failed.end(), b.failed.begin(), b.failed.end(), failed) &&
         std::equal(a.results.begin(), a.results.end(), b.results.begin(), b.results.end(), result);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pena::core::Limits limits;
  limits.report_ids = 50;
  const auto report = pena::wire::parse_report(text_of(data, size), limits);
  if (!report) {
    PENA_PROPERTY(report.refusal().status == 400 || report.refusal().status == 413);
    PENA_PROPERTY(!report.refusal().sentence.empty());
    // The sentence goes into a JSON body, whatever bytes it quotes.
    const std::string body = pena::wire::error_json(report.refusal().sentence);
    PENA_PROPERTY(pena::wire::parse_error(body).has_value());
    return 0;
  }
  PENA_PROPERTY(report->results.size() <= report->ids.size());
  PENA_PROPERTY(!report->client || (report->last && !report->batch && report->ids.empty()));
  PENA_PROPERTY(report->ids.size() + report->failed.size() + report->refused.size() <= 50);
  const auto again = pena::wire::parse_report(pena::wire::report_json(*report), limits);
  PENA_PROPERTY(again && same(*report, *again));
  return 0;
}
