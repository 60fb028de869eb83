#include "store/outside_view.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "store/error.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_store.hpp"
#include "store/segment_log.hpp"
#include "store/server_lock.hpp"
#include "store/up_to_date_view.hpp"

namespace pena::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{2};
constexpr std::chrono::seconds kPatience{10};

// Whether there was none that has the store, so that this has taken on what the log had.
bool recovered(const std::string& path) {
  try {
    LogStore store{
        open_lmdb_store(path, 0, 0, ServerLock::For::recovering), log_files_in(path), {}};
    store.close();
    return true;
  } catch (const StoreInUse&) {
    return false;
  } catch (const StoreError& error) {
    throw StoreError(
        std::string{error.what()} +
        "; the store's last server left msgs in its log, which are to be taken into the "
        "store before it is read");
  }
}

void wait_for_log(const std::string& path, const View& view) {
  const Clock::time_point began = Clock::now();
  std::optional<std::uint64_t> last;  // that it had when this began
  while (view.meta(kLogOpen).value_or(0) > 0) {
    if (!has_server(path) && recovered(path)) return;
    if (!last) last = last_of_log(*log_files_in(path), view.meta(kLogId).value_or(0));
    if (view.meta(kLogApplied).value_or(0) >= *last) return;
    if (Clock::now() - began >= kPatience) {
      throw StoreError(
          "the server of the store " + path +
          " does not take what its log has into the store; it hangs, or its disk does");
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace

void wait_for_log(const std::string& path) {
  wait_for_log(path, *open_lmdb_view(path));
}

std::unique_ptr<View> open_store_view(const std::string& path) {
  // For good, wherever the process changes its working directory to.
  const std::string folder = std::filesystem::absolute(path).lexically_normal().string();
  std::shared_ptr<const View> view = open_lmdb_view(path);
  return std::make_unique<UpToDateView>([folder, view]() -> const View& {
    wait_for_log(folder, *view);
    return *view;
  });
}

}  // namespace pena::store
