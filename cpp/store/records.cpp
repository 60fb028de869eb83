#include "store/records.hpp"

#include <string>

#include "store/error.hpp"

namespace pena::store {

std::string_view word(Bucket bucket) {
  switch (bucket) {
    case Bucket::queue:
      return "queue";
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

}  // namespace pena::store
