// Files that are read through a map. Where such a file was cut off or damaged the kernel answers a read
// with a signal, and a program can have that told in a sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pena::process {

// One file of this process. Of many at once some are not known.
class MappedFile {
 public:
  // `sentence`: what is told where it cannot be read.
  explicit MappedFile(const std::string& sentence);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  // Any thread, one at a time.
  void is_at(std::uintptr_t address, std::size_t bytes);

 private:
  std::string sentence_;
  std::size_t place_;
};

// From now on a SIGBUS while there is a mapped file, and a SIGSEGV in one or up to 4 GiB behind it, as far
// as a length of 32 bits leads, end the process with that file's sentence on stderr and exit code 1.
// Any other does what it did before. For a program's main(): in a library the signals are not ours.
void tell_of_bad_maps();

}  // namespace pena::process
