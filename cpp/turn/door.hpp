// Whether one more connection is served.
//
//   connections that are there:  0 …… most …… most + 64 ……
//                                serve │ refuse  │ drop
//
// Who is refused is told so, which takes a connection as well: of these there are but some at one time.
//
// Pure. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "wire/outcome.hpp"

namespace pena::turn {

class Door {
 public:
  enum class Entry : std::uint8_t { serve, refuse, drop };
  struct Knock {
    Entry entry = Entry::serve;
    std::string warning;  // for the log, or ""
  };

  // `most`: so many are served at one time.
  explicit Door(std::size_t most) : most_(most) {}

  // One has come beside so many that are there, those that are being refused among them.
  [[nodiscard]] Knock knock(std::size_t connections);
  // None could be let in. The sentence for the log, once until one is served again; then "".
  [[nodiscard]] std::string failed(std::string why);

  // What who is refused is told.
  [[nodiscard]] static wire::Refusal refusal();

 private:
  std::size_t most_;
  bool told_ = false;  // since the last one that was served
};

}  // namespace pena::turn
