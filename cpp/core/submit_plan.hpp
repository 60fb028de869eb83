// How msgs are submitted: which of them make a request, and what follows from its answer. Pure.
//
//   answer               what follows
//   201                  they are accepted, and have the ids that it tells
//   400, 409, 413        of several msgs: each half is a request, until the msg that is refused is alone. So those
//                        before it are accepted, and those behind it are not sent
//   the same, of one     it is refused, and so is all that comes behind it
//
// A msg whose id was made here gets another where that id is somebody else's.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/xid.hpp"

namespace pena::core {

// Of one request. A server takes 8 MiB and 100,000 msgs unless it is told otherwise.
struct RequestSize {
  std::size_t bytes = std::size_t{1} << 20U;
  std::size_t msgs = 1000;
};

// A msg that is to be submitted, but for what it says.
struct ToSubmit {
  std::size_t bytes = 0;  // of its JSON
  std::string key;        // empty: none
  std::optional<Xid> id;  // under which it is submitted; none: the server makes it
  bool is_made = false;   // the id was made here, so it may be another until the msg is accepted
};

struct SubmitAnswer {
  unsigned status = 0;
  std::string why;              // for a person, where it was not accepted
  std::vector<Xid> ids, known;  // where it was
  // The request was sent before, and no answer told what became of it: what is known may be known by that.
  bool again = false;
};

struct AcceptedMsg {
  Xid id;
  bool known = false;  // accepted before, under that key or that id of the caller's
};

class SubmitPlan {
 public:
  using MakeId = std::function<Xid()>;

  SubmitPlan(std::vector<ToSubmit> msgs, const RequestSize& size);

  // The places of the msgs that are the next request, in their order; none: all is done.
  [[nodiscard]] const std::vector<std::size_t>& next();
  [[nodiscard]] const ToSubmit& msg(std::size_t place) const { return msgs_[place]; }

  struct Refusal {
    std::size_t place = 0;
    unsigned status = 0;
    std::string why;
  };
  // What became of that request. `make_id`: ids that share nothing with those that were made before. A refusal
  // is the end.
  [[nodiscard]] std::optional<Refusal> answered(const SubmitAnswer& answer, const MakeId& make_id);

  // What is accepted so far, from the first place on without a gap.
  [[nodiscard]] std::vector<AcceptedMsg> accepted() const;
  // As large as requests may be, by what the server has said.
  [[nodiscard]] const RequestSize& size() const { return size_; }

 private:
  struct Part {
    std::vector<std::size_t> places;
    unsigned collisions = 0;  // of ids, in a row
  };
  [[nodiscard]] Part cut_next();
  void halve(const SubmitAnswer& answer);
  [[nodiscard]] std::optional<Refusal> refused(const SubmitAnswer& answer) const;
  // Those whose ids are somebody else's.
  [[nodiscard]] std::vector<std::size_t> note_accepted(const SubmitAnswer& answer);
  [[nodiscard]] std::optional<Refusal> renew(std::vector<std::size_t> places,
                                             const SubmitAnswer& answer, const MakeId& make_id);

  std::vector<ToSubmit> msgs_;
  std::vector<std::optional<AcceptedMsg>> accepted_;
  RequestSize size_;
  std::size_t cut_to_ = 0;  // those before it are in a part, or done
  std::deque<Part> parts_;  // the first is the request that is under way
};

}  // namespace pena::core
