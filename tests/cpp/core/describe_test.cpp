// What the log says of clients. The golden stories show the other lines.
#include "core/describe.hpp"

#include <gtest/gtest.h>

#include "sample.hpp"

namespace pena::core {
namespace {

using test::id_of;

TEST(Describe, SaysWhoAClientIs) {
  const std::string id = id_of(1).text();
  ClientJoined joined{id_of(1), 2};
  EXPECT_EQ(describe(Event{joined}), "joined " + id + " batchsize=2");
  EXPECT_EQ(describe(Event{ClientLost{id_of(1)}}), "lost " + id);
  joined.queues = {"default"};
  EXPECT_EQ(describe(Event{joined}), "joined " + id + " batchsize=2");
  joined.queues = {"mail", "default"};
  joined.submitted_only = true;
  joined.name = "worker\n1";
  joined.address = "127.0.0.1 port 4321";
  EXPECT_EQ(describe(Event{joined}), "joined " + id +
                                         " batchsize=2 submitted queues=[mail default] "
                                         "name=\"worker\\n1\" from=127.0.0.1 port 4321");
  EXPECT_EQ(describe(Event{ClientLost{id_of(1), "worker 1"}}), "lost " + id + " name=\"worker 1\"");
}

TEST(Describe, SaysWhoIsGrantedABatch) {
  Batch batch{id_of(2), id_of(1), {}, {{{id_of(3), 1, {}}, {}, {}, {}}}};
  const std::string grant = "grant batch=" + id_of(2).text() + " client=" + id_of(1).text() +
                            " msgs=[" + id_of(3).text() + "/1]";
  EXPECT_EQ(describe_grant(batch), grant);
  batch.client_name = "worker 1";
  EXPECT_EQ(describe_grant(batch), grant + " name=\"worker 1\"");
}

}  // namespace
}  // namespace pena::core
