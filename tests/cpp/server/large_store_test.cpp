// A store of which not all is looked at before it is opened.
#include <gmock/gmock.h>

#include <fstream>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

class LargeStoreTest : public ServerTest {
 protected:
  static constexpr std::uint32_t kMsgs = 140'000;
  static constexpr std::size_t kPage = 4096;

  static core::Xid id_of(std::uint32_t number) {
    core::Xid::Bytes bytes{};
    for (std::size_t i = 0; i < 4; ++i) {
      bytes.at(bytes.size() - 1 - i) = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return core::Xid{bytes};
  }
  // Two msgs to a page.
  void make_store() {
    const auto store = store::open_lmdb_store(settings.store, settings.limits.map_bytes);
    const core::Instant then = core::from_us(1);
    std::uint32_t number = 0;
    while (number < kMsgs) {
      store::ChangeSet changes{core::PutMeta{"id_second", 1}};
      for (const std::uint32_t end = number + 20'000; number < end; ++number) {
        changes.emplace_back(core::PutQueue{
            core::QueuedMsg{{id_of(number), 1, std::string(1900, '1')}, then, then, {}}});
      }
      store->commit(changes);
    }
  }
  // The page that a msg is in.
  std::size_t page_of(std::uint32_t number) {
    const auto id = id_of(number).bytes();
    const std::string needle(id.begin(), id.end());
    std::ifstream file(settings.store + "/data.mdb", std::ios::binary);
    std::string bytes(kPage, '\0');
    for (std::size_t page = 0; file.read(bytes.data(), kPage); ++page) {
      const bool is_leaf = bytes[10] == 2;
      if (is_leaf && bytes.find(needle) != std::string::npos) return page;
    }
    throw std::runtime_error("the msg is in no page");
  }
  void damage(std::size_t page) {
    std::fstream file(settings.store + "/data.mdb",
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(page * kPage + 12));
    file << std::string(8, '\xff');
  }
};

TEST_F(LargeStoreTest, DamageThatIsFoundAfterTheStartEndsTheServer) {
  make_store();
  const std::size_t page = page_of(kMsgs - 1000);
  damage(page);
  start();
  try {
    EXPECT_FALSE(server->wait(seconds{60}));
    ADD_FAILURE() << "it goes on";
  } catch (const store::StoreError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("the store " + settings.store +
                                                 " is damaged: page " + std::to_string(page)));
  }
  log.wait_for("the store failed, so the server stops");
  server->stop();
  server.reset();
  std::filesystem::remove_all(settings.store);  // nothing to count in it
}

TEST_F(LargeStoreTest, AStopDoesNotWaitUntilAllWasLookedAt) {
  make_store();
  submitted = kMsgs;
  start();
  server->stop();
  EXPECT_FALSE(server->running());
}

}  // namespace
}  // namespace pena::server::test
