// The buckets of a store, and how much of them is read at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/msg.hpp"
#include "core/xid.hpp"

namespace pena::store {

enum class Bucket { queue, later, batch, report, fail };
[[nodiscard]] std::string_view word(Bucket bucket);

// What there is of a msg of queue, later, report or fail.
using AnyRecord = std::variant<core::WaitingMsg, core::ReportRecord, core::FailRecord>;

// A queue as the store has it: who it is, and how many msgs it has where. Held msgs are not among them. Of the
// two queues whose name is `default` the first has the reports of both.
struct QueueInfo {
  core::QueueNumber number = core::kDefaultQueue;
  std::string name;  // empty for the two queues whose name is `default`
  bool paused = false;
  std::uint64_t queued = 0, later = 0, reported = 0, failed = 0;
  friend bool operator==(const QueueInfo&, const QueueInfo&) = default;
};

// The numbers of the bucket `meta` that change sets put, by their names. Whoever copies a store copies all
// of them.
inline constexpr const char* kGenerated = "generated";  // how many msgs the generator made
// The second that the ids that may have left had got to. Durable with the first of each second.
inline constexpr const char* kIdSecond = "id_second";
inline constexpr const char* kGeneratingEnded =
    "generating_ended";  // for good, by what was submitted
inline constexpr std::array kMetas{kGenerated, kIdSecond, kGeneratingEnded};

// Of a msg in the bucket `later`.
struct LaterPlace {
  core::Instant due_at;
  core::Xid id;
};

// A change set puts what is in the bucket already, or drops what is not. Both throw StoreError.
[[noreturn]] void refuse_put(Bucket bucket, const core::Xid& id);
[[noreturn]] void refuse_drop(Bucket bucket, const core::Xid& id);
[[noreturn]] void refuse_key_put(core::QueueNumber queue, const std::string& key);
[[noreturn]] void refuse_key_drop(core::QueueNumber queue, const std::string& key);

// How many msgs are in each bucket; for `batch` the msgs in the batches, not the batches.
struct BucketCounts {
  std::uint64_t queue = 0, later = 0, batch = 0, report = 0, fail = 0;
  friend bool operator==(const BucketCounts&, const BucketCounts&) = default;
};

template <class Record>
struct Page {
  std::vector<Record> records;  // in the order of their ids, where no other is said: oldest first
  bool more = false;
  // Of what is in the order of settling: the lowest place that is still kept, or the next one that is given
  // out. What was behind an earlier place is gone.
  std::uint64_t first = 1;
};

// How much a page holds at most. It ends with the record that takes it to `bytes`, about as large as it
// is stored: one record is always there, if there is one.
struct Most {
  std::size_t records;
  std::size_t bytes;
  Most(std::size_t most_records, std::size_t most_bytes = SIZE_MAX)  // NOLINT: a number will do
      : records(most_records), bytes(most_bytes) {}
};

}  // namespace pena::store
