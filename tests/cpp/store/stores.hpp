// Every kind of store, for tests of what all of them must do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "store/forwarding_store.hpp"
#include "store/lmdb_store.hpp"
#include "store/memory_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store::test {

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Store>(const std::string&)> open;
};

class EveryStore : public testing::TestWithParam<Kind> {
 protected:
  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = GetParam().open(folder_ / "store");
};

inline auto every_store() {
  constexpr std::size_t kRoomyMap = 256U << 20U;
  return testing::Values(Kind{"Lmdb",
                              [](const std::string& path) {
                                return open_lmdb_store(path, kRoomyMap);
                              }},
                         Kind{"Memory",
                              [](const std::string&) {
                                return make_memory_store();
                              }},
                         Kind{"Forwarding", [](const std::string&) {
                                return std::make_unique<ForwardingStore>(make_memory_store());
                              }});
}
inline std::string name_of_store(const testing::TestParamInfo<Kind>& given) {
  return given.param.name;
}

}  // namespace pena::store::test
