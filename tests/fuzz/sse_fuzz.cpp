// A stream means the same however its bytes are cut into pieces.
#include <string>
#include <vector>

#include "property.hpp"
#include "wire/sse.hpp"

namespace {

// All that a parser called back for, in order. The first byte of the input chooses the pieces.
std::vector<std::string> parsed(std::string_view bytes, std::size_t piece) {
  std::vector<std::string> seen;
  pena::wire::SseParser parser{4096};
  parser.on_event = [&](const pena::wire::SseEvent& event) {
    seen.push_back("event " + event.type + "|" + event.data + "|" + event.id);
    PENA_PROPERTY(event.id.find('\0') == std::string::npos);
  };
  parser.on_comment = [&](std::string_view comment) {
    seen.push_back("comment " + std::string{comment});
    static_cast<void>(pena::wire::parse_note(comment));
  };
  parser.on_retry = [&](std::uint64_t ms) {
    seen.push_back("retry " + std::to_string(ms));
  };
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    if (!parser.feed(part)) {
      seen.emplace_back("too long");
      break;
    }
    bytes.remove_prefix(part.size());
  }
  return seen;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  const std::string_view bytes = text_of(data + 1, size - 1);
  const auto whole = parsed(bytes, 4096);
  PENA_PROPERTY(parsed(bytes, 1) == whole);
  PENA_PROPERTY(parsed(bytes, 1 + data[0] % 64U) == whole);
  return 0;
}
