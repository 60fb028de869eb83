#include "core/submit_plan.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/check.hpp"

namespace pena::core {
namespace {

// A server that knows each id that is made is none.
constexpr unsigned kMostCollisions = 16;
// Of the brackets, and the comma behind each msg.
constexpr std::size_t kAround = 2;

bool may_be_of_one(unsigned status) {
  return status == 400 || status == 409 || status == 413;
}

}  // namespace

SubmitPlan::SubmitPlan(std::vector<ToSubmit> msgs, const RequestSize& size)
    : msgs_(std::move(msgs)), accepted_(msgs_.size()), size_(size) {}

const std::vector<std::size_t>& SubmitPlan::next() {
  if (parts_.empty()) parts_.push_back(cut_next());
  return parts_.front().places;
}

// A server refuses a request in which an id or a key stands twice.
SubmitPlan::Part SubmitPlan::cut_next() {
  Part part;
  std::size_t bytes = kAround;
  std::set<std::string_view> keys;
  std::set<Xid> ids;
  for (; cut_to_ < msgs_.size() && part.places.size() < size_.msgs; ++cut_to_) {
    const ToSubmit& msg = msgs_[cut_to_];
    bytes += msg.bytes + 1;
    if (bytes > size_.bytes && !part.places.empty()) break;
    if (!msg.key.empty() && !keys.insert(msg.key).second) break;
    if (msg.id && !ids.insert(*msg.id).second) break;
    part.places.push_back(cut_to_);
  }
  return part;
}

std::optional<SubmitPlan::Refusal> SubmitPlan::answered(const SubmitAnswer& answer,
                                                        const MakeId& make_id) {
  PENA_CHECK(!parts_.empty() && !parts_.front().places.empty());
  const Part& part = parts_.front();
  if (part.places.size() > 1 && may_be_of_one(answer.status)) {
    halve(answer);
    return std::nullopt;
  }
  const ToSubmit& first = msgs_[part.places.front()];
  const bool is_about_made = first.is_made && (answer.status == 400 || answer.status == 409) &&
                             answer.why.find(first.id->text()) != std::string::npos;
  if (is_about_made) return renew(part.places, answer, make_id);
  if (auto refusal = refused(answer)) return refusal;
  auto taken_by_others = note_accepted(answer);
  if (!taken_by_others.empty()) return renew(std::move(taken_by_others), answer, make_id);
  parts_.pop_front();
  return std::nullopt;
}

void SubmitPlan::halve(const SubmitAnswer& answer) {
  const Part part = std::move(parts_.front());
  parts_.pop_front();
  const auto middle = part.places.begin() + static_cast<std::ptrdiff_t>(part.places.size() / 2);
  if (answer.status == 413) {
    std::size_t bytes = 0;
    for (const std::size_t place : part.places) bytes += msgs_[place].bytes + 1;
    size_.bytes = std::min(size_.bytes, kAround + (bytes + 1) / 2);
    size_.msgs = std::min(size_.msgs, part.places.size() / 2);
  }
  parts_.push_front({{middle, part.places.end()}, part.collisions});
  parts_.push_front({{part.places.begin(), middle}, part.collisions});
}

std::optional<SubmitPlan::Refusal> SubmitPlan::refused(const SubmitAnswer& answer) const {
  const std::vector<std::size_t>& places = parts_.front().places;
  const bool is_good = answer.status == 200 || answer.status == 201;
  if (is_good && answer.ids.size() == places.size()) return std::nullopt;
  return Refusal{
      places.front(), answer.status,
      is_good ? answer.why + "; expected the answer of a Pena server, with an id for each msg"
              : answer.why};
}

std::vector<std::size_t> SubmitPlan::note_accepted(const SubmitAnswer& answer) {
  const std::vector<std::size_t>& places = parts_.front().places;
  const std::set<Xid> known{answer.known.begin(), answer.known.end()};
  std::vector<std::size_t> of_others;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool is_known = known.contains(answer.ids[i]);
    const bool is_made = msgs_[places[i]].is_made;
    if (is_made && is_known && !answer.again) {
      of_others.push_back(places[i]);
    } else {
      accepted_[places[i]] = AcceptedMsg{answer.ids[i], is_known && !is_made};
    }
  }
  return of_others;
}

std::optional<SubmitPlan::Refusal> SubmitPlan::renew(std::vector<std::size_t> places,
                                                     const SubmitAnswer& answer,
                                                     const MakeId& make_id) {
  Part& part = parts_.front();
  if (++part.collisions > kMostCollisions) {
    return Refusal{places.front(), answer.status,
                   "the server knows " + msgs_[places.front()].id->text() +
                       ", and each id that was made in its place"};
  }
  for (const std::size_t place : places) msgs_[place].id = make_id();
  part.places = std::move(places);
  return std::nullopt;
}

std::vector<AcceptedMsg> SubmitPlan::accepted() const {
  std::vector<AcceptedMsg> all;
  for (const auto& one : accepted_) {
    if (!one) break;
    all.push_back(*one);
  }
  return all;
}

}  // namespace pena::core
