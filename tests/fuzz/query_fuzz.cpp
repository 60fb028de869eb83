// A query is taken within its limits or refused with a sentence.
#include "property.hpp"
#include "wire/names.hpp"
#include "wire/query.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pena::core::Limits limits;
  const auto task = pena::wire::parse_task_query(text_of(data, size), limits);
  if (task) {
    PENA_PROPERTY(task->batchsize >= 1 && task->batchsize <= limits.batchsize);
    PENA_PROPERTY(task->queues.size() <= pena::core::kMostQueuesOfClient);
    for (const auto& queue : task->queues) PENA_PROPERTY(pena::wire::is_queue_name(queue));
    PENA_PROPERTY(task->name.empty() || pena::wire::is_client_name(task->name));
  } else {
    PENA_PROPERTY(task.refusal().status == 400 && !task.refusal().sentence.empty());
  }
  const auto submit = pena::wire::parse_submit_query(text_of(data, size));
  if (submit) {
    PENA_PROPERTY(submit->empty() || pena::wire::is_queue_name(*submit));
  } else {
    PENA_PROPERTY(submit.refusal().status == 400 && !submit.refusal().sentence.empty());
  }
  const auto by_key = pena::wire::parse_key_query(text_of(data, size));
  if (by_key && *by_key) PENA_PROPERTY(pena::wire::is_key((*by_key)->key));
  const auto by_date = pena::wire::parse_page_query(text_of(data, size), limits,
                                                    {.has_since = true, .is_by_date = true});
  if (by_date && by_date->after) {
    const std::string place = pena::wire::date_place(by_date->after_date, *by_date->after);
    PENA_PROPERTY(pena::wire::parse_page_query("after=" + place, limits, {.is_by_date = true}));
  }
  const auto page = pena::wire::parse_page_query(text_of(data, size), limits);
  if (page) {
    PENA_PROPERTY(page->limit >= 1 && page->limit <= limits.page_ids);
  } else {
    PENA_PROPERTY(page.refusal().status == 400 && !page.refusal().sentence.empty());
  }
  using What = pena::core::StatusAsked::What;
  for (const What what : {What::clients, What::stats}) {
    const auto status = pena::wire::parse_status_query(text_of(data, size), what);
    if (status) {
      PENA_PROPERTY(status->limit >= 1 && status->limit <= pena::wire::kMostStatus);
      PENA_PROPERTY(!status->queue || pena::wire::is_queue_name(*status->queue));
    } else {
      PENA_PROPERTY(status.refusal().status == 400 && !status.refusal().sentence.empty());
    }
  }
  return 0;
}
