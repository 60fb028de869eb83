#include "store/lmdb_page_look.hpp"

#include "store/lmdb_files.hpp"

namespace pena::store {

PageLook::PageLook(const std::string& path)
    : env_(LmdbEnv::open(path, 0, false)), check_(data_file_of(env_->folder())) {
  constexpr std::uint64_t kPagesAtOnce = 2'048;  // 8 MiB: others read in between
  place_.pages_at_once = kPagesAtOnce;
  place_.over = env_->all_looked_at();
}

bool PageLook::next() {
  if (!place_.over) env_->look_at_slice(check_, place_);
  return !place_.over;
}

}  // namespace pena::store
