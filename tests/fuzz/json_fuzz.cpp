// JSON text: what Pena's reader takes is what another reader takes, and its compact form has the same value.
#include "property.hpp"
#include "support/json_reference.hpp"
#include "wire/json_cursor.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Numbers that long are refused here and taken there.
  constexpr std::size_t kMost = pena::wire::kLongestNumber;
  if (size > kMost) return 0;
  const std::string_view text = text_of(data, size);
  pena::wire::JsonCursor cursor(text);
  const auto value = cursor.value(static_cast<int>(kMost));
  const bool taken = value && cursor.end();
  PENA_PROPERTY(taken != cursor.wrong().has_value());
  const auto elsewhere = pena::test::is_json_elsewhere(text);
  if (!elsewhere) return 0;
  PENA_PROPERTY(taken == *elsewhere);
  if (!taken) return 0;
  const std::string compact = pena::wire::JsonCursor::compact(*value);
  for (const char* line : {"\n", "\r", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9"}) {
    PENA_PROPERTY(compact.find(line) == std::string::npos);
  }
  PENA_PROPERTY(nlohmann::json::parse(compact) == nlohmann::json::parse(text));
  return 0;
}
