#include "turn/page_text.hpp"

#include <algorithm>

namespace pena::turn {
namespace {

const core::Xid& id_of(const core::Xid& id) {
  return id;
}
const core::Xid& id_of(const core::ReportRecord& record) {
  return record.id;
}
const core::Xid& id_of(const core::FailRecord& record) {
  return record.msg.id;
}

}  // namespace

PageText::PageText(const store::View& buckets, store::Bucket bucket, const wire::PageQuery& query,
                   std::size_t most_bytes, std::size_t slice)
    : buckets_(buckets),
      bucket_(bucket),
      query_(query),
      bytes_left_(most_bytes),
      slice_(slice),
      json_(query.records ? "records" : "ids") {}

void PageText::append_next(std::string& out) {
  const store::Most most{query_.limit, slice_};
  if (!query_.records) {
    append(out, buckets_.ids(bucket_, query_.after,
                             std::min(query_.limit, slice_ / core::Xid::kTextLength)));
  } else if (bucket_ == store::Bucket::report) {
    append(out, buckets_.reports(query_.after, most));
  } else {
    append(out, buckets_.fails(query_.after, most));
  }
}

template <class Record>
void PageText::append(std::string& out, const store::Page<Record>& page) {
  bool more = page.more;
  for (const Record& record : page.records) {
    if (bytes_left_ == 0) {
      more = true;
      break;
    }
    const std::size_t before = out.size();
    json_.add(out, record);
    bytes_left_ -= std::min(bytes_left_, out.size() - before);
    --query_.limit;
    query_.after = id_of(record);
  }
  done_ = !more || bytes_left_ == 0 || query_.limit == 0;
  if (done_) json_.end(out, more ? query_.after : std::nullopt);
}

}  // namespace pena::turn
