// The names that people choose: of queues, of msgs (their keys) and of clients.
#pragma once

#include <string>
#include <string_view>

namespace pena::wire {

// What a queue's name is made of, for the sentence of a refusal.
[[nodiscard]] std::string queue_name_rule();
[[nodiscard]] bool is_queue_name(std::string_view name);
// The empty name stands for `default`, in all that comes from a request.
[[nodiscard]] std::string_view short_queue_name(std::string_view name);
// And for people it does not.
[[nodiscard]] std::string_view full_queue_name(std::string_view name);

// 1 to 200 bytes of UTF-8.
[[nodiscard]] std::string key_rule();
[[nodiscard]] bool is_key(std::string_view key);
// Fit to stand in an error's sentence, in quotation marks, and as a rule whole.
[[nodiscard]] std::string shown_key(std::string_view key);

// 1 to 64 bytes of UTF-8, without control characters.
[[nodiscard]] std::string client_name_rule();
[[nodiscard]] bool is_client_name(std::string_view name);

}  // namespace pena::wire
