// Threads that cannot start. Brings a pthread_create of its own, which stands in front of the C
// library's: for one file of a program. The sanitizers have theirs, and keep it.
#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

namespace pena::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kThreadsCanFail = false;
#else
inline constexpr bool kThreadsCanFail = true;
#endif
inline constexpr const char* kNoFailingThreads = "a sanitizer starts the threads itself";

inline std::atomic<int> threads_left = -1;  // below 0: as many as anybody wants

// While it lives, so many threads start, and no more.
class ThreadShortage {
 public:
  explicit ThreadShortage(int left) { threads_left = left; }
  ~ThreadShortage() { threads_left = -1; }
  ThreadShortage(const ThreadShortage&) = delete;
  ThreadShortage& operator=(const ThreadShortage&) = delete;
};

}  // namespace pena::test

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (pena::test::threads_left == 0) return EAGAIN;
  if (pena::test::threads_left > 0) --pena::test::threads_left;
  return create(thread, attributes, start, argument);
}
#endif
