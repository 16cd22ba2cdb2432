#include "exporters/celery/rabbitmq_broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_http.h"

namespace tocsin {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::Not;
using testing_support::FakeClock;
using testing_support::FakeHttp;

// As RabbitMQ 3.10 answers with `columns`; other columns may come too.
constexpr const char* kQueues = R"([
  {"name":"celery","vhost":"/","messages_ready":7,"messages_unacknowledged":2,"consumers":1,
   "head_message_timestamp":null,"node":"rabbit@one"},
  {"name":"celery","vhost":"staging","messages_ready":1,"messages_unacknowledged":0,"consumers":0},
  {"name":"w1@host.celery.pidbox","vhost":"/","messages_ready":0},
  {"name":"celeryev.1f0","vhost":"/","messages_ready":3},
  {"name":"video","vhost":"/","messages_ready":0,"messages_unacknowledged":0,"consumers":4,
   "head_message_timestamp":1000}])";

class RabbitMqTest : public testing::Test {
 protected:
  Result<BrokerState> Read(const CeleryConfig& config) {
    const Result<RabbitMqBroker::Address> address = RabbitMqBroker::AddressOf(config);
    if (!address.ok()) return address.error();
    RabbitMqBroker broker(*address, {}, http_);
    CollectContext context{.clock = clock_, .deadline = clock_.Steady() + std::chrono::seconds(5)};
    return broker.Read(context, {});
  }

  FakeClock clock_;
  FakeHttp http_;
};

TEST_F(RabbitMqTest, QueuesAreReadAndInternalOnesLeftOut) {
  http_.Answer("http://mq:15672/api/queues", 200, kQueues);
  CeleryConfig config;
  config.broker_url = Secret("amqp://app:p%40ss@mq:5672//");
  const Result<BrokerState> state = Read(config);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_THAT(state->queues,
              ElementsAre(Field(&QueueState::messages, 7), Field(&QueueState::messages, 1),
                          Field(&QueueState::name, "video")));
  EXPECT_EQ(state->queues[2].head_sent_s, 1000);
  EXPECT_EQ(state->queues[0].head_sent_s, std::nullopt);
  ASSERT_EQ(http_.requests().size(), 1U);
  EXPECT_THAT(http_.requests()[0].url, HasSubstr("http://mq:15672/api/queues/%2F?columns="));
  EXPECT_EQ(http_.requests()[0].user, "app");
  EXPECT_EQ(http_.requests()[0].password, "p@ss");
}

TEST_F(RabbitMqTest, SeveralVirtualHostsAreToldApart) {
  http_.Answer("http://mq:15672/api/queues?", 200, kQueues);
  CeleryConfig config;
  config.broker_url = Secret("amqp://mq");
  config.virtual_hosts = {"all"};
  const Result<BrokerState> state = Read(config);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_THAT(state->queues,
              ElementsAre(Field(&QueueState::vhost, "/"), Field(&QueueState::vhost, "staging"),
                          Field(&QueueState::vhost, "/")));
  EXPECT_THAT(state->unacked,
              ElementsAre(Field(&UnackedState::messages, 2), Field(&UnackedState::messages, 0)));
}

TEST_F(RabbitMqTest, ARefusalSaysWhatIsMissingAndNoPassword) {
  http_.Answer("https://mq.example:443/api/queues", 401, R"({"error":"not_authorised"})");
  CeleryConfig config;
  config.broker_url = Secret("amqp://app:geheim@mq//");
  config.management_url = Secret("https://monitor:auchgeheim@mq.example:443/");
  const Result<BrokerState> state = Read(config);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code, ErrorCode::kPermissionDenied);
  EXPECT_THAT(state.error().message, HasSubstr("tag \"monitoring\""));
  EXPECT_THAT(state.error().message, Not(HasSubstr("geheim")));
}

TEST_F(RabbitMqTest, HostileAnswersAreErrors) {
  CeleryConfig config;
  config.broker_url = Secret("amqp://mq");
  for (const std::string& body :
       {std::string("<html>"), std::string("{}"), std::string(100'000, '['), std::string()}) {
    http_.Answer("http://mq:15672/", 200, body);
    EXPECT_FALSE(Read(config).ok()) << body.substr(0, 20);
  }
}

}  // namespace
}  // namespace tocsin
