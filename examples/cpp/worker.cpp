// Squares numbers, four at once, until there is none left: worker URL.
#include <pena/client/handlers.hpp>
#include <pena/client/payload.hpp>

#include <iostream>
#include <string>

using namespace pena::client;

// What it throws is the error of the msg, which is tried again.
Outcome squared(const Msg& msg) {
  const auto number = payload_field(msg.payload, "n");
  if (!number) return Failed{.error = "the payload has no \"n\"", .final = true};
  return Done{.result = std::to_string(std::stoll(*number) * std::stoll(*number))};
}

int main(int argc, char** argv) try {
  constexpr unsigned kSlots = 4;
  Worker worker({.url = argc > 1 ? argv[1] : "http://127.0.0.1:8080",
                 .queues = {"squares"},
                 .slots = kSlots,
                 .until_empty = true});
  std::cout << work_with(worker, squared, kSlots).text << '\n';
} catch (const std::exception& error) {
  std::cerr << "worker: " << error.what() << '\n';
  return 1;
}
