// LD_PRELOAD library: notes when a server's calls for its store and its sockets begin, and what they
// take, at the cost of two readings of the clock each. calls.py builds it and reads the log.
//
//   CALLS_LOG=file    written when the process ends; a line a call: kind, begin and length in µs
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 1 << 20, kMagicBytes = 4 };

// Of a frame of the log (cpp/store/log_frames.hpp).
static const char kMagic[] = "pfrm";

static struct {
  double begin, took;
  const char* kind;
} calls[kMost];
static atomic_int count;
static atomic_int log_file = -1;  // that was written to last

static double now_us(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static void note(const char* kind, double begin) {
  const int i = atomic_fetch_add(&count, 1);
  if (i >= kMost) return;
  calls[i].begin = begin;
  calls[i].took = now_us() - begin;
  calls[i].kind = kind;
}

__attribute__((destructor)) static void write_log(void) {
  const char* path = getenv("CALLS_LOG");
  FILE* const file = path == NULL || count == 0 ? NULL : fopen(path, "w");
  if (file == NULL) return;
  for (int i = 0; i < count && i < kMost; ++i) {
    fprintf(file, "%s %.1f %.1f\n", calls[i].kind, calls[i].begin, calls[i].took);
  }
  fclose(file);
}

#define REAL(result, name, ...)              \
  static result (*real)(__VA_ARGS__);        \
  if (real == NULL) {                        \
    *(void**)&real = dlsym(RTLD_NEXT, name); \
  }                                          \
  const double begin = now_us()

// Of the log, or of what the applier or LMDB does beside it.
int fdatasync(int file) {
  REAL(int, "fdatasync", int);
  const int result = real(file);
  note(file == log_file ? "logged" : "sync", begin);
  return result;
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite64", int, const void*, size_t, off_t);
  const ssize_t result = real(file, bytes, size, offset);
  const int is_frame = size > kMagicBytes && memcmp(bytes, kMagic, kMagicBytes) == 0;
  if (is_frame) log_file = file;
  note(is_frame ? "frame" : "page", begin);
  return result;
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return pwrite64(file, bytes, size, offset);
}

ssize_t writev(int file, const struct iovec* pieces, int pieces_count) {
  REAL(ssize_t, "writev", int, const struct iovec*, int);
  const ssize_t result = real(file, pieces, pieces_count);
  note("page", begin);
  return result;
}

ssize_t recv(int socket, void* bytes, size_t size, int flags) {
  REAL(ssize_t, "recv", int, void*, size_t, int);
  const ssize_t result = real(socket, bytes, size, flags);
  if (result > 0) note(memcmp(bytes, "POST /task", 10) == 0 ? "task" : "other", begin);
  return result;
}

// Behind the size of its chunk.
static int begins_batch(const void* bytes, size_t size) {
  enum { kLongestSize = 18 };
  static const char kNote[] = ": batch=";
  const size_t looked_at = size < kLongestSize + sizeof kNote ? size : kLongestSize + sizeof kNote;
  return memmem(bytes, looked_at, kNote, sizeof kNote - 1) != NULL;
}

ssize_t send(int socket, const void* bytes, size_t size, int flags) {
  REAL(ssize_t, "send", int, const void*, size_t, int);
  const ssize_t result = real(socket, bytes, size, flags);
  note(begins_batch(bytes, size) ? "batch" : "answer", begin);
  return result;
}
