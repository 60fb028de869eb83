// An id has one text: what is read writes itself again, and nothing else is read.
#include <algorithm>

#include "core/xid.hpp"
#include "property.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto id = pena::core::Xid::parse(text)) {
    PENA_PROPERTY(id->text() == text);
    PENA_PROPERTY(pena::core::Xid::parse(id->text()) == *id);
  }
  if (size >= pena::core::Xid::kBytes) {
    pena::core::Xid::Bytes bytes{};
    std::copy_n(data, bytes.size(), bytes.begin());
    const pena::core::Xid id{bytes};
    PENA_PROPERTY(pena::core::Xid::parse(id.text()) == id);
  }
  return 0;
}
