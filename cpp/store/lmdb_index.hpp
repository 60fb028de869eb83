// The reads that the way through needs of an LMDB environment. Those that people read, too, are here
// and nowhere else: a view asks them here (lmdb_view.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/msg.hpp"
#include "store/index.hpp"
#include "store/lmdb_env.hpp"
#include "store/records.hpp"

namespace pena::store {

// As store::Index has them: each call is one short read transaction of what is committed. Any thread.
// Errors: StoreError.
class LmdbIndex {
 public:
  explicit LmdbIndex(std::shared_ptr<LmdbEnv> env) : env_(std::move(env)) {}

  [[nodiscard]] Page<core::QueuedMsg> queue(core::QueueNumber queue,
                                            const std::optional<core::Xid>& after,
                                            std::size_t limit, std::size_t bytes) const;
  [[nodiscard]] std::vector<core::QueuedMsg> queued(core::QueueNumber queue,
                                                    const std::vector<core::Xid>& ids,
                                                    std::size_t bytes) const;
  [[nodiscard]] std::optional<core::Instant> next_due() const;
  [[nodiscard]] std::vector<std::optional<core::Xid>> find_keys(
      const std::vector<Index::Key>& keys) const;
  [[nodiscard]] std::vector<QueueInfo> queues() const;
  [[nodiscard]] std::vector<QueueInfo> all_queues() const;  // those with nothing, too
  [[nodiscard]] std::vector<std::optional<Bucket>> find_all(
      const std::vector<core::Xid>& ids) const;
  [[nodiscard]] std::vector<std::optional<core::Content>> contents(
      const std::vector<Index::Found>& msgs) const;
  [[nodiscard]] std::vector<core::Batch> batches() const;
  [[nodiscard]] std::optional<std::uint64_t> meta(const std::string& key) const;
  [[nodiscard]] Page<core::Xid> ids(Bucket bucket, const std::optional<core::Xid>& after,
                                    std::size_t limit) const;
  [[nodiscard]] std::optional<core::Xid> last_up_to(const core::Xid& id) const;

  [[nodiscard]] const LmdbEnv& env() const { return *env_; }

 private:
  std::shared_ptr<LmdbEnv> env_;
};

// Throws StoreError where the store has another schema than this program reads.
void refuse_other_schema(const LmdbIndex& index);

}  // namespace pena::store
