// PostgreSQL: DELETE … FOR UPDATE SKIP LOCKED in a transaction that stays open while the work is done.
#include <libpq-fe.h>

#include "peers/peer.hpp"

namespace pena::bench {
namespace {

struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Result = std::unique_ptr<PGresult, FreeResult>;

constexpr const char* kPut = "INSERT INTO jobs (body) SELECT unnest($1::text[])";

class Postgres final : public Link {
 public:
  explicit Postgres(const Peer& peer)
      : connection_(PQconnectdb(("host=" + peer.host + " port=" + std::to_string(peer.port) +
                                 " user=postgres dbname=postgres")
                                    .c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail();
  }

  void prepare_put() { check(PQprepare(connection_.get(), "put", kPut, 1, nullptr)); }

  Result call(const std::string& sql) { return check(PQexec(connection_.get(), sql.c_str())); }

  void put(std::span<const std::string> bodies) override {
    std::string array = "{";
    for (const std::string& body : bodies) {
      if (array.size() > 1) array += ',';
      array += '"' + body + '"';
    }
    array += '}';
    const char* values[] = {array.c_str()};
    check(PQexecPrepared(connection_.get(), "put", 1, values, nullptr, nullptr, 0));
  }

  std::span<const std::string> take(std::uint32_t most, bool) override {
    bodies_.clear();
    const Result rows =
        call((held_ ? "" : "BEGIN;") +
             ("DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT " +
              std::to_string(most) + " FOR UPDATE SKIP LOCKED) RETURNING body"));
    for (int row = 0; row < PQntuples(rows.get()); ++row) {
      bodies_.emplace_back(PQgetvalue(rows.get(), row, 0));
    }
    held_ = !bodies_.empty() || held_;
    if (!held_) call("ROLLBACK");
    return bodies_;
  }

  void ack() override {
    call("COMMIT");
    held_ = false;
  }

 private:
  Result check(PGresult* result) {
    Result kept{result};
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail();
    return kept;
  }
  [[noreturn]] void fail() {
    throw PeerError(std::string{"postgres: "} + PQerrorMessage(connection_.get()));
  }

  std::unique_ptr<PGconn, FreeConnection> connection_;
  std::vector<std::string> bodies_;
  bool held_ = false;  // the transaction is open
};

}  // namespace

void prepare(const Peer& peer) {
  Postgres link{peer};
  link.call("DROP TABLE IF EXISTS jobs");
  link.call("CREATE TABLE jobs (id bigserial PRIMARY KEY, body text NOT NULL)");
}

std::unique_ptr<Link> connect(const Peer& peer, Role role) {
  if (role != Role::both) {
    throw PeerError(
        "postgres: no open loop: it does not push, so that the poll's interval would be measured");
  }
  auto link = std::make_unique<Postgres>(peer);
  link->prepare_put();
  return link;
}

}  // namespace pena::bench
