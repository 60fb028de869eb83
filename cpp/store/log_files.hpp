// The files of a log: of fixed size, overwritten in place. What the log makes of their bytes is segment_log.hpp's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pena::store {

// They are numbered from 0 on. One thread a file at a time. Errors: StoreError, and then what a file holds is
// unknown.
class LogFiles {
 public:
  virtual ~LogFiles() = default;
  // One of that size: as it is, where it is there; or else a new one of zeros, which is durable by its name when this
  // returns.
  virtual void make(std::size_t index, std::size_t bytes) = 0;
  // Into one that was made. Durable with the next sync() of that file, whole or in part before.
  virtual void write(std::size_t index, std::size_t at, std::string_view bytes) = 0;
  virtual void sync(std::size_t index) = 0;
  // Takes all of them away, and what a make() that failed has left. Nothing is to be in them that counts, and none is
  // to be used behind it.
  virtual void remove() = 0;
  // Its first bytes, `most` at most; none: there is no such file.
  [[nodiscard]] virtual std::optional<std::string> read(std::size_t index,
                                                        std::size_t most) const = 0;
  // None: there is no such file.
  [[nodiscard]] virtual std::optional<std::size_t> bytes(std::size_t index) const = 0;
  // How many bytes their disk has left.
  [[nodiscard]] virtual std::size_t room() const = 0;
  // As errors name it.
  [[nodiscard]] virtual std::string name(std::size_t index) const = 0;
};

// `log/segment.0` and on in the folder of a store, which is good wherever the process changes its working
// directory to. Makes nothing before make().
[[nodiscard]] std::unique_ptr<LogFiles> log_files_in(const std::string& store);

}  // namespace pena::store
