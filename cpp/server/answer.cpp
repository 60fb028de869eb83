#include "server/answer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <utility>

namespace pena::server {

namespace asio = boost::asio;

namespace {

// What the store says, by a thread that may wait for the disk.
Awaitable<std::variant<turn::Answer, turn::Unfound>> look(Engine& engine,
                                                          const turn::LookUp& asked) {
  const auto read = [&]() -> asio::awaitable<std::variant<turn::Answer, turn::Unfound>> {
    co_return turn::answer(asked, engine.buckets);
  };
  co_return co_await asio::co_spawn(engine.readers, read, use_awaitable);
}

Awaitable<turn::Answer> look_up(Engine& engine, turn::LookUp asked) {
  while (true) {
    auto found = co_await look(engine, asked);
    if (auto* const answer = std::get_if<turn::Answer>(&found)) co_return std::move(*answer);
    auto again = engine.desk.ask(std::get<turn::Unfound>(std::move(found)));
    if (auto* const answer = std::get_if<turn::Answer>(&again)) co_return std::move(*answer);
    const turn::Reply reply = co_await engine.reply_to(std::get<turn::Waits>(again));
    auto given = turn::answer(reply, engine.settings.limits);
    if (auto* const answer = std::get_if<turn::Answer>(&given)) co_return std::move(*answer);
    asked = std::get<turn::LookUp>(std::move(given));
  }
}

Awaitable<turn::Answer> answer_to(Engine& engine, turn::Waits& asked) {
  const turn::Reply reply = co_await engine.reply_to(asked);
  auto given = turn::answer(reply, engine.settings.limits);
  if (auto* const asks = std::get_if<turn::LookUp>(&given)) {
    turn::Answer looked_up = co_await look_up(engine, std::move(*asks));
    given = std::move(looked_up);
  }
  auto& answer = std::get<turn::Answer>(given);
  if (engine.settings.log.wants(core::LogLevel::debug)) {
    const std::string told = turn::describe(reply, answer);
    const std::string number = std::to_string(reply.request);
    if (!told.empty()) engine.log(core::LogLevel::debug, "request " + number + ": " + told);
  }
  co_return std::move(answer);
}

Awaitable<Answer> read_page(Engine& engine, const turn::ReadPage& asked) {
  auto page = std::make_shared<turn::PageText>(engine.buckets, asked.bucket, asked.query,
                                               engine.settings.limits.page_bytes);
  Answer answer;
  co_await read_slice(engine, *page, answer.body);
  if (!page->done()) answer.rest = std::move(page);
  co_return answer;
}

}  // namespace

Awaitable<Answer> answer(Engine& engine, turn::Asked& asked) {
  if (const auto* const page = std::get_if<turn::ReadPage>(&asked)) {
    co_return co_await read_page(engine, *page);
  }
  if (const auto* const sought = std::get_if<turn::FindMsg>(&asked)) {
    co_return Answer{co_await look_up(engine, turn::LookUp{*sought})};
  }
  if (auto* const waits = std::get_if<turn::Waits>(&asked)) {
    co_return Answer{co_await answer_to(engine, *waits)};
  }
  co_return Answer{std::move(std::get<turn::Answer>(asked))};
}

Awaitable<void> read_slice(Engine& engine, turn::PageText& page, std::string& text) {
  const auto read = [&]() -> asio::awaitable<void> {
    page.append_next(text);
    co_return;
  };
  co_await asio::co_spawn(engine.readers, read, use_awaitable);
}

}  // namespace pena::server
