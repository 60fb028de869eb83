#include "server/server.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <mutex>
#include <new>
#include <random>
#include <shared_mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "process/standard_files.hpp"
#include "server/applier.hpp"
#include "server/clock.hpp"
#include "server/engine.hpp"
#include "server/listener.hpp"
#include "server/turn_loop.hpp"
#include "server/xid_source.hpp"
#include "store/lmdb_page_look.hpp"
#include "store/lmdb_store.hpp"
#include "store/log_store.hpp"
#include "store/memory_store.hpp"
#include "store/up_to_date_view.hpp"
#include "turn/stop.hpp"
#include "wire/http_date.hpp"

namespace pena::server {

namespace asio = boost::asio;

namespace {

std::uint64_t chance() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

// Null where the store is in memory.
std::unique_ptr<store::LogStore> open_log_store(const ServerSettings& settings) {
  if (settings.store.empty()) return nullptr;
  const core::Limits& limits = settings.limits;
  return std::make_unique<store::LogStore>(
      store::open_lmdb_store(settings.store, limits.map_bytes, limits.disk_bytes),
      store::log_files_in(std::filesystem::absolute(settings.store).lexically_normal().string()),
      store::LogStore::Settings{store::shape_of(limits), limits.logged_bytes, chance(),
                                limits.disk_bytes});
}

std::optional<turn::Generator::Settings> generator_of(const GeneratorSettings& settings) {
  if (!settings.enabled) return std::nullopt;
  return turn::Generator::Settings{settings.count, settings.rate, settings.seed.value_or(chance()),
                                   settings.yields()};
}

// What ended the thread of the turn.
std::string told(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const store::StoreError&) {
    return "the store failed";
  } catch (const std::bad_alloc&) {
    return "the memory is out";
  } catch (const std::exception& bug) {
    return std::string{"a bug showed ("} + bug.what() + ")";
  }
}

// Of a coroutine that nothing is to end but the server.
void rethrow(const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
}

// Runs `start`, and says what a thread that cannot start means.
template <class Start>
auto with_threads(Start start) {
  const auto refused = [](const auto& error) {
    return error.code().value() == EAGAIN;
  };
  const auto failure = [](const auto& error) {
    return std::runtime_error("a thread of the server cannot start: " + error.code().message());
  };
  try {
    return start();
  } catch (const std::system_error& error) {
    if (!refused(error)) throw;
    throw failure(error);
  } catch (const boost::system::system_error& error) {
    if (!refused(error)) throw;
    throw failure(error);
  }
}

}  // namespace

void check(const ServerSettings& settings) {
  if (const auto problem = settings.limits.problem()) throw SettingsError(*problem);
  if (!settings.store.empty()) {
    if (const auto problem = store::map_problem(settings.limits)) throw SettingsError(*problem);
  }
  const ListenAddress address = parse_listen(settings.listen);
  if (!address.address.is_loopback() && !settings.insecure) {
    throw SettingsError("listen is " + settings.listen +
                        ", which others can reach, and this version has neither token nor TLS; "
                        "expected a loopback address, or --insecure where the network is trusted");
  }
  for (const std::string& name : settings.allow_hosts) {
    if (!wire::is_rule_name(name)) {
      throw SettingsError("allow_hosts has \"" + name +
                          "\"; expected a host name without scheme, port and trailing dot, such as "
                          "pena.example.com");
    }
  }
  if (const auto rate = settings.generator.rate;
      rate && !(*rate >= core::kLeastRate && *rate <= core::kMostRate)) {
    throw SettingsError(
        "rate must be a number of msgs a second from a millionth to a thousand "
        "millions, or none for as many as are taken");
  }
}

void check_date(core::Instant date) {
  if (date < core::XidFactory::kEndOfDates) return;
  throw SettingsError("the clock of this machine says " +
                      wire::http_date(core::to_us(date) / 1'000'000) +
                      "; expected a date before 2100, for every id has its date in it");
}

class Server::Impl {
 public:
  explicit Impl(ServerSettings settings)
      : settings_((check(settings), check_date(clock_.date()), std::move(settings))),
        port_(parse_listen(settings_.listen)),
        log_(open_log_store(settings_)),
        memory_(log_ ? nullptr : store::make_memory_store()),
        view_(log_ ? up_to_date_view() : nullptr),
        pages_(settings_.store.empty() ? nullptr
                                       : std::make_unique<store::PageLook>(settings_.store)),
        xids_(process_xids()),
        turn_(settings_.limits, store(), store(), generator_of(settings_.generator), xids_.ids,
              clock_.now()),
        engine_(settings_, clock_, xids_.ids, buckets()),
        listener_(engine_, std::move(port_)) {
    address_ = listener_.address();
    engine_.guard = guard_rules(address_, settings_.allow_hosts);
    asio::co_spawn(engine_.io, listener_.run(), rethrow);
    if (log_ && store::shape_of(settings_.limits).segments > 0) {
      // Of a small log half, for what waits has its segments.
      const std::size_t bytes = std::min(kBytesAtOnce, settings_.limits.log_bytes / 2);
      applier_.emplace(*log_, Applier::Pace{settings_.limits.apply_time, bytes},
                       [this](auto text) { warn(std::move(text)); });
    }
    // Only now: nothing has been changed where the address could not be had.
    turns_.emplace(turn_, clock_,
                   TurnLoop::Hooks{[this](auto outgoing) { released(std::move(outgoing)); },
                                   [this](auto error) { failed(std::move(error)); },
                                   [this](auto text) {
                                     warn(std::move(text));
                                   }});
    engine_.turns = &*turns_;
    try {
      io_thread_ = std::thread([this] { run_io(); });
    } catch (...) {
      turns_->stop();                  // it posts to the engine, which goes first
      if (applier_) applier_->stop();  // it wakes the turns
      throw;
    }
    if (pages_) asio::post(engine_.readers, [this] { look_at_pages(); });
    if (!xids_.problem.empty()) engine_.log(core::LogLevel::warning, xids_.problem);
    engine_.log(core::LogLevel::info, "listening on " + url());
  }

  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::string url() const { return "http://" + written(address_); }
  [[nodiscard]] std::uint16_t port() const { return address_.port; }

  std::size_t stop() {
    over_ = true;
    const std::lock_guard one_at_a_time(stop_mutex_);
    if (!io_thread_.joinable()) return left_;
    engine_.log(core::LogLevel::info, "stopping");
    asio::co_spawn(engine_.io, end_well(), rethrow);
    io_thread_.join();
    if (!turns_->stop_within(turn::Stop::kLastWords)) disk_hangs();
    turns_->stop();
    note_stopped(close_store());
    return left_;
  }

  bool wait(std::optional<std::chrono::milliseconds> timeout) {
    std::unique_lock lock(state_mutex_);
    const auto is_stopped = [this] {
      return stopped_;
    };
    if (timeout) {
      if (!stopped_changed_.wait_for(lock, *timeout, is_stopped)) return false;
    } else {
      stopped_changed_.wait(lock, is_stopped);
    }
    if (failure_) std::rethrow_exception(failure_);
    return true;
  }

  [[nodiscard]] bool running() const {
    const std::lock_guard lock(state_mutex_);
    return !stopped_;
  }

  [[nodiscard]] Stats stats() const {
    const store::LogStore::Counts log = log_counts();
    return {turns_->counts(),
            engine_.connections,
            log.logged,
            log.past_log,
            log.waiting,
            turns_->generating(),
            std::string{turn::word(turns_->waits_for())}};
  }
  [[nodiscard]] const store::View& buckets() const { return view_ ? *view_ : *memory_; }

 private:
  static constexpr std::size_t kBytesAtOnce = std::size_t{2} << 20U;

  [[nodiscard]] store::Store& store() {
    return log_ ? static_cast<store::Store&>(*log_) : *memory_;
  }
  [[nodiscard]] store::LogStore::Counts log_counts() const {
    const std::shared_lock stays(log_stays_);
    return log_ ? log_->counted() : last_log_counts_;
  }
  void disk_hangs() {
    engine_.log(core::LogLevel::error,
                "the disk of the store does not answer, and a commit waits for it: what becomes of "
                "that is unknown");
    if (settings_.disk_hangs) settings_.disk_hangs();
  }
  // What failed, if anything did.
  std::exception_ptr close_store() {
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
    std::exception_ptr failure;
    const auto close = [&] {
      std::exception_ptr caught;
      try {
        // What the last round let go has nobody to go to any more; nor must it touch a loop that
        // is over.
        engine_.readers.join();
        if (applier_) applier_->stop();
        if (log_) log_->close();
      } catch (...) {
        caught = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      failure = std::move(caught);
      closed = true;
      changed.notify_all();
    };
    std::thread closing;
    try {
      closing = std::thread(close);
    } catch (const std::system_error&) {  // where no thread can start, here
      close();
    }
    bool in_time = false;
    {
      std::unique_lock lock(mutex);
      in_time = changed.wait_for(lock, turn::Stop::kLastWords, [&closed] { return closed; });
    }
    if (!in_time) disk_hangs();
    if (closing.joinable()) closing.join();
    if (failure && !turns_failed_) {
      engine_.log(core::LogLevel::error,
                  "what is in the log of the store could not be taken into the store; the next "
                  "start does that");
    }
    const std::lock_guard alone(log_stays_);
    if (log_) last_log_counts_ = log_->counted();
    log_.reset();  // another server may have it from now on
    return failure;
  }
  // It outlives the store, which is closed when the server has ended.
  [[nodiscard]] std::unique_ptr<store::View> up_to_date_view() {
    std::shared_ptr<const store::View> view = store::open_lmdb_view(settings_.store);
    return std::make_unique<store::UpToDateView>([this, view]() -> const store::View& {
      const std::shared_lock stays(log_stays_);
      if (log_) log_->settle();
      return *view;
    });
  }
  // On the thread of the turn.
  void released(std::vector<turn::Outgoing> outgoing) {
    asio::post(engine_.io,
               [this, sends = std::move(outgoing)]() mutable { engine_.deliver(sends); });
  }
  void warn(std::string text) {
    asio::post(engine_.io,
               [this, told = std::move(text)] { engine_.log(core::LogLevel::warning, told); });
  }
  // On the thread that reads, some pages at a time: other reads come in between.
  void look_at_pages() {
    try {
      if (over_ || !pages_->next()) return pages_.reset();
      asio::post(engine_.readers, [this] { look_at_pages(); });
    } catch (...) {
      turns_->fail(std::current_exception());
    }
  }
  // What no coroutine could deal with, such as memory that is out, ends the server with a word.
  void run_io() {
    try {
      engine_.io.run();
      if (turns_failed_) say_last_words();
    } catch (...) {
      engine_.log(core::LogLevel::error, "the server failed, so it stops");
      note_stopped(std::current_exception());
      say_last_words();
    }
  }
  void say_last_words() {
    try {
      engine_.io.restart();
      stop_.fail();
      asio::co_spawn(engine_.io, end(), rethrow);
      engine_.io.run();
    } catch (...) {  // again
      engine_.hang_up();
    }
  }

  // On the thread of the turn, which may have no memory left: what must happen allocates nothing.
  void failed(std::exception_ptr error) {
    turns_failed_ = true;
    over_ = true;
    engine_.io.stop();
    try {
      engine_.log(core::LogLevel::error, told(error) + ", so the server stops");
    } catch (const std::bad_alloc&) {
      engine_.log(core::LogLevel::error, "the server stops, for the memory is out");
    }
    note_stopped(std::move(error));
  }

  // On the I/O thread.
  Awaitable<void> end_well() {
    if (stop_.begin()) co_await end();
  }
  Awaitable<void> end() {
    Timer timer(engine_.io);
    while (true) {
      const turn::Stop::Next next = stop_.next(clock_.now(), engine_.connections);
      if (next.step == turn::Stop::Step::finish) break;
      carry_out(next.step);
      timer.expires_at(clock_.steady(next.ask_at));
      co_await timer.async_wait(use_awaitable);
    }
    engine_.io.stop();
  }
  void carry_out(turn::Stop::Step step) {
    if (step == turn::Stop::Step::nothing) return;
    listener_.close();
    if (step == turn::Stop::Step::give_up) {
      left_ += engine_.give_up();
    } else {
      engine_.drain();
    }
  }

  void note_stopped(std::exception_ptr failure) {
    {
      const std::lock_guard lock(state_mutex_);
      stopped_ = true;
      if (failure) failure_ = std::move(failure);
    }
    stopped_changed_.notify_all();
  }

  Clock clock_;
  ServerSettings settings_;
  // Before the store: where the address cannot be had, nothing is made and no boot counted.
  BoundPort port_;
  mutable std::shared_mutex log_stays_;
  store::LogStore::Counts last_log_counts_;
  std::unique_ptr<store::LogStore> log_;  // null where the store is in memory
  std::unique_ptr<store::Store> memory_;
  std::unique_ptr<store::View> view_;
  std::unique_ptr<store::PageLook> pages_;  // null where all were looked at
  ProcessXids xids_;
  turn::Turn turn_;
  std::optional<Applier> applier_;
  std::optional<TurnLoop> turns_;  // outlives the engine, whose streams tell it of their end
  Engine engine_;
  Listener listener_;
  ListenAddress address_;
  turn::Stop stop_{settings_.limits.drain_time};  // the I/O thread's
  std::size_t left_ = 0;  // requests whose outcome is unknown; the I/O thread's until it has ended
  std::thread io_thread_;
  std::atomic<bool> turns_failed_ = false;
  std::atomic<bool> over_ = false;  // nobody wants to know of the pages any more

  std::mutex stop_mutex_;
  mutable std::mutex state_mutex_;  // guards what follows
  std::condition_variable stopped_changed_;
  bool stopped_ = false;
  std::exception_ptr failure_;
};

Server::Server(ServerSettings settings) {
  process::secure_standard_files();
  impl_ = with_threads([&] { return std::make_unique<Impl>(std::move(settings)); });
}
Server::~Server() = default;

std::string Server::url() const {
  return impl_->url();
}
std::uint16_t Server::port() const {
  return impl_->port();
}
std::size_t Server::stop() {
  return impl_->stop();
}
bool Server::wait(std::optional<std::chrono::milliseconds> timeout) {
  return impl_->wait(timeout);
}
bool Server::running() const {
  return impl_->running();
}
Stats Server::stats() const {
  return impl_->stats();
}
const store::View& Server::buckets() const {
  return impl_->buckets();
}

}  // namespace pena::server
