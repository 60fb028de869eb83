#include "process/mapped_file.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>

namespace pena::process {
namespace {

// What a handler may read: lock-free, and alive as long as the process.
struct Place {
  std::atomic<const std::string*> sentence{nullptr};  // null: free
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> bytes{0};  // 0: not known
};
constexpr std::size_t kMost = 64;
constinit std::array<Place, kMost> places{};
static_assert(std::atomic<const std::string*>::is_always_lock_free);
static_assert(std::atomic<std::uintptr_t>::is_always_lock_free);

constexpr std::uintptr_t kBehind = std::uintptr_t{1} << 32U;

struct sigaction bus_before {};
struct sigaction segv_before {};

const std::string* sentence_at(std::uintptr_t address) {
  for (const Place& place : places) {
    const std::string* const sentence = place.sentence;
    const std::uintptr_t begin = place.begin;
    const std::uintptr_t bytes = place.bytes;
    const bool within = address >= begin && address - begin < bytes + kBehind;
    if (sentence != nullptr && bytes > 0 && within) return sentence;
  }
  return nullptr;
}

// Of a file whose place is not known, such as one that lies beside it.
const std::string* any_sentence() {
  for (const Place& place : places) {
    if (const std::string* const sentence = place.sentence; sentence != nullptr) return sentence;
  }
  return nullptr;
}

extern "C" void end_by_sentence(int signal, siginfo_t* about, void* /*context*/) {
  const bool by_kernel = about->si_code > 0;
  const std::string* sentence = nullptr;
  if (by_kernel) {
    // Through a number: what is there is not to be read.
    sentence = sentence_at(reinterpret_cast<std::uintptr_t>(about->si_addr));
    if (sentence == nullptr && signal == SIGBUS) sentence = any_sentence();
  }
  if (sentence != nullptr) {
    [[maybe_unused]] const ssize_t written =
        ::write(STDERR_FILENO, sentence->data(), sentence->size());
    ::_exit(1);
  }
  // The instruction runs once more, and the core shows where that was.
  ::sigaction(signal, signal == SIGBUS ? &bus_before : &segv_before, nullptr);
  if (!by_kernel) ::raise(signal);
}

}  // namespace

MappedFile::MappedFile(const std::string& sentence)
    : sentence_("pena: " + sentence + "\n"), place_(0) {
  for (; place_ < kMost; ++place_) {
    const std::string* none = nullptr;
    if (places[place_].sentence.compare_exchange_strong(none, &sentence_)) return;
  }
}

MappedFile::~MappedFile() {
  if (place_ == kMost) return;
  places[place_].bytes = 0;
  places[place_].sentence = nullptr;
}

void MappedFile::is_at(std::uintptr_t address, std::size_t bytes) {
  if (place_ == kMost) return;
  places[place_].bytes = 0;
  places[place_].begin = address;
  places[place_].bytes = bytes;
}

void tell_of_bad_maps() {
  struct sigaction action {};
  action.sa_sigaction = end_by_sentence;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &bus_before);
  ::sigaction(SIGSEGV, &action, &segv_before);
}

}  // namespace pena::process
