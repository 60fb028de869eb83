// What goes wrong with a store.
#pragma once

#include <stdexcept>

namespace pena::store {

// The environment failed: no such folder, in use, disk full, corrupt. what() is a sentence for the
// user.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
// The store's disk is full.
class NoRoom : public StoreError {
 public:
  using StoreError::StoreError;
};
// So full that what a crash left in the store's log cannot be taken into the store. It can when there is room.
class NoRoomToRecover : public StoreError {
 public:
  using StoreError::StoreError;
};
// Another server has the store.
class StoreInUse : public StoreError {
 public:
  using StoreError::StoreError;
};

}  // namespace pena::store
