#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/commands.hpp"
#include "cli/json_lines.hpp"
#include "cli/line_reader.hpp"
#include "cli/live_line.hpp"
#include "cli/logging.hpp"
#include "cli/output.hpp"
#include "cli/run.hpp"
#include "cli/stop_signals.hpp"
#include "client/payload.hpp"
#include "core/number_text.hpp"

namespace pena::cli {
namespace {

using namespace std::chrono_literals;

// A server takes a body of 8 MiB unless it is told otherwise.
constexpr std::size_t kLongestLine = std::size_t{64} << 20U;

// What the payloads stand in, closed at the end.
class Input {
 public:
  explicit Input(const std::string& name) : name_(name) {
    if (name == "-") return;
    file_ = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ < 0) throw std::runtime_error(problem("open", std::strerror(errno)));
  }
  ~Input() {
    if (name_ != "-") ::close(file_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  [[nodiscard]] int file() const { return file_; }
  // The sentence where it cannot be opened or read.
  [[nodiscard]] std::string problem(const std::string& verb, const std::string& why) const {
    return "cannot " + verb + " " + (name_ == "-" ? "stdin" : "the file " + name_) + ": " + why +
           "; expected a file of JSON lines, - for stdin, or --payload JSON";
  }

 private:
  std::string name_;
  int file_ = STDIN_FILENO;
};

// Cuts what comes into requests, and says what became of them.
class Putting {
 public:
  Putting(const PutCommand& command, const StopSignals& signals)
      : command_(command),
        signals_(signals),
        producer_(settings_of(command)),
        live_(command.output.json || isatty(STDERR_FILENO) == 0 || isatty(STDOUT_FILENO) == 1) {}

  // `place`: "line 3".
  void add(const std::string& payload, std::string place) {
    client::NewMsg msg;
    msg.payload = payload;
    if (const std::string problem = client::json_problem(payload); !problem.empty()) {
      refuse(place, problem);
    }
    if (!command_.key_field.empty()) msg.key = key_of(payload, place);
    if (command_.delay) {
      msg.delay = std::chrono::duration_cast<std::chrono::milliseconds>(*command_.delay);
    }
    msg.max_resends = command_.max_resends;
    const client::RequestSize& most = command_.settings.request;
    const std::size_t size = size_of(msg);
    if (bytes_ + size > most.bytes || msgs_.size() >= most.msgs) send();
    bytes_ += size;
    msgs_.push_back(std::move(msg));
    places_.push_back(std::move(place));
  }

  // Passed over where there is nothing in it.
  void add_line(const std::string& line, std::string place) {
    if (!command_.text) {
      const bool is_blank = line.find_first_not_of(" \t") == std::string::npos;
      if (!is_blank) add(line, std::move(place));
    } else if (!line.empty()) {
      const auto payload = json_text(line);
      if (!payload) refuse(place, "is no UTF-8; expected text");
      add(*payload, std::move(place));
    }
  }

  [[nodiscard]] bool has_any() const { return !msgs_.empty(); }

  // What was added. Whoever reads behind a pipe sees the ids at once.
  void send() {
    if (msgs_.empty()) return;
    try {
      print(producer_.submit(std::exchange(msgs_, {}), [this] { return !signals_.arrived(); }));
    } catch (const client::SubmitError& error) {
      fail(error);
    }
    places_.clear();
    bytes_ = 0;
    live_.show([this] { return core::msgs_text(accepted_) + " accepted"; });
  }

  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }

  // What was added and not sent is not accepted.
  [[noreturn]] void give_up(const std::string& why) const {
    throw std::runtime_error(why + "; accepted before it: " + core::msgs_text(accepted_));
  }

 private:
  static client::ProducerSettings settings_of(const PutCommand& command) {
    client::ProducerSettings settings = command.settings;
    settings.patience = std::chrono::duration_cast<std::chrono::milliseconds>(command.patience);
    settings.log = log_to_stderr(command.output);
    return settings;
  }

  [[noreturn]] void refuse(const std::string& place, const std::string& what) const {
    give_up(place + " " + what);
  }

  [[nodiscard]] std::string key_of(const std::string& payload, const std::string& place) const {
    const std::string& field = command_.key_field;
    auto key = client::payload_field(payload, field);
    if (!key || key->empty()) {
      refuse(place, "has no field " + field + " for --key; expected text or a number");
    }
    if (!client::is_name_field(payload, field)) {
      refuse(place, "has neither text nor a number in its field " + field + " for --key");
    }
    return *std::move(key);
  }

  void print(const std::vector<client::AcceptedMsg>& submitted) {
    std::string lines;
    for (std::size_t i = 0; i < submitted.size(); ++i) {
      lines += command_.output.json ? json_put(submitted[i].id, places_[i], submitted[i].known)
                                    : submitted[i].id.text();
      lines += '\n';
    }
    accepted_ += submitted.size();
    if (lines.empty() || command_.quiet) return;
    print_text(lines);
    try {
      flush_stdout();
    } catch (const OutputError& error) {
      give_up(error.what());
    }
  }

  [[noreturn]] void fail(const client::SubmitError& error) {
    print(error.submitted);  // whoever does not read them hears of that alone
    std::string what = error.what();
    // The producer knows the msg by its place in the request.
    const std::string of_request = "the msg at place " + std::to_string(error.place) + " ";
    if (what.starts_with(of_request)) what.erase(0, of_request.size());
    std::string unsure;
    if (error.unsure > 0) {
      unsure = "; it and what follows it may be accepted: " + core::msgs_text(error.unsure);
    }
    const bool was_stopped = error.why == client::SubmitError::Why::stopped;
    give_up((was_stopped ? "stopped by a signal, and " : "") + places_[error.place] + " " + what +
            unsure);
  }

  const PutCommand& command_;
  const StopSignals& signals_;
  client::Producer producer_;
  LiveLine live_;
  std::vector<client::NewMsg> msgs_;
  std::vector<std::string> places_;  // of each of them
  std::size_t bytes_ = 0;
  std::uint64_t accepted_ = 0;
};

// False where a signal came first.
bool put_lines(const std::string& name, Putting& putting, const StopSignals& signals) {
  const Input input{name};
  LineReader lines{input.file(), kLongestLine};
  std::string line;
  const auto next = [&] {
    try {
      // What is there goes out, and does not wait for what may come.
      return lines.next(line, putting.has_any() ? 0ms : kLook);
    } catch (const std::system_error& error) {
      putting.give_up(input.problem("read", error.code().message()));
    } catch (const std::runtime_error& error) {
      putting.give_up(error.what());
    }
  };
  while (!signals.arrived()) {
    const auto came = next();
    if (came == LineReader::Came::line) {
      putting.add_line(line, "line " + std::to_string(lines.number()));
      continue;
    }
    putting.send();
    if (came == LineReader::Came::end) return true;
  }
  return false;
}

bool put_payloads(const std::vector<std::string>& payloads, Putting& putting) {
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    putting.add(payloads[i], "payload " + std::to_string(i + 1));
  }
  putting.send();
  return true;
}

}  // namespace

int run_put(const PutCommand& command) {
  if (command.payloads.empty() && command.file.empty() && isatty(STDIN_FILENO) == 1) {
    throw std::invalid_argument(
        "there is nothing to submit; expected a FILE of JSON lines, - for what is typed, or "
        "--payload JSON");
  }
  const StopSignals signals;
  Putting putting{command, signals};
  const bool is_done = command.payloads.empty()
                           ? put_lines(command.file.empty() ? "-" : command.file, putting, signals)
                           : put_payloads(command.payloads, putting);
  if (is_done) return kOk;
  print_error(command.output.json,
              "stopped by a signal; accepted before it: " + core::msgs_text(putting.accepted()));
  return kFailed;
}

}  // namespace pena::cli
