#include <string>
#include <string_view>

#include "bind/register.hpp"
#include "wire/sse.hpp"

namespace pena::bind {

namespace py = pybind11;

namespace {

// The parser of the client, and what it has called back for since it was last asked: tuples of bytes,
// ("event", type, data, id), ("comment", text) or ("retry", ms).
class Sse {
 public:
  explicit Sse(std::size_t max_bytes) : parser_(max_bytes) {
    parser_.on_event = [this](const wire::SseEvent& event) {
      seen_.append(py::make_tuple("event", py::bytes(event.type), py::bytes(event.data),
                                  py::bytes(event.id)));
    };
    parser_.on_comment = [this](std::string_view comment) {
      seen_.append(py::make_tuple("comment", py::bytes(comment.data(), comment.size())));
    };
    parser_.on_retry = [this](std::uint64_t ms) {
      seen_.append(py::make_tuple("retry", ms));
    };
  }

  py::list feed(const py::bytes& bytes) {
    if (!parser_.feed(std::string_view(bytes))) {
      throw py::value_error("a line or an event of the stream is too long");
    }
    py::list seen = seen_;
    seen_ = py::list();
    return seen;
  }

 private:
  wire::SseParser parser_;
  py::list seen_;
};

}  // namespace

void register_sse(py::module_& module) {
  py::class_<Sse>(module, "SseParser")
      .def(py::init<std::size_t>(), py::arg("max_bytes"))
      .def("feed", &Sse::feed, py::arg("bytes"));
}

}  // namespace pena::bind
