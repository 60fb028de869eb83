// stdin, stdout and stderr of this process.
#pragma once

namespace pena::process {

// Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed. Otherwise the next file or
// socket that is opened would get its number, and whatever is printed would be written into it: log
// lines into a store. Call it before anything is opened. Any thread.
void secure_standard_files() noexcept;

}  // namespace pena::process
