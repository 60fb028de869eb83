// Chunks of HTTP/1.1 (RFC 9112, 7.1), as they are written; chunk_reader.hpp reads them. A body of chunks
// tells its reader whether it has seen the end: a connection that ends before the last chunk was cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::wire {

// What as_chunk() needs in front of the bytes: 8 digits and CRLF.
inline constexpr std::size_t kChunkRoom = 10;
// What it puts behind them, as it ends the line of digits.
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// The chunk of what stands behind the room in `bytes`, put together in place: a view into it.
// There must be a byte, for a chunk without any is the last one, and less than 4 GiB.
[[nodiscard]] std::string_view as_chunk(std::string& bytes);
// The same of bytes in the middle of others: it covers up to kChunkRoom bytes before `begin`, and as many
// as kChunkEnd has from `end` on.
[[nodiscard]] std::string_view as_chunk(std::string& bytes, std::size_t begin, std::size_t end);

}  // namespace pena::wire
