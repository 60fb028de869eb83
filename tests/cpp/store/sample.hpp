// Records with something in every field.
#pragma once

#include "core/effect.hpp"
#include "core/msg.hpp"

namespace pena::store::test {

inline core::Xid id_of(std::uint16_t number) {
  return core::Xid{core::Xid::Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                    static_cast<std::uint8_t>(number >> 8U),
                                    static_cast<std::uint8_t>(number & 0xffU)}};
}

inline core::Miss a_miss() {
  return {id_of(700),   id_of(701), core::from_us(11), core::from_us(22), core::MissReason::failed,
          "no \"luck\""};
}

inline core::QueuedMsg queued(std::uint16_t number, std::string payload = "{\"n\":1}") {
  return {{id_of(number), 382, std::move(payload)}, core::from_us(5), core::from_us(6), {a_miss()}};
}

inline core::Batch a_batch(std::uint16_t number, std::vector<core::QueuedMsg> msgs) {
  return {id_of(number), id_of(800), core::from_us(99), std::move(msgs)};
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

inline core::ReportRecord reported(std::uint16_t number) {
  return {id_of(number),    382,       id_of(700), id_of(800), core::from_us(1), core::from_us(2),
          core::from_us(3), {a_miss()}};
}

inline core::FailRecord failed(std::uint16_t number) {
  return {{id_of(number), 1000, "[]"}, core::from_us(1), core::from_us(9), {a_miss(), a_miss()}};
}

}  // namespace pena::store::test
