#include "store/records.hpp"

#include <string>

#include "store/error.hpp"

namespace pena::store {

std::string_view word(Bucket bucket) {
  switch (bucket) {
    case Bucket::queue:
      return "queue";
    case Bucket::later:
      return "later";
    case Bucket::batch:
      return "batch";
    case Bucket::report:
      return "report";
    case Bucket::fail:
      return "fail";
  }
  return "?";
}

void refuse_put(Bucket bucket, const core::Xid& id) {
  throw StoreError("a bug: " + id.text() + " is to be put into the bucket " +
                   std::string{word(bucket)} + ", but is in it already");
}

void refuse_drop(Bucket bucket, const core::Xid& id) {
  throw StoreError("a bug: " + id.text() + " is to be dropped from the bucket " +
                   std::string{word(bucket)} + ", but is not in it");
}

void refuse_key_put(core::QueueNumber queue, const std::string& key) {
  throw StoreError("a bug: the key " + key + " of the queue " + std::to_string(queue) +
                   " is to be put, but is there already");
}

void refuse_key_drop(core::QueueNumber queue, const std::string& key) {
  throw StoreError("a bug: the key " + key + " of the queue " + std::to_string(queue) +
                   " is to be dropped, but is not there");
}

}  // namespace pena::store
