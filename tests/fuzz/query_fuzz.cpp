// A query is taken within its limits or refused with a sentence.
#include "property.hpp"
#include "wire/query.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pena::core::Limits limits;
  const auto task = pena::wire::parse_task_query(text_of(data, size), limits);
  if (task) {
    PENA_PROPERTY(task->batchsize >= 1 && task->batchsize <= limits.batchsize);
  } else {
    PENA_PROPERTY(task.refusal().status == 400 && !task.refusal().sentence.empty());
  }
  const auto page = pena::wire::parse_page_query(text_of(data, size), limits);
  if (page) {
    PENA_PROPERTY(page->limit >= 1 && page->limit <= limits.page_ids);
  } else {
    PENA_PROPERTY(page.refusal().status == 400 && !page.refusal().sentence.empty());
  }
  return 0;
}
