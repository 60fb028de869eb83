// A server within a program, for as long as its stdin is open: server FOLDER.
#include <pena/server/server.hpp>

#include <iostream>

int main(int argc, char** argv) try {
  pena::server::ServerSettings settings;
  settings.listen = "127.0.0.1:0";
  settings.store = argc > 1 ? argv[1] : "";  // none: in memory
  settings.generator.enabled = false;
  pena::server::Server server(settings);
  std::cout << server.url() << std::endl;
  while (std::cin.get() != std::istream::traits_type::eof()) {
  }
  server.stop();
  std::cout << server.stats().counts.reported << " reported\n";
} catch (const std::exception& error) {
  std::cerr << "server: " << error.what() << '\n';
  return 1;
}
