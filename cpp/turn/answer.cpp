#include "turn/answer.hpp"

#include "wire/json.hpp"

namespace pena::turn {

Answer refuse(const wire::Refusal& refusal) {
  return {refusal.status, wire::error_json(refusal.sentence),
          refusal.status == 503 ? "Retry-After: 1\r\n" : ""};
}

Answer busy(const std::string& why, const std::string& advice) {
  return refuse({503, why + "; " + advice});
}

}  // namespace pena::turn
