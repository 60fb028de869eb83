#include "process/mapped_file.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>

namespace {

using namespace pena;

constexpr std::size_t kBytes = 65'536;

// A file, and no memory behind its map.
class Mapped {
 public:
  Mapped() {
    std::string name = "/tmp/pena-map-XXXXXX";
    file_ = mkstemp(name.data());
    unlink(name.c_str());
    grow();
    room_ = static_cast<char*>(
        mmap(nullptr, 2 * kBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mmap(room_, kBytes, PROT_READ, MAP_SHARED | MAP_FIXED, file_, 0);
  }
  ~Mapped() {
    munmap(room_, 2 * kBytes);
    close(file_);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;

  void grow() const { EXPECT_EQ(ftruncate(file_, kBytes), 0); }
  void cut_off() const { EXPECT_EQ(ftruncate(file_, 0), 0); }
  [[nodiscard]] std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(room_); }
  [[nodiscard]] char read(std::size_t at) const {
    return *const_cast<volatile const char*>(room_ + at);
  }

 private:
  int file_ = -1;
  char* room_ = nullptr;
};

struct Ended {
  int status = 0;
  std::string told;
};

// How a program ends whose signals are told of.
Ended run(const std::function<void()>& work) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe[1], STDERR_FILENO);
    process::tell_of_bad_maps();
    work();
    std::_Exit(0);
  }
  close(pipe[1]);
  Ended ended;
  std::array<char, 4096> some{};
  for (ssize_t got = 0; (got = ::read(pipe[0], some.data(), some.size())) > 0;) {
    ended.told.append(some.data(), static_cast<std::size_t>(got));
  }
  close(pipe[0]);
  waitpid(child, &ended.status, 0);
  return ended;
}

bool ended_by_sentence(const Ended& ended) {
  return WIFEXITED(ended.status) && WEXITSTATUS(ended.status) == 1 &&
         ended.told == "pena: the map is bad\n";
}

TEST(MappedFile, OneThatIsCutOffIsTold) {
  const Mapped mapped;
  process::MappedFile known("the map is bad");
  known.is_at(mapped.begin(), kBytes);
  EXPECT_EQ(run([&] { (void)mapped.read(5000); }).status, 0);
  mapped.cut_off();
  EXPECT_TRUE(ended_by_sentence(run([&] { (void)mapped.read(5000); })));
}

TEST(MappedFile, WhatIsReadBehindOneIsTold) {
  const Mapped mapped;
  process::MappedFile known("the map is bad");
  known.is_at(mapped.begin(), kBytes);
  EXPECT_TRUE(ended_by_sentence(run([&] { (void)mapped.read(kBytes + 5000); })));
}

TEST(MappedFile, OneBesideItThatIsCutOffIsToldAsWell) {
  const Mapped lock;
  const process::MappedFile data("the map is bad");
  lock.cut_off();
  EXPECT_TRUE(ended_by_sentence(run([&] { (void)lock.read(5000); })));
}

TEST(MappedFile, AnyOtherSignalDoesWhatItDid) {
  const auto told = [](const Ended& ended) {
    return ended.status == 0 || ended.told.find("the map is bad") != std::string::npos;
  };
  const Mapped mapped;
  {
    process::MappedFile known("the map is bad");
    known.is_at(mapped.begin(), kBytes);
    const volatile std::uintptr_t nowhere = 8;
    EXPECT_FALSE(told(run([&] { (void)*reinterpret_cast<volatile char*>(nowhere); })));
    EXPECT_FALSE(told(run([] { std::raise(SIGBUS); })));
    EXPECT_FALSE(told(run([] { std::raise(SIGSEGV); })));
  }
  EXPECT_FALSE(told(run([&] { (void)mapped.read(kBytes + 5000); })));
  mapped.cut_off();
  EXPECT_FALSE(told(run([&] { (void)mapped.read(5000); })));
}

}  // namespace
