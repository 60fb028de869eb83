// Records with something in every field.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/effect.hpp"
#include "core/msg.hpp"

namespace pena::store::test {

inline core::Xid id_of(std::uint16_t number) {
  return core::Xid{core::Xid::Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                    static_cast<std::uint8_t>(number >> 8U),
                                    static_cast<std::uint8_t>(number & 0xffU)}};
}

inline core::Miss a_miss() {
  return {id_of(700),    id_of(701), core::from_us(11), core::from_us(22), core::MissReason::failed,
          "no \"luck\"", "worker 7"};
}

inline core::QueuedMsg queued(std::uint16_t number, std::string payload = "{\"n\":1}") {
  return {
      {id_of(number), 382, std::move(payload)}, core::from_us(5), core::from_us(6), {a_miss()}, 1};
}
// Of another queue, with what a msg may have besides.
inline core::QueuedMsg queued_in(core::QueueNumber queue, std::uint16_t number) {
  core::QueuedMsg msg = queued(number);
  msg.msg.queue = queue;
  msg.msg.max_resends = number;
  msg.msg.key = "key " + std::to_string(number);
  return msg;
}
// That is not to be sent before a date.
inline core::QueuedMsg due(std::uint16_t number, std::int64_t at, core::QueueNumber queue = 0) {
  core::QueuedMsg msg = queued(number);
  msg.msg.queue = queue;
  msg.queued_at = core::from_us(at);
  return msg;
}

inline core::Batch a_batch(std::uint16_t number, std::vector<core::QueuedMsg> msgs) {
  return {id_of(number), id_of(800), core::from_us(99), std::move(msgs), "worker 8"};
}

inline core::PutBatch put_batch(std::uint16_t number, std::vector<core::QueuedMsg> msgs) {
  return {std::make_shared<core::Batch>(a_batch(number, std::move(msgs)))};
}
// What a partial report left of one that is there.
inline core::PutBatch rest_of_batch(std::uint16_t number, std::vector<core::QueuedMsg> msgs) {
  core::PutBatch put = put_batch(number, std::move(msgs));
  put.replaces = true;
  return put;
}

// `order`: as the store gives it.
inline core::ReportRecord reported(std::uint16_t number, std::uint64_t order = 0,
                                   core::QueueNumber queue = 0) {
  core::ReportRecord record{
      id_of(number),    382,       id_of(700), id_of(800), core::from_us(1), core::from_us(2),
      core::from_us(3), {a_miss()}};
  record.attempts = 2;
  record.queue = queue;
  record.max_resends = 7;
  record.client_name = "worker 8";
  record.payload_hash.emplace().fill(9);
  record.result = "[1,2]";
  record.order = order;
  return record;
}

inline core::FailRecord failed(std::uint16_t number, std::uint64_t order = 0,
                               core::QueueNumber queue = 0) {
  core::FailRecord record{
      {id_of(number), 1000, "[]"}, core::from_us(1), core::from_us(9), {a_miss(), a_miss()}, 2};
  record.msg.queue = queue;
  record.order = order;
  return record;
}

}  // namespace pena::store::test
