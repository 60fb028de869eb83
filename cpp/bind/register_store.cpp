#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bind/buckets.hpp"
#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/register.hpp"
#include "store/outside_view.hpp"

namespace pena::bind {
namespace {

using After = std::optional<core::Xid>;

template <class Record>
std::vector<Record> records(store::Page<Record>&& page) {
  return std::move(page.records);
}

store::Bucket bucket_named(const std::string& name) {
  using enum store::Bucket;
  for (const auto bucket : {queue, later, batch, report, fail}) {
    if (store::word(bucket) == name) return bucket;
  }
  throw py::value_error("no bucket is named \"" + name + "\"");
}

// A msg of queue or later, where it is in that bucket. Between two of these reads it may move on: then it is
// not there any more.
std::optional<core::QueuedMsg> waiting_in(const store::View& view, store::Bucket bucket,
                                          const core::Xid& id) {
  if (view.find(id) != bucket) return std::nullopt;
  auto msg = view.waiting(id);
  return view.find(id) == bucket ? std::move(msg) : std::nullopt;
}

// Msgs of all queues, or of later, in the order of their ids. Empty only behind the last of them, though
// those of a page may be gone when they are read.
std::vector<core::QueuedMsg> waiting_page(const store::View& view, store::Bucket bucket,
                                          After after, std::size_t limit) {
  for (;;) {
    const auto page = view.ids(bucket, after, limit);
    std::vector<core::QueuedMsg> msgs;
    for (const core::Xid& id : page.records) {
      if (auto msg = view.waiting(id)) msgs.push_back(*std::move(msg));
    }
    std::vector<core::Xid> ids;
    for (const core::QueuedMsg& msg : msgs) ids.push_back(msg.msg.id);
    const auto where = view.find_all(ids);
    auto at = where.begin();
    std::erase_if(msgs, [&](const core::QueuedMsg& /*msg*/) { return *at++ != bucket; });
    if (!msgs.empty() || !page.more) return msgs;
    after = page.records.back();
  }
}

// A payload or result for json.loads, none of its bytes changed.
py::str json(const std::string& written) {
  PyObject* const text = PyUnicode_DecodeUTF8(
      written.data(), static_cast<Py_ssize_t>(written.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

// What msgs, and records of them, have in common. `msg_of`: where it is.
template <class Record, class MsgOf>
py::class_<Record> register_msg(py::module_& module, const char* name, MsgOf msg_of) {
  return py::class_<Record>(module, name)
      .def_property_readonly("id", [=](const Record& record) { return msg_of(record).id; })
      .def_property_readonly("period", [=](const Record& record) { return msg_of(record).period; })
      .def_property_readonly("queue", [=](const Record& record) { return msg_of(record).queue; })
      .def_property_readonly("key", [=](const Record& record) { return Text{msg_of(record).key}; })
      .def_property_readonly("max_resends",
                             [=](const Record& record) { return msg_of(record).max_resends; })
      .def_readonly("attempts", &Record::attempts)
      .def_readonly("accepted_at", &Record::accepted_at)
      .def_readonly("misses", &Record::misses);
}

void register_records(py::module_& module) {
  py::class_<core::Miss>(module, "Miss")
      .def_readonly("batch", &core::Miss::batch)
      .def_readonly("client", &core::Miss::client)
      .def_property_readonly("name", [](const core::Miss& miss) { return Text{miss.client_name}; })
      .def_readonly("granted_at", &core::Miss::granted_at)
      .def_readonly("missed_at", &core::Miss::missed_at)
      .def_property_readonly("reason", [](const core::Miss& miss) { return word(miss.reason); })
      .def_property_readonly("error", [](const core::Miss& miss) { return Text{miss.error}; });
  const auto msg_of = [](const auto& record) -> const core::Msg& {
    return record.msg;
  };
  register_msg<core::QueuedMsg>(module, "QueuedMsg", msg_of)
      .def_property_readonly("payload",
                             [](const core::QueuedMsg& msg) { return json(msg.msg.payload); })
      .def_readonly("queued_at", &core::QueuedMsg::queued_at);
  py::class_<core::Batch>(module, "Batch")
      .def_readonly("id", &core::Batch::id)
      .def_readonly("client", &core::Batch::client)
      .def_property_readonly("name",
                             [](const core::Batch& batch) { return Text{batch.client_name}; })
      .def_readonly("granted_at", &core::Batch::granted_at)
      .def_readonly("msgs", &core::Batch::msgs);
  const auto itself = [](const core::ReportRecord& record) -> const core::ReportRecord& {
    return record;
  };
  register_msg<core::ReportRecord>(module, "ReportRecord", itself)
      .def_readonly("batch", &core::ReportRecord::batch)
      .def_readonly("client", &core::ReportRecord::client)
      .def_property_readonly(
          "name", [](const core::ReportRecord& record) { return Text{record.client_name}; })
      .def_readonly("granted_at", &core::ReportRecord::granted_at)
      .def_readonly("reported_at", &core::ReportRecord::reported_at)
      .def_property_readonly("result",
                             [](const core::ReportRecord& record) { return json(record.result); });
  register_msg<core::FailRecord>(module, "FailRecord", msg_of)
      .def_property_readonly("payload",
                             [](const core::FailRecord& fail) { return json(fail.msg.payload); })
      .def_readonly("failed_at", &core::FailRecord::failed_at);
}

void register_pages(py::class_<Buckets>& buckets) {
  const auto after = py::arg("after");
  const auto limit = py::arg("limit");
  buckets
      .def(
          "ids",
          [](const Buckets& self, const std::string& bucket, After from, std::size_t most) {
            return records(self.view()->ids(bucket_named(bucket), from, most));
          },
          py::arg("bucket"), after, limit, WithoutGil())
      .def(
          "queue_page",
          [](const Buckets& self, After from, std::size_t most) {
            return waiting_page(*self.view(), store::Bucket::queue, from, most);
          },
          after, limit, WithoutGil())
      .def(
          "later_page",
          [](const Buckets& self, After from, std::size_t most) {
            return waiting_page(*self.view(), store::Bucket::later, from, most);
          },
          after, limit, WithoutGil())
      .def(
          "report_page",
          [](const Buckets& self, After from, std::size_t most) {
            return records(self.view()->reports(from, most));
          },
          after, limit, WithoutGil())
      .def(
          "fail_page",
          [](const Buckets& self, After from, std::size_t most) {
            return records(self.view()->fails(from, most));
          },
          after, limit, WithoutGil());
}

void register_lookups(py::class_<Buckets>& buckets) {
  const auto id = py::arg("id");
  buckets
      .def(
          "queued",
          [](const Buckets& self, const core::Xid& msg) {
            return waiting_in(*self.view(), store::Bucket::queue, msg);
          },
          id, WithoutGil())
      .def(
          "later",
          [](const Buckets& self, const core::Xid& msg) {
            return waiting_in(*self.view(), store::Bucket::later, msg);
          },
          id, WithoutGil())
      .def(
          "queue_name",
          [](Buckets& self, core::QueueNumber number) { return Text{self.queue_name(number)}; },
          py::arg("number"), WithoutGil())
      .def(
          "report",
          [](const Buckets& self, const core::Xid& msg) { return self.view()->report(msg); }, id,
          WithoutGil())
      .def(
          "fail", [](const Buckets& self, const core::Xid& msg) { return self.view()->fail(msg); },
          id, WithoutGil())
      .def(
          "batch",
          [](const Buckets& self, const core::Xid& batch) { return self.view()->batch(batch); }, id,
          WithoutGil())
      .def(
          "batches", [](const Buckets& self) { return self.view()->batches(); }, WithoutGil())
      .def(
          "counts",
          [](const Buckets& self) {
            const store::BucketCounts counts = self.view()->counts();
            return std::tuple{counts.queue, counts.later, counts.batch, counts.report, counts.fail};
          },
          WithoutGil())
      .def(
          "meta",
          [](const Buckets& self, const std::string& key) { return self.view()->meta(key); },
          py::arg("key"), WithoutGil())
      .def("close", &Buckets::close, WithoutGil());
}

}  // namespace

void register_store(py::module_& module) {
  register_records(module);
  py::class_<Buckets> buckets{module, "Buckets"};
  register_pages(buckets);
  register_lookups(buckets);
  module.def(
      "open_store",
      [](const std::string& path) {
        return std::make_unique<Buckets>(store::open_store_view(path));
      },
      py::arg("path"), WithoutGil());
}

}  // namespace pena::bind
