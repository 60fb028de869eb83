#include <nlohmann/json.hpp>
#include <string>

#include "cli/commands.hpp"
#include "cli/live_line.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "core/number_text.hpp"
#include "load/load.hpp"

namespace pena::cli {
namespace {

using Phase = load::LoadProgress::Phase;

std::string_view word(load::Work work) {
  switch (work) {
    case load::Work::generated:
      return "generated";
    case load::Work::submitted:
      return "submitted";
    case load::Work::idle:
      return "idle";
  }
  return "";
}

// 1234567 → 1,234,567
std::string grouped(double number) {
  std::string digits = core::fixed_text(number, 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string told(const load::LoadProgress& progress) {
  const auto done = static_cast<double>(progress.done);
  switch (progress.phase) {
    case Phase::connecting:
      return grouped(done) + " workers connected";
    case Phase::filling:
      return grouped(done) + " msgs submitted";
    case Phase::warmup:
      return "warming up";
    case Phase::measuring:
      break;
  }
  const double rate = progress.seconds > 0 ? done / progress.seconds : 0;
  return core::fixed_text(progress.seconds, 0) + " s, " + grouped(rate) + " msgs/s";
}

std::string told(const std::string& what, const load::Spread& spread) {
  const auto ms = [](double value) {
    return core::fixed_text(value, 2) + " ms";
  };
  return what + ": p50 " + ms(spread.p50_ms) + ", p90 " + ms(spread.p90_ms) + ", p99 " +
         ms(spread.p99_ms) + ", longest " + ms(spread.max_ms) + " (" +
         std::to_string(spread.samples) + ")";
}

std::string told(const BenchCommand& bench, const load::LoadResult& result) {
  const load::LoadSettings& settings = bench.settings;
  std::string text = "bench: " + std::to_string(settings.workers) + " workers, ";
  if (settings.work == load::Work::idle) {
    text += "idle: " + grouped(static_cast<double>(result.heartbeats)) + " heartbeats in " +
            core::fixed_text(result.seconds, 1) + " s";
  } else {
    text += "batchsize " + std::to_string(settings.batchsize) + ", " +
            std::string{word(settings.work)} + ": " + grouped(result.msgs_per_s()) +
            " msgs/s reported in " + core::fixed_text(result.seconds, 1) + " s" + " (" +
            grouped(static_cast<double>(result.batches) / result.seconds) + " batches/s)";
    if (settings.rate) text += "; submitted by the clock, " + grouped(*settings.rate) + " a second";
    text += "\n  " + told("POST to answer", result.answers);
    if (result.waits) text += "\n  " + told("due to delivered", *result.waits);
    if (result.repeated > 0) {
      text += "\n  " + grouped(static_cast<double>(result.repeated)) + " msgs were sent again";
    }
  }
  text += "\n  the load generator used " + core::fixed_text(result.load_share * 100, 0) +
          " % of one core";
  if (result.load_share > 0.9) text += ": it is the limit, not the server";
  return text;
}

nlohmann::ordered_json json_spread(const load::Spread& spread) {
  return {{"samples", spread.samples},
          {"p50_ms", spread.p50_ms},
          {"p90_ms", spread.p90_ms},
          {"p99_ms", spread.p99_ms},
          {"max_ms", spread.max_ms}};
}

std::string json_bench(const BenchCommand& bench, const load::LoadResult& result) {
  const load::LoadSettings& settings = bench.settings;
  nlohmann::ordered_json json{{"work", word(settings.work)},
                              {"workers", settings.workers},
                              {"batchsize", settings.batchsize},
                              {"rate", nullptr},
                              {"backlog", settings.backlog},
                              {"seconds", result.seconds},
                              {"msgs", result.msgs},
                              {"msgs_per_s", result.msgs_per_s()},
                              {"batches", result.batches},
                              {"repeated", result.repeated},
                              {"heartbeats", result.heartbeats},
                              {"answers", json_spread(result.answers)},
                              {"waits", nullptr},
                              {"load_share", result.load_share}};
  if (settings.rate) json["rate"] = *settings.rate;
  if (result.waits) json["waits"] = json_spread(*result.waits);
  return json.dump();
}

}  // namespace

int run_bench(const BenchCommand& command) {
  const StopSignals signals;
  load::LoadResult result;
  {
    LiveLine line{command.output.json};
    result = load::run(command.settings, [&](const load::LoadProgress& progress) {
      line.show([&] { return told(progress); });
      return !signals.arrived();
    });
  }
  print_line(command.output.json ? json_bench(command, result) : told(command, result));
  return kOk;
}

}  // namespace pena::cli
