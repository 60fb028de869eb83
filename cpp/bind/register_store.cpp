#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bind/buckets.hpp"
#include "bind/casters.hpp"
#include "bind/gil.hpp"
#include "bind/register.hpp"
#include "store/lmdb_store.hpp"

namespace pena::bind {
namespace {

using After = std::optional<core::Xid>;

template <class Record>
std::vector<Record> records(store::Page<Record>&& page) {
  return std::move(page.records);
}

store::Bucket bucket_named(const std::string& name) {
  for (const auto bucket :
       {store::Bucket::queue, store::Bucket::batch, store::Bucket::report, store::Bucket::fail}) {
    if (store::word(bucket) == name) return bucket;
  }
  throw py::value_error("no bucket is named \"" + name + "\"");
}

// The id just below, so that a page after it begins with `id`. Nothing below the nil id.
After before(const core::Xid& id) {
  core::Xid::Bytes bytes = id.bytes();
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    if ((*byte)-- != 0) return core::Xid{bytes};
  }
  return std::nullopt;
}

std::optional<core::QueuedMsg> queued(const Buckets& buckets, const core::Xid& id) {
  auto page = buckets.view()->queue(before(id), 1);
  if (page.records.empty() || page.records.front().msg.id != id) return std::nullopt;
  return std::move(page.records.front());
}

// A payload for json.loads, none of its bytes changed.
py::str json(const std::string& payload) {
  PyObject* const text = PyUnicode_DecodeUTF8(
      payload.data(), static_cast<Py_ssize_t>(payload.size()), "surrogateescape");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

void register_records(py::module_& module) {
  py::class_<core::Miss>(module, "Miss")
      .def_readonly("batch", &core::Miss::batch)
      .def_readonly("client", &core::Miss::client)
      .def_readonly("granted_at", &core::Miss::granted_at)
      .def_readonly("missed_at", &core::Miss::missed_at)
      .def_property_readonly("reason", [](const core::Miss& miss) { return word(miss.reason); })
      .def_property_readonly("error", [](const core::Miss& miss) { return Text{miss.error}; });
  py::class_<core::QueuedMsg>(module, "QueuedMsg")
      .def_property_readonly("id", [](const core::QueuedMsg& msg) { return msg.msg.id; })
      .def_property_readonly("period", [](const core::QueuedMsg& msg) { return msg.msg.period; })
      .def_property_readonly("payload",
                             [](const core::QueuedMsg& msg) { return json(msg.msg.payload); })
      .def_readonly("accepted_at", &core::QueuedMsg::accepted_at)
      .def_readonly("queued_at", &core::QueuedMsg::queued_at)
      .def_readonly("misses", &core::QueuedMsg::misses);
  py::class_<core::Batch>(module, "Batch")
      .def_readonly("id", &core::Batch::id)
      .def_readonly("client", &core::Batch::client)
      .def_readonly("granted_at", &core::Batch::granted_at)
      .def_readonly("msgs", &core::Batch::msgs);
  py::class_<core::ReportRecord>(module, "ReportRecord")
      .def_readonly("id", &core::ReportRecord::id)
      .def_readonly("period", &core::ReportRecord::period)
      .def_readonly("batch", &core::ReportRecord::batch)
      .def_readonly("client", &core::ReportRecord::client)
      .def_readonly("accepted_at", &core::ReportRecord::accepted_at)
      .def_readonly("granted_at", &core::ReportRecord::granted_at)
      .def_readonly("reported_at", &core::ReportRecord::reported_at)
      .def_readonly("misses", &core::ReportRecord::misses);
  py::class_<core::FailRecord>(module, "FailRecord")
      .def_property_readonly("id", [](const core::FailRecord& fail) { return fail.msg.id; })
      .def_property_readonly("period", [](const core::FailRecord& fail) { return fail.msg.period; })
      .def_property_readonly("payload",
                             [](const core::FailRecord& fail) { return json(fail.msg.payload); })
      .def_readonly("accepted_at", &core::FailRecord::accepted_at)
      .def_readonly("failed_at", &core::FailRecord::failed_at)
      .def_readonly("misses", &core::FailRecord::misses);
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
            return records(self.view()->queue(from, most));
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
  buckets.def("queued", &queued, id, WithoutGil())
      .def(
          "report",
          [](const Buckets& self, const core::Xid& msg) { return self.view()->report(msg); }, id,
          WithoutGil())
      .def(
          "fail", [](const Buckets& self, const core::Xid& msg) { return self.view()->fail(msg); },
          id, WithoutGil())
      .def(
          "batches", [](const Buckets& self) { return self.view()->batches(); }, WithoutGil())
      .def(
          "counts",
          [](const Buckets& self) {
            const store::BucketCounts counts = self.view()->counts();
            return std::tuple{counts.queue, counts.batch, counts.report, counts.fail};
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
        return std::make_unique<Buckets>(store::open_lmdb_view(path));
      },
      py::arg("path"), WithoutGil());
}

}  // namespace pena::bind
