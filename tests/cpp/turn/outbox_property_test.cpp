// Whatever pieces the network takes, and whenever what happens: whole events in order, in whole chunks,
// stamps between them and nowhere else, the bye last, and nothing is lost.
#include <random>

#include "outbox_test.hpp"

namespace pena::turn::test {
namespace {

class Network : public OutboxTest {
 protected:
  // One stream from its head to its last byte.
  void live(std::uint32_t seed) {
    dice_.seed(seed);
    framing_ = roll(2) == 0 ? Framing::chunks : Framing::plain;
    patience_ = 1 + roll(3);
    reports_unread_ = roll(3) == 0;
    told_.clear();
    read_.clear();
    batches_ = 0;
    ending_.reset();
    open(framing_, 50 + roll(600));
    for (int step = 0; step < 60; ++step) happen();
    if (!ending_) end(roll(2) == 0 ? Outbox::Ending::well : Outbox::Ending::cut);
    (void)take();
    EXPECT_TRUE(is_over());
  }

  void happen() {
    now_ += milliseconds{roll(500)};
    const std::size_t what = roll(20);
    if (what < 4) return give();
    if (what < 9) return beat(some());
    if (what == 9 && roll(8) == 0) return end(Outbox::Ending::cut);
    write();
  }

  // A write is on its way while other things happen, and some of it arrives.
  void write() {
    const Outbox::Next next = outbox_->next(now_);
    const auto* write = std::get_if<Outbox::Write>(&next);
    if (write == nullptr) return;
    ASSERT_FALSE(write->bytes.empty());
    const std::string bytes{write->bytes};
    if (roll(3) == 0) give();
    if (roll(3) == 0) beat();
    ASSERT_EQ(write->bytes, bytes);
    pass(write->bytes, some());
  }

  void give() {
    if (!reports_unread_ && batches_ > 0 && !begun(batches_)) return;
    const core::Batch batch = a_batch(++batches_, 1 + roll(roll(4) == 0 ? 30 : 3), roll(40));
    const bool taken = !ending_;
    const std::string ends = send(batch, some());
    if (!ends.empty()) {
      // Of the one before nothing is on its way yet.
      EXPECT_FALSE(begun(batches_ - 1));
      told_ += ": bye " + ends + "\n";
      ending_ = Outbox::Ending::cut;
    } else if (taken) {
      if (told_.empty()) told_ = "retry: 1000\n";
      told_ += text_of(batch);
    }
  }

  [[nodiscard]] bool begun(std::size_t batch) const {
    return read_.find(": batch=" + core::test::id_of(1, batch).text()) != std::string::npos;
  }

  void end(Outbox::Ending ending) {
    EXPECT_EQ(outbox_->end("it is enough", ending), !ending_.has_value());
    if (ending_) return;
    told_ += ": bye it is enough\n";
    ending_ = ending;
  }

  // The network is slow or fast for a whole stream, and takes all or nothing now and then.
  std::size_t some() {
    const std::size_t how = roll(6);
    return how == 0 ? 0 : how < patience_ ? kAll : roll(200);
  }
  std::size_t roll(std::size_t sides) { return dice_() % sides; }

  // What the client reads, without head and chunks.
  [[nodiscard]] std::string body() const {
    constexpr std::string_view kHead = "head\r\n\r\n";
    EXPECT_TRUE(read_.starts_with(kHead));
    return framing_ == Framing::plain ? read_.substr(kHead.size()) : unchunked(kHead.size());
  }
  [[nodiscard]] std::string unchunked(std::size_t at) const {
    std::string text;
    bool last = false;
    while (at < read_.size() && !last) {
      std::size_t digits = 0;
      const std::size_t size = std::stoul(read_.substr(at, 9), &digits, 16);
      const std::string data = read_.substr(at + digits + 2, size);
      EXPECT_EQ(read_.substr(at + digits, 2), "\r\n");
      EXPECT_EQ(read_.substr(at + digits + 2 + size, 2), "\r\n");
      at += digits + 2 + size + 2;
      last = size == 0;
      EXPECT_TRUE(last || data.ends_with("\n\n") || is_comment(data)) << data;
      text += data;
    }
    EXPECT_EQ(at, read_.size());
    EXPECT_EQ(last, ending_ == Outbox::Ending::well);
    return text;
  }
  // The last line is.
  static bool is_comment(const std::string& text) {
    if (!text.ends_with('\n')) return false;
    const std::size_t end = text.rfind('\n', text.size() - 2);
    const std::string last = text.substr(end == std::string::npos ? 0 : end + 1);
    return last.starts_with(": at=") || last.starts_with(": bye ");
  }

  // The text without its stamps, which stand at the start and behind whole events and each other.
  static std::string without_stamps(const std::string& text) {
    std::string rest;
    std::int64_t last = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at) + 1;
      const std::string line = text.substr(at, end - at);
      at = end;
      if (!line.starts_with(": at=")) {
        rest += line;
        continue;
      }
      EXPECT_TRUE(rest.empty() || rest.ends_with("\n\n")) << rest << line;
      const std::int64_t told = std::stoll(line.substr(5));
      EXPECT_GE(told, last);
      last = told;
    }
    return rest;
  }

  std::mt19937 dice_;
  Framing framing_ = Framing::plain;
  std::size_t patience_ = 0;
  bool reports_unread_ = false;
  std::size_t batches_ = 0;
  std::string told_;  // what is to be read, but for stamps
  std::optional<Outbox::Ending> ending_;
};

TEST_F(Network, TakesWhatItLikesAndTheClientReadsWholeThings) {
  std::size_t cut = 0, well = 0;
  for (std::uint32_t seed = 1; seed <= 3000 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    live(seed);
    EXPECT_EQ(without_stamps(body()), told_);
    ++(ending_ == Outbox::Ending::well ? well : cut);
  }
  EXPECT_GT(cut, 500U);
  EXPECT_GT(well, 500U);
}

}  // namespace
}  // namespace pena::turn::test
