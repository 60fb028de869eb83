// The outcome of reading what a peer sent: a value, or the refusal that it is answered with.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace pena::wire {

// What a request is refused with: a status of HTTP and the sentence of its {"error": …}.
struct Refusal {
  unsigned status = 400;
  std::string sentence;  // what is wrong and what was expected
};

template <class T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : either_(std::move(value)) {}            // NOLINT(google-explicit-constructor)
  Outcome(Refusal refusal) : either_(std::move(refusal)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] explicit operator bool() const { return either_.index() == 0; }
  [[nodiscard]] T& operator*() { return std::get<0>(either_); }
  [[nodiscard]] const T& operator*() const { return std::get<0>(either_); }
  [[nodiscard]] T* operator->() { return &std::get<0>(either_); }
  [[nodiscard]] const T* operator->() const { return &std::get<0>(either_); }
  [[nodiscard]] const Refusal& refusal() const { return std::get<1>(either_); }

 private:
  std::variant<T, Refusal> either_;
};

}  // namespace pena::wire
