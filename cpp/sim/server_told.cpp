// What the oracle is told of the events that a run of the server takes.
#include "sim/server_process.hpp"

namespace pena::sim {

// Now, and not when it came: the order among those of a round counts.
void ServerProcess::tell_oracle(const core::Event& event) {
  const store::Ticket round = environment_.disk.appended() + 1;
  if (const auto* joined = std::get_if<core::ClientJoined>(&event)) {
    environment_.oracle.joined(round, *joined);
  } else if (const auto* lost = std::get_if<core::ClientLost>(&event)) {
    environment_.oracle.left(round, lost->client);
  } else if (const auto* report = std::get_if<core::Reported>(&event); report && report->client) {
    environment_.oracle.leaves(*report, turn_.dispatcher().counts().batches);
  } else if (report && report->last) {
    const auto batch = turn_.dispatcher().batch(*report->batch);
    if (batch) environment_.oracle.said_last(round, report->request, batch->client);
  } else if (const auto* status = std::get_if<core::StatusAsked>(&event)) {
    environment_.oracle.status_asked(*status);
  } else if (const auto* bulk = std::get_if<core::BulkAsked>(&event)) {
    tell_of_deletion(round, *bulk);
  }
}

void ServerProcess::tell_of_deletion(store::Ticket round, const core::BulkAsked& bulk) {
  using What = core::BulkAsked::What;
  if (bulk.what == What::retry || bulk.dry_run) return;
  const auto bucket = bulk.what == What::forget_reports ? store::Bucket::report
                      : bulk.what == What::forget_fails ? store::Bucket::fail
                                                        : store::Bucket::queue;
  environment_.oracle.forget_taken(round, bucket, turn_.dispatcher().date(now()),
                                   environment_.disk.view());
}

}  // namespace pena::sim
