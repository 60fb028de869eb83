// The pages of LMDB 0.9 on a machine of 64 bits, as its own lmdb.h and mdb.c have them:
//
//   page    = number:u64 pad:u16 flags:u16 (lower:u16 upper:u16 | pages:u32) …     16 bytes of header
//   meta    = page header, magic:u32 version:u32 address:u64 map:u64 tree tree last_page:u64 txn:u64
//   tree    = pad:u32 flags:u16 depth:u16 branches:u64 leaves:u64 overflow:u64 entries:u64 root:u64
//             the first of a meta page is the list of free pages, whose pad is the size of a page; the
//             second has the buckets, each a tree by its name
//   branch, leaf = header, the places of the nodes:u16*, free room, nodes down from the end
//   node    = lo:u16 hi:u16 flags:u16 key_size:u16 key data
//             of a leaf lo and hi are the size of the data, which lies here or, where it is large, in
//             pages of its own, whose first number is here; of a branch all three are a page
//   entry of the list of free pages = txn:u64 → count:u64 page:u64*, the highest first
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace pena::store {

inline constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
inline constexpr std::size_t kHeader = 16;
inline constexpr std::size_t kNodeHeader = 8;
inline constexpr std::size_t kTreeBytes = 48;
inline constexpr std::uint32_t kMagic = 0xBEEFC0DE;
inline constexpr std::uint32_t kVersion = 1;
inline constexpr int kDeepest = 32;
enum PageFlags : std::uint16_t { kBranch = 1, kLeaf = 2, kOverflow = 4, kMeta = 8 };
enum NodeFlags : std::uint16_t { kBig = 1, kTree = 2 };
// Duplicates and keys of another order: no tree of a store has them.
inline constexpr std::uint16_t kForeignFlags = 0x76;
inline constexpr std::uint16_t kNumberKeys = 8;

template <class Number>
Number number_at(const char* at) {
  Number number{};
  std::memcpy(&number, at, sizeof number);
  return number;
}

struct Tree {
  std::uint32_t pad = 0;
  std::uint16_t flags = 0, depth = 0;
  std::uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0, root = kNoPage;

  [[nodiscard]] static Tree at(const char* bytes) {
    return {number_at<std::uint32_t>(bytes),      number_at<std::uint16_t>(bytes + 4),
            number_at<std::uint16_t>(bytes + 6),  number_at<std::uint64_t>(bytes + 8),
            number_at<std::uint64_t>(bytes + 16), number_at<std::uint64_t>(bytes + 24),
            number_at<std::uint64_t>(bytes + 32), number_at<std::uint64_t>(bytes + 40)};
  }
};

struct Meta {
  std::uint64_t number = 0;
  std::uint16_t flags = 0;
  std::uint32_t magic = 0, version = 0;
  std::uint64_t map_bytes = 0, last_page = 0, txn = 0;
  Tree free, main;
};

inline constexpr std::size_t kMetaBytes = kHeader + 24 + 2 * kTreeBytes + 16;

inline Meta meta_at(const char* page) {
  const char* const body = page + kHeader;
  const char* const trees = body + 24;
  const char* const end = trees + 2 * kTreeBytes;
  return {number_at<std::uint64_t>(page),      number_at<std::uint16_t>(page + 10),
          number_at<std::uint32_t>(body),      number_at<std::uint32_t>(body + 4),
          number_at<std::uint64_t>(body + 16), number_at<std::uint64_t>(end),
          number_at<std::uint64_t>(end + 8),   Tree::at(trees),
          Tree::at(trees + kTreeBytes)};
}

inline bool is_page_size(std::uint64_t bytes) {
  return bytes >= 256 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

inline std::string text(std::uint64_t number) {
  return std::to_string(number);
}

// What is wrong with a meta page by itself, but for its roots; empty where nothing is.
inline std::string wrong_with(const Meta& meta, std::uint64_t page_bytes, int which) {
  if (meta.magic != kMagic || (meta.flags & kMeta) == 0) return "it is no meta page";
  if (meta.version != kVersion) {
    return "its version is " + text(meta.version) + ", expected " + text(kVersion);
  }
  if (meta.number != static_cast<std::uint64_t>(which)) {
    return "it says that it is page " + text(meta.number);
  }
  if (meta.free.pad != page_bytes) {
    return "its pages have " + text(meta.free.pad) + " bytes, expected " + text(page_bytes);
  }
  constexpr std::uint64_t kMostPages = std::uint64_t{1} << 40U;
  if (meta.last_page < 1 || meta.last_page > kMostPages) {
    return "its last page is " + text(meta.last_page);
  }
  constexpr std::uint64_t kLargestMap = std::uint64_t{1} << 47U;
  if (meta.map_bytes == 0 || meta.map_bytes > kLargestMap) {
    return "its map has " + text(meta.map_bytes) + " bytes";
  }
  if ((meta.free.flags & kForeignFlags) != 0 || (meta.free.flags & kNumberKeys) == 0 ||
      meta.main.flags != 0) {
    return "its trees have flags that no store has";
  }
  return {};
}

// Of the newer meta page alone. Where the disk refused that page, LMDB has put the old transaction and
// the old last page back, but not the old roots: so the older one may have roots of no commit.
inline std::string wrong_roots(const Meta& meta) {
  for (const Tree* tree : {&meta.free, &meta.main}) {
    if (tree->root != kNoPage && (tree->root < 2 || tree->root > meta.last_page)) {
      return "the root of a tree is page " + text(tree->root) + " of " + text(meta.last_page);
    }
  }
  return {};
}

}  // namespace pena::store
