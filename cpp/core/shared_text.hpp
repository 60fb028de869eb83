// A text that never changes, one pointer long: records move through every step of the way, and as a rule
// most of the texts in them are empty.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace pena::core {

// Copies share the characters. Any thread may have one of them.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string_view text) : kept_(text.empty() ? nullptr : keep(text)) {}
  SharedText(const std::string& text) : SharedText(std::string_view{text}) {}
  SharedText(const char* text) : SharedText(std::string_view{text}) {}
  SharedText(const SharedText& other) : kept_(other.kept_) {
    if (kept_ != nullptr) kept_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  SharedText(SharedText&& other) noexcept : kept_(std::exchange(other.kept_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(kept_, other.kept_);
    return *this;
  }
  ~SharedText() {
    if (kept_ != nullptr && kept_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) drop();
  }

  [[nodiscard]] bool empty() const { return kept_ == nullptr; }
  [[nodiscard]] std::size_t size() const { return empty() ? 0 : kept_->size; }
  [[nodiscard]] std::string_view view() const {
    return empty() ? std::string_view{} : std::string_view{kept_->characters(), kept_->size};
  }
  operator std::string_view() const { return view(); }
  operator std::string() const { return std::string{view()}; }

  friend bool operator==(const SharedText& a, const SharedText& b) { return a.view() == b.view(); }

 private:
  struct Kept {  // the characters lie behind it
    std::atomic<std::size_t> owners = 1;
    std::size_t size = 0;
    [[nodiscard]] char* characters() { return reinterpret_cast<char*>(this + 1); }
  };
  static Kept* keep(std::string_view text) {
    auto* const kept = new (::operator new(sizeof(Kept) + text.size())) Kept{1, text.size()};
    std::memcpy(kept->characters(), text.data(), text.size());
    return kept;
  }
  void drop() {
    kept_->~Kept();
    ::operator delete(kept_);
  }

  Kept* kept_ = nullptr;
};

}  // namespace pena::core
