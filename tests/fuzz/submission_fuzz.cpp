// The body of POST /task: the payload that is taken comes back in the frame of a stream unchanged.
#include "property.hpp"
#include "wire/json.hpp"
#include "wire/names.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pena::core::Limits limits;
  limits.submit_msgs = 20;
  limits.payload_bytes = 4096;
  const auto submissions = pena::wire::parse_submissions(text_of(data, size), limits);
  if (!submissions) {
    const unsigned status = submissions.refusal().status;
    PENA_PROPERTY(status == 400 || status == 413);
    PENA_PROPERTY(pena::wire::parse_error(pena::wire::error_json(submissions.refusal().sentence))
                      .has_value());
    return 0;
  }
  PENA_PROPERTY(submissions->size() <= limits.submit_msgs);
  for (const auto& one : *submissions) {
    PENA_PROPERTY(one.period <= limits.period_ms && one.payload.size() <= limits.payload_bytes);
    const pena::wire::Wishes wishes = one.wishes ? *one.wishes : pena::wire::Wishes{};
    PENA_PROPERTY(wishes.key.empty() || pena::wire::is_key(wishes.key));
    PENA_PROPERTY(wishes.queue.empty() || pena::wire::is_queue_name(wishes.queue));
    PENA_PROPERTY(!wishes.delay || !wishes.due_at);
    pena::core::QueuedMsg msg;
    msg.msg = {one.id.value_or(pena::core::Xid{}), one.period, one.payload};
    msg.msg.key = wishes.key;
    msg.msg.max_resends = wishes.max_resends;
    std::string frame;
    pena::wire::append_msg_json(frame, msg, limits.max_resends, wishes.queue);
    PENA_PROPERTY(frame.find('\n') == std::string::npos && frame.find('\r') == std::string::npos);
    const auto received = pena::wire::parse_msg_json(frame);
    PENA_PROPERTY(received && received->id == msg.msg.id && received->period == one.period);
    PENA_PROPERTY(received->payload == one.payload && received->key == wishes.key);
    PENA_PROPERTY(received->queue == wishes.queue);
    PENA_PROPERTY(received->last_attempt == (wishes.max_resends == 0));
  }
  return 0;
}
