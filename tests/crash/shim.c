// LD_PRELOAD library of the crash tests: records what a server does to its store and says to its
// clients, in one order, and lets the Nth call of a kind fail. shim.py builds it and reads the log.
//
//   CRASH_LOG=file    records are appended: struct Head, then `size` bytes
//   CRASH_DROP=words  data: fdatasync and fsync do nothing and are not recorded, from the first
//                     accepted connection on;
//                     log: likewise of what is appended to the log's segments, while their
//                     headers are synced;
//                     meta: writes through an O_DSYNC descriptor are recorded as if they were not
//   CRASH_FAIL=kind:nth:errno:times   kind: write, short, growth, sync, logwrite, logshort, logtorn,
//                     logsync, accept, malloc
//                     write: to data.mdb; short: half of it is written, and the call says so;
//                     log…: of the log's segments; logtorn: half of it is written, then the error;
//                     growth: of zeros behind the end of data.mdb, which no other kind counts;
//                     malloc: counted from the first accepted connection on
//   CRASH_ROOM=bytes  data.mdb cannot grow beyond this: ENOSPC
//   CRASH_FIRED=file  gets a line when a call was made to fail
//
// In the log a write and a new name stand before their call, a sync behind its end (from then on its
// writes are durable), and an answer before its first byte goes out. So whatever a client can have
// heard by some place in the log stands before that place, and what a kill left on the disk is in it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kFiles = 65536, kPieces = 1024 };

struct Head {
  uint8_t type;   // W write, T truncate, S sync, D sync of a folder, O open, C accept, R received,
                  // A answer, P how much of the answer before was taken, X close, M mapped writable,
                  // N a file got the name data.mdb, L one that of a segment,
                  // B a segment's file is begun aside, empty, K the folder of the log was made
  uint8_t dsync;  // W: durable at once
  uint16_t segment;  // W S L B: of the log, and one more; 0: data.mdb
  uint32_t connection;  // C R A P X
  uint64_t offset;      // W: in the file; T: the size; P: bytes
  uint32_t size;
  uint32_t unused_too;
};

enum Kind { kOther, kData, kDataDsync, kFolder, kSocket, kLog };
static _Atomic uint8_t kinds[kFiles];
static uint16_t segments[kFiles];  // of kLog: the segment's number, and one more
static uint8_t appended[kFiles];   // of kLog: the last write was behind the header
static uint32_t connections[kFiles];
static _Atomic uint32_t connection_count;

static int log_file = -1;
static int drop_data, drop_meta, drop_log;
static long room = -1;
static char fail_kind[16];
static int fail_errno;
static long fail_from, fail_to;  // of the calls of this kind, counted from 1
static atomic_long calls;
static atomic_int serving;

static void* next(const char* name) { return dlsym(RTLD_NEXT, name); }
#define REAL(result, name, ...)                     \
  static result (*real)(__VA_ARGS__);               \
  if (real == NULL) {                               \
    *(void**)&real = next(name);                    \
  }

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("CRASH_LOG");
  if (path != NULL) {
    log_file = (int)syscall(SYS_openat, AT_FDCWD, path,
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  }
  const char* drop = getenv("CRASH_DROP");
  drop_data = drop != NULL && strstr(drop, "data") != NULL;
  drop_log = drop != NULL && strstr(drop, "log") != NULL;
  drop_meta = drop != NULL && strstr(drop, "meta") != NULL;
  const char* bytes = getenv("CRASH_ROOM");
  if (bytes != NULL) room = atol(bytes);
  const char* fail = getenv("CRASH_FAIL");
  long times = 1;
  if (fail != NULL &&
      sscanf(fail, "%15[a-z]:%ld:%d:%ld", fail_kind, &fail_from, &fail_errno, &times) >= 3) {
    fail_to = fail_from + times - 1;
  }
}

static void note_fired(const char* what) {
  const char* path = getenv("CRASH_FIRED");
  if (path == NULL) return;
  const int file = (int)syscall(SYS_openat, AT_FDCWD, path,
                                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return;
  char line[64];
  const int size = snprintf(line, sizeof line, "%s fails\n", what);
  syscall(SYS_write, file, line, (size_t)size);
  if (getenv("CRASH_TRACE") != NULL) {
    void* frames[48];
    backtrace_symbols_fd(frames, backtrace(frames, 48), file);
  }
  syscall(SYS_close, file);
}

static int fails(const char* kind) {
  if (fail_to == 0 || strcmp(kind, fail_kind) != 0) return 0;
  const long call = atomic_fetch_add(&calls, 1) + 1;
  if (call < fail_from || call > fail_to) return 0;
  note_fired(kind);
  errno = fail_errno;
  return 1;
}

// ---- the log

static void record(struct Head head, const struct iovec* pieces, int count) {
  if (log_file < 0) return;
  const int before = errno;
  struct iovec all[kPieces + 1];
  all[0] = (struct iovec){&head, sizeof head};
  size_t left = head.size;
  int used = 1;
  for (int i = 0; i < count && left > 0 && used <= kPieces; ++i, ++used) {
    const size_t size = pieces[i].iov_len < left ? pieces[i].iov_len : left;
    all[used] = (struct iovec){pieces[i].iov_base, size};
    left -= size;
  }
  // O_APPEND and one call: records of several threads do not mix.
  const long wanted = (long)(sizeof head + head.size - left);
  if (left > 0 || syscall(SYS_writev, log_file, all, used) != wanted) {
    static const char kFull[] = "crash shim: the log cannot be written\n";
    syscall(SYS_write, 2, kFull, sizeof kFull - 1);
    abort();
  }
  errno = before;
}

static void record_bare(uint8_t type, uint32_t connection, uint64_t offset) {
  record((struct Head){.type = type, .connection = connection, .offset = offset}, NULL, 0);
}

static void record_bytes(uint8_t type, uint32_t connection, const void* bytes, size_t size) {
  const struct iovec piece = {(void*)bytes, size};
  record((struct Head){.type = type, .connection = connection, .size = (uint32_t)size}, &piece, 1);
}

static size_t sum(const struct iovec* pieces, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
  return size;
}

static enum Kind kind_of(int file) {
  return file >= 0 && file < kFiles ? (enum Kind)kinds[file] : kOther;
}
static int is_data(int file) {
  const enum Kind kind = kind_of(file);
  return kind == kData || kind == kDataDsync || kind == kLog;
}
static int is_log(int file) { return kind_of(file) == kLog; }
static uint16_t segment_of(int file) { return is_log(file) ? segments[file] : 0; }

// Of a file of the log, be it whole or being made aside; 0: it is none.
static uint16_t segment_in(const char* path) {
  static const char kName[] = "/log/segment.";
  const char* found = strstr(path, kName);
  return found == NULL ? 0 : (uint16_t)(atoi(found + sizeof kName - 1) + 1);
}

// ---- files

static int ends_with(const char* text, const char* end) {
  const size_t size = strlen(text), end_size = strlen(end);
  return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static int opened(int file, const char* path, int flags) {
  if (file < 0 || file >= kFiles) return file;
  kinds[file] = kOther;
  if (ends_with(path, "/data.mdb")) {
    // O_SYNC includes the bit of O_DSYNC.
    kinds[file] = (flags & O_DSYNC) != 0 && !drop_meta ? kDataDsync : kData;
    record_bytes('O', (uint32_t)flags, path, strlen(path));
  } else if (segment_in(path) != 0 && (flags & O_ACCMODE) != O_RDONLY) {
    segments[file] = segment_in(path);
    kinds[file] = kLog;
    appended[file] = 0;
    if ((flags & O_TRUNC) != 0) {
      record((struct Head){.type = 'B', .segment = segments[file]}, NULL, 0);
    }
  } else if ((flags & O_DIRECTORY) != 0) {
    kinds[file] = kFolder;
  }
  return file;
}

#define OPEN(name, parameters, arguments, path_of)          \
  int name parameters {                                     \
    mode_t mode = 0;                                        \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {             \
      va_list more;                                         \
      va_start(more, flags);                                \
      mode = va_arg(more, mode_t);                          \
      va_end(more);                                         \
    }                                                       \
    static int(*real) parameters;                           \
    if (real == NULL) *(void**)&real = next(#name);         \
    return opened(real arguments, path_of, flags);          \
  }
OPEN(open, (const char* path, int flags, ...), (path, flags, mode), path)
OPEN(open64, (const char* path, int flags, ...), (path, flags, mode), path)
OPEN(openat, (int at, const char* path, int flags, ...), (at, path, flags, mode), path)
OPEN(openat64, (int at, const char* path, int flags, ...), (at, path, flags, mode), path)

int close(int file) {
  REAL(int, "close", int)
  if (kind_of(file) == kSocket) record_bare('X', connections[file], 0);
  if (file >= 0 && file < kFiles) kinds[file] = kOther;
  return real(file);
}

static int copied(int from, int to) {
  if (from >= 0 && from < kFiles && to >= 0 && to < kFiles) {
    kinds[to] = kinds[from];
    segments[to] = segments[from];
    appended[to] = appended[from];
    connections[to] = connections[from];
  }
  return to;
}
int dup(int file) {
  REAL(int, "dup", int)
  return copied(file, real(file));
}
int dup2(int file, int to) {
  REAL(int, "dup2", int, int)
  return copied(file, real(file, to));
}
int dup3(int file, int to, int flags) {
  REAL(int, "dup3", int, int, int)
  return copied(file, real(file, to, flags));
}

// Whether a write only makes the file longer: no promise hangs on it, and it may fail alone.
static int is_growth(int file, const struct iovec* pieces, int count, off_t offset) {
  struct stat about;
  if (count != 1 || fstat(file, &about) != 0 || offset < about.st_size) return 0;
  const char* bytes = pieces[0].iov_base;
  const size_t size = pieces[0].iov_len;
  return size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

// As a file system does on a full disk: what fits is written, and the call is short.
static int cut(const struct iovec* pieces, int count, off_t fits, struct iovec* out) {
  int used = 0;
  for (; used < count && used < kPieces && fits > 0; ++used) {
    out[used] = pieces[used];
    if ((off_t)out[used].iov_len > fits) out[used].iov_len = (size_t)fits;
    fits -= (off_t)out[used].iov_len;
  }
  return used;
}

// A write of `pieces` at `offset`, by the plain system call: one way for all the functions.
static ssize_t write_data(int file, const struct iovec* pieces, int count, off_t offset,
                          int moves) {
  const size_t size = sum(pieces, count);
  if (moves) offset = (off_t)syscall(SYS_lseek, file, 0, SEEK_CUR);
  struct iovec fitting[kPieces];
  if (room >= 0 && !is_log(file) && offset + (off_t)size > room) {
    note_fired("room");
    count = cut(pieces, count, room - offset, fitting);
    if (count == 0) {
      errno = ENOSPC;
      return -1;
    }
    pieces = fitting;
  }
  const int only_growth = !is_log(file) && is_growth(file, pieces, count, offset);
  if (fails(is_log(file) ? "logwrite" : only_growth ? "growth" : "write")) return -1;
  if (is_log(file)) appended[file] = offset > 0;
  record((struct Head){.type = 'W',
                       .dsync = kind_of(file) == kDataDsync,
                       .segment = segment_of(file),
                       .offset = (uint64_t)offset,
                       .size = (uint32_t)size},
         pieces, count);
  ssize_t done;
  int torn = 0;
  if (is_log(file) && fails("logtorn")) {
    torn = errno;
    done = (ssize_t)syscall(SYS_pwrite64, file, pieces[0].iov_base, pieces[0].iov_len / 2, offset);
  } else if (!only_growth && fails(is_log(file) ? "logshort" : "short")) {
    // The disk took the first half of the first piece: less than was asked, and no error.
    done = (ssize_t)syscall(SYS_pwrite64, file, pieces[0].iov_base, pieces[0].iov_len / 2, offset);
    if (moves && done > 0) syscall(SYS_lseek, file, offset + done, SEEK_SET);
  } else if (moves) {
    done = (ssize_t)syscall(SYS_writev, file, pieces, count);
  } else {
    done = (ssize_t)syscall(SYS_pwritev, file, pieces, count, offset, offset >> 32);
  }
  if (log_file >= 0 && done != (ssize_t)size) {
    fprintf(stderr, "crash shim: a write was cut short, and is whole in the log\n");
    abort();
  }
  if (torn != 0) {
    errno = torn;
    return -1;
  }
  return done;
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void*, size_t, off_t)
  if (!is_data(file)) return real(file, bytes, size, offset);
  const struct iovec piece = {(void*)bytes, size};
  return write_data(file, &piece, 1, offset, 0);
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off_t offset) {
  return pwrite(file, bytes, size, offset);
}
ssize_t pwritev(int file, const struct iovec* pieces, int count, off_t offset) {
  REAL(ssize_t, "pwritev", int, const struct iovec*, int, off_t)
  if (!is_data(file)) return real(file, pieces, count, offset);
  return write_data(file, pieces, count, offset, 0);
}
ssize_t pwritev64(int file, const struct iovec* pieces, int count, off_t offset) {
  return pwritev(file, pieces, count, offset);
}

static void changed_size(int file, off_t size) {
  if (is_data(file)) record_bare('T', 0, (uint64_t)size);
}
int ftruncate(int file, off_t size) {
  REAL(int, "ftruncate", int, off_t)
  const int result = real(file, size);
  if (result == 0) changed_size(file, size);
  return result;
}
int ftruncate64(int file, off_t size) { return ftruncate(file, size); }

int rename(const char* from, const char* to) {
  REAL(int, "rename", const char*, const char*)
  if (ends_with(to, "/data.mdb")) record_bytes('N', 0, to, strlen(to));
  if (segment_in(to) != 0) {
    record((struct Head){.type = 'L', .segment = segment_in(to)}, NULL, 0);
  }
  return real(from, to);
}

int mkdir(const char* path, mode_t mode) {
  REAL(int, "mkdir", const char*, mode_t)
  const int result = real(path, mode);
  if (result == 0 && ends_with(path, "/log")) record_bytes('K', 0, path, strlen(path));
  return result;
}

// Nobody uses these on a store today; whoever does must teach the shim first.
static int unknown_here(int file, const char* name) {
  if (!is_data(file)) return 0;
  fprintf(stderr, "crash shim: %s on the store is not known to the log\n", name);
  abort();
}
int fallocate(int file, int mode, off_t offset, off_t size) {
  REAL(int, "fallocate", int, int, off_t, off_t)
  return unknown_here(file, "fallocate") ? -1 : real(file, mode, offset, size);
}
int posix_fallocate(int file, off_t offset, off_t size) {
  REAL(int, "posix_fallocate", int, off_t, off_t)
  return unknown_here(file, "posix_fallocate") ? -1 : real(file, offset, size);
}
void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) {
  REAL(void*, "mmap", void*, size_t, int, int, int, off_t)
  if ((protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0) {
    unknown_here(file, "a writable mmap");
  }
  return real(at, size, protection, flags, file, offset);
}

static int sync_with(int file, int (*real)(int), int only_data) {
  if (kind_of(file) == kFolder) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t size = readlink(link, path, sizeof path);
    const int result = real(file);
    if (result == 0 && size > 0) record_bytes('D', 0, path, (size_t)size);
    return result;
  }
  if (!is_data(file)) return real(file);
  if (fails(is_log(file) ? "logsync" : "sync")) return -1;
  // The zeros of a new segment are synced by fsync, and with all that is known of the file.
  const int drops = is_log(file) ? drop_log && only_data && appended[file] : drop_data;
  if (drops && serving) return 0;
  const int result = real(file);
  if (result == 0) record((struct Head){.type = 'S', .segment = segment_of(file)}, NULL, 0);
  return result;
}
int fsync(int file) {
  REAL(int, "fsync", int)
  return sync_with(file, real, 0);
}
int fdatasync(int file) {
  REAL(int, "fdatasync", int)
  return sync_with(file, real, 1);
}

// ---- sockets

static int accepted(int file) {
  if (file < 0 || file >= kFiles) return file;
  serving = 1;
  connections[file] = ++connection_count;
  kinds[file] = kSocket;
  record_bare('C', connections[file], 0);
  return file;
}
int accept(int file, struct sockaddr* address, socklen_t* size) {
  REAL(int, "accept", int, struct sockaddr*, socklen_t*)
  if (fails("accept")) return -1;
  return accepted(real(file, address, size));
}
int accept4(int file, struct sockaddr* address, socklen_t* size, int flags) {
  REAL(int, "accept4", int, struct sockaddr*, socklen_t*, int)
  if (fails("accept")) return -1;
  return accepted(real(file, address, size, flags));
}

static void before_answer(int file, const struct iovec* pieces, int count) {
  record((struct Head){.type = 'A',
                       .connection = connections[file],
                       .size = (uint32_t)sum(pieces, count)},
         pieces, count);
}
static ssize_t after_answer(int file, size_t size, ssize_t done) {
  if (done != (ssize_t)size) record_bare('P', connections[file], done > 0 ? (uint64_t)done : 0);
  return done;
}

ssize_t send(int file, const void* bytes, size_t size, int flags) {
  REAL(ssize_t, "send", int, const void*, size_t, int)
  if (kind_of(file) != kSocket) return real(file, bytes, size, flags);
  const struct iovec piece = {(void*)bytes, size};
  before_answer(file, &piece, 1);
  return after_answer(file, size, real(file, bytes, size, flags));
}
ssize_t sendto(int file, const void* bytes, size_t size, int flags, const struct sockaddr* to,
               socklen_t to_size) {
  REAL(ssize_t, "sendto", int, const void*, size_t, int, const struct sockaddr*, socklen_t)
  if (kind_of(file) != kSocket) return real(file, bytes, size, flags, to, to_size);
  const struct iovec piece = {(void*)bytes, size};
  before_answer(file, &piece, 1);
  return after_answer(file, size, real(file, bytes, size, flags, to, to_size));
}
ssize_t sendmsg(int file, const struct msghdr* message, int flags) {
  REAL(ssize_t, "sendmsg", int, const struct msghdr*, int)
  if (kind_of(file) != kSocket) return real(file, message, flags);
  before_answer(file, message->msg_iov, (int)message->msg_iovlen);
  return after_answer(file, sum(message->msg_iov, (int)message->msg_iovlen),
                      real(file, message, flags));
}
ssize_t write(int file, const void* bytes, size_t size) {
  REAL(ssize_t, "write", int, const void*, size_t)
  const struct iovec piece = {(void*)bytes, size};
  if (is_data(file)) return write_data(file, &piece, 1, 0, 1);
  if (kind_of(file) != kSocket) return real(file, bytes, size);
  before_answer(file, &piece, 1);
  return after_answer(file, size, real(file, bytes, size));
}
ssize_t writev(int file, const struct iovec* pieces, int count) {
  REAL(ssize_t, "writev", int, const struct iovec*, int)
  if (is_data(file)) return write_data(file, pieces, count, 0, 1);
  if (kind_of(file) != kSocket) return real(file, pieces, count);
  before_answer(file, pieces, count);
  return after_answer(file, sum(pieces, count), real(file, pieces, count));
}

static ssize_t received(int file, const struct iovec* pieces, int count, ssize_t size) {
  if (size > 0 && kind_of(file) == kSocket) {
    record((struct Head){.type = 'R', .connection = connections[file], .size = (uint32_t)size},
           pieces, count);
  }
  return size;
}
ssize_t recv(int file, void* bytes, size_t size, int flags) {
  REAL(ssize_t, "recv", int, void*, size_t, int)
  const struct iovec piece = {bytes, size};
  return received(file, &piece, 1, real(file, bytes, size, flags));
}
ssize_t recvmsg(int file, struct msghdr* message, int flags) {
  REAL(ssize_t, "recvmsg", int, struct msghdr*, int)
  const ssize_t size = real(file, message, flags);
  return received(file, message->msg_iov, (int)message->msg_iovlen, size);
}
ssize_t read(int file, void* bytes, size_t size) {
  REAL(ssize_t, "read", int, void*, size_t)
  const struct iovec piece = {bytes, size};
  return received(file, &piece, 1, real(file, bytes, size));
}
ssize_t readv(int file, const struct iovec* pieces, int count) {
  REAL(ssize_t, "readv", int, const struct iovec*, int)
  return received(file, pieces, count, real(file, pieces, count));
}

// ---- memory: glibc's own names, for dlsym itself allocates

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static int no_memory(void) { return serving && fails("malloc"); }

void* malloc(size_t size) { return no_memory() ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  return no_memory() ? NULL : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) { return no_memory() ? NULL : __libc_realloc(old, size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return no_memory() ? NULL : __libc_memalign(alignment, size);
}
void* memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }
int posix_memalign(void** to, size_t alignment, size_t size) {
  if (no_memory()) return ENOMEM;
  *to = __libc_memalign(alignment, size);
  return *to == NULL ? ENOMEM : 0;
}
