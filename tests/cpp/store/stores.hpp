// Every kind of store, for tests of what all of them must do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/forwarding_store.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_store.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store::test {

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Store>(const std::string&)> open;
};

class EveryStore : public testing::TestWithParam<Kind> {
 protected:
  static constexpr const char* kFinal =
      "a log has taken what the store behind it refuses, so nothing goes on";
  static bool a_bug_is_final() { return std::string_view{GetParam().name} == "Log"; }

  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = GetParam().open(folder_ / "store");
};

inline constexpr std::size_t kRoomyMap = 256U << 20U;

// Each change set goes into the log, and then into the store.
class AppliedLogStore final : public LogStore {
 public:
  AppliedLogStore(const std::string& path, std::size_t map_bytes)
      : LogStore(open_lmdb_store(path, map_bytes), log_files_in(path),
                 {{4, std::size_t{1} << 20U}, std::size_t{1} << 20U, 4711}) {
    while (make_ready().more) continue;
  }
  void commit(const ChangeSet& changes) override {
    LogStore::commit(changes);
    catch_up();
  }
};

inline auto every_store() {
  return testing::Values(Kind{"Lmdb",
                              [](const std::string& path) {
                                return open_lmdb_store(path, kRoomyMap);
                              }},
                         Kind{"Memory",
                              [](const std::string&) {
                                return make_memory_store();
                              }},
                         Kind{"Log",
                              [](const std::string& path) -> std::unique_ptr<Store> {
                                return std::make_unique<AppliedLogStore>(path, kRoomyMap);
                              }},
                         Kind{"Forwarding", [](const std::string&) {
                                return std::make_unique<ForwardingStore>(make_memory_store());
                              }});
}
inline std::string name_of_store(const testing::TestParamInfo<Kind>& given) {
  return given.param.name;
}

}  // namespace pena::store::test
