#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "store/check.hpp"

namespace pena::cli {
namespace {

std::string json_check(const store::CheckReport& report) {
  nlohmann::ordered_json problems = nlohmann::ordered_json::array();
  for (const store::CheckProblem& problem : report.problems) {
    problems.push_back({{"bucket", problem.bucket}, {"id", problem.id}, {"what", problem.what}});
  }
  return nlohmann::ordered_json{{"sound", report.problems.empty()},
                                {"queue", report.msgs.queue},
                                {"later", report.msgs.later},
                                {"batch", report.msgs.batch},
                                {"batches", report.batches},
                                {"report", report.msgs.report},
                                {"fail", report.msgs.fail},
                                {"log", report.logged},
                                {"problems", problems}}
      .dump();
}

}  // namespace

int run_check(const CheckCommand& command) {
  const store::CheckReport report = store::check_lmdb_store(command.store);
  if (command.output.json) {
    print_line(json_check(report));
    return report.problems.empty() ? kOk : kFailed;
  }
  for (const store::CheckProblem& problem : report.problems) {
    print_line(problem.bucket + " " + problem.id + ": " + problem.what);
  }
  print_line(
      "check: " + std::to_string(report.msgs.queue) + " in queue, " +
      std::to_string(report.msgs.later) + " in later, " + std::to_string(report.msgs.batch) +
      " in " + std::to_string(report.batches) + " batches, " + std::to_string(report.msgs.report) +
      " in report, " + std::to_string(report.msgs.fail) + " in fail" +
      (report.logged == 0
           ? ""
           : " (with the log, " + std::to_string(report.logged) + " ahead of the store)") +
      ": " +
      (report.problems.empty() ? "sound" : std::to_string(report.problems.size()) + " problems"));
  return report.problems.empty() ? kOk : kFailed;
}

}  // namespace pena::cli
