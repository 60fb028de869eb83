#include "sim/log_disk.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "sim/law.hpp"
#include "store/error.hpp"
#include "store/forwarding_store.hpp"
#include "store/log_frames.hpp"
#include "store/memory_store.hpp"

namespace pena::sim {
namespace {

constexpr std::size_t kSector = 512;
// A small one goes round often, and is full; a large one is far ahead of the store.
constexpr std::array kShapes{store::LogShape{4, 4 * store::kLogBlock},
                             store::LogShape{3, 8 * store::kLogBlock},
                             store::LogShape{4, 64 * store::kLogBlock}};
// Some change sets are too large for it.
constexpr std::size_t kMostLogged = 6000;

// No error that anybody deals with: there is nobody any more.
struct PowerIsGone {};

}  // namespace

struct LogDisk::File {
  struct Write {
    std::size_t at = 0;
    std::string bytes;
  };
  std::string synced, now;
  std::vector<Write> between;
};

class LogDisk::Files final : public store::LogFiles {
 public:
  explicit Files(LogDisk& disk) : disk_(disk) {}

  void make(std::size_t index, std::size_t bytes) override {
    disk_.step();
    disk_.fail_now_and_then();
    if (index >= disk_.files_.size()) disk_.files_.resize(index + 1);
    File& file = disk_.files_[index];
    if (file.now.size() == bytes) return;
    file = {std::string(bytes, '\0'), std::string(bytes, '\0'), {}};
  }
  void write(std::size_t index, std::size_t at, std::string_view bytes) override {
    disk_.step();
    disk_.fail_now_and_then();
    File& file = disk_.files_[index];
    file.now.replace(at, bytes.size(), bytes);
    file.between.push_back({at, std::string{bytes}});
    disk_.step();
  }
  void sync(std::size_t index) override {
    disk_.step();
    File& file = disk_.files_[index];
    for (const File::Write& write : file.between) {
      file.synced.replace(write.at, write.bytes.size(), write.bytes);
    }
    file.between.clear();
    disk_.step();
  }
  void remove() override {
    disk_.step();
    disk_.files_.clear();
  }
  [[nodiscard]] std::optional<std::string> read(std::size_t index,
                                                std::size_t most) const override {
    if (!bytes(index)) return std::nullopt;
    return disk_.files_[index].now.substr(0, most);
  }
  [[nodiscard]] std::optional<std::size_t> bytes(std::size_t index) const override {
    if (index >= disk_.files_.size() || disk_.files_[index].now.empty()) return std::nullopt;
    return disk_.files_[index].now.size();
  }
  [[nodiscard]] std::size_t room() const override { return SIZE_MAX; }
  [[nodiscard]] std::string name(std::size_t index) const override {
    return "segment." + std::to_string(index);
  }

 private:
  LogDisk& disk_;
};

class LogDisk::Inside final : public store::ForwardingStore {
 public:
  explicit Inside(LogDisk& disk)
      : ForwardingStore(std::exchange(disk.inside_, nullptr)), disk_(disk) {}
  ~Inside() override { disk_.inside_ = take_inside(); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  void commit_writes(std::span<const core::Write* const> writes) override {
    disk_.step();
    inside().commit_writes(writes);
    disk_.step();
  }

 private:
  LogDisk& disk_;
};

LogDisk::LogDisk(Dice dice)
    : dice_(dice),
      shape_(kShapes.at(dice_.below(kShapes.size()))),
      inside_(store::make_memory_store()) {}

LogDisk::~LogDisk() = default;

void LogDisk::step() {
  if (steps_ && (*steps_)-- == 0) gone_ = true;
  if (gone_) {
    steps_.reset();
    throw PowerIsGone{};
  }
}

std::unique_ptr<store::LogStore> LogDisk::opened() {
  while (true) {
    gone_ = false;
    steps_.reset();
    if (dice_.chance(0.3)) steps_ = dice_.below(4);
    try {
      auto log = std::make_unique<store::LogStore>(
          std::make_unique<Inside>(*this), std::make_unique<Files>(*this),
          store::LogStore::Settings{shape_, kMostLogged, dice_.next()});
      steps_.reset();
      return log;
    } catch (const PowerIsGone&) {
      lose_what_was_not_synced();
    } catch (const store::StoreError& error) {
      throw LawBroken("log",
                      std::string{"after a crash the store does not start: "} + error.what());
    }
  }
}

// For want of room, or by an error of the disk.
void LogDisk::fail_now_and_then() {
  if (makes_ready_ && dice_.chance(0.005)) throw store::StoreError("no segment");
}

void LogDisk::apply(store::LogStore& log) {
  (void)log.apply();
  makes_ready_ = true;
  while (dice_.chance(0.8) && log.make_ready().more) continue;
  makes_ready_ = false;
}

void LogDisk::fall(store::LogStore& log, const std::shared_ptr<const store::ChangeSet>& next) {
  try {
    if (dice_.chance(0.7)) {
      steps_ = dice_.below(8);
      if (next && dice_.chance(0.6)) (void)log.append(next);
      apply(log);
    }
  } catch (const PowerIsGone&) {
    steps_.reset();
  }
  makes_ready_ = false;
  gone_ = true;
  if (dice_.chance(0.7)) lose_what_was_not_synced();
}

void LogDisk::lose_what_was_not_synced() {
  for (File& file : files_) {
    for (const File::Write& write : file.between) {
      for (std::size_t from = 0; from < write.bytes.size(); from += kSector) {
        if (dice_.chance(0.5)) continue;
        const std::size_t count = std::min(kSector, write.bytes.size() - from);
        file.synced.replace(write.at + from, count, write.bytes, from, count);
      }
    }
    file.now = file.synced;
    file.between.clear();
  }
}

}  // namespace pena::sim
