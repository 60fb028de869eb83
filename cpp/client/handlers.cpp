#include "client/handlers.hpp"

#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "wire/json.hpp"
#include "wire/names.hpp"

namespace pena::client {
namespace {

using Handler = std::function<Outcome(const Msg&)>;

Outcome outcome_of(const Handler& handler, const Work& work) {
  try {
    return handler(msg_of(work));
  } catch (const std::exception& error) {
    return Failed{error.what()};
  } catch (...) {
    return Failed{"the handler threw what is no std::exception"};
  }
}

void work_on_all(Worker& worker, const Handler& handler) {
  while (const auto work = worker.take()) {
    Outcome outcome = outcome_of(handler, *work);
    if (auto* const done = std::get_if<Done>(&outcome)) {
      try {
        worker.done(work->run, std::move(done->result));
      } catch (const std::invalid_argument& error) {
        worker.failed(work->run, error.what(), std::nullopt, true);
      }
    } else if (auto* const failed = std::get_if<Failed>(&outcome)) {
      worker.failed(work->run, std::move(failed->error), failed->retry_in, failed->final);
    } else {
      worker.give_back(work->run);
    }
  }
}

}  // namespace

Msg msg_of(const Work& work) {
  Msg msg;
  msg.id = work.msg;
  msg.run = work.run;
  // It came as a msg, so it can be read as one.
  if (auto read = wire::parse_msg_json(work.data)) {
    msg.payload = std::move(read->payload);
    msg.queue = std::string{wire::full_queue_name(read->queue)};
    msg.key = std::move(read->key);
    msg.attempt = read->attempt;
    msg.last_attempt = read->last_attempt;
  }
  return msg;
}

WorkerEnd work_with(Worker& worker, const Handler& handler, unsigned threads) {
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < threads) {
      others.emplace_back([&] { work_on_all(worker, handler); });
    }
  } catch (const std::system_error&) {
    // No more threads can be had: the others do the work.
  }
  work_on_all(worker, handler);
  others.clear();
  return *worker.wait();
}

}  // namespace pena::client
