// Submits the numbers that it is given: producer URL 7 8 9. A number is there once, however often it is submitted.
#include <pena/client/producer.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) try {
  pena::client::Producer producer(
      {.url = argc > 1 ? argv[1] : "http://127.0.0.1:8080", .queue = "squares"});
  for (int i = 2; i < argc; ++i) {
    const std::string number = argv[i];
    const auto msg = producer.submit({.payload = R"({"n":)" + number + "}", .key = number});
    std::cout << msg.id.text() << (msg.known ? " is known\n" : "\n");
  }
} catch (const std::exception& error) {
  std::cerr << "producer: " << error.what() << '\n';
  return 1;
}
