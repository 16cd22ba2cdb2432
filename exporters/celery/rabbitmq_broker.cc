#include "exporters/celery/rabbitmq_broker.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "exporters/service_url.h"

namespace tocsin {
namespace {

constexpr size_t kMaxBody = 16 << 20;
constexpr size_t kMaxQueues = 10'000;
constexpr int kManagementPort = 15672;
constexpr std::string_view kColumns =
    "name,vhost,messages_ready,messages_unacknowledged,consumers,head_message_timestamp";

std::optional<double> Number(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  const double* number = value == nullptr ? nullptr : value->AsNumber();
  return number == nullptr ? std::nullopt : std::optional<double>(*number);
}

// Queues of workers' remote control, of monitors and of callers that wait for a result.
bool IsInternal(std::string_view name) {
  return name.ends_with(".pidbox") || name.starts_with("celeryev") || name.starts_with("amq.gen-");
}

}  // namespace

Result<RabbitMqBroker::Address> RabbitMqBroker::AddressOf(const CeleryConfig& config) {
  ASSIGN_OR_RETURN(const ServiceUrl broker, ParseServiceUrl(config.broker_url.Reveal()));
  Address address{.user = broker.user.empty() ? "guest" : broker.user,
                  .password = Secret(broker.user.empty() ? "guest" : broker.password),
                  .vhost = broker.path.empty() ? "/" : broker.path};
  if (config.management_url.empty()) {
    const std::string host = broker.host.empty() ? "localhost" : broker.host;
    const bool ipv6 = host.find(':') != std::string::npos;
    address.url =
        "http://" + (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(kManagementPort);
  } else {
    ASSIGN_OR_RETURN(const ServiceUrl management, ParseServiceUrl(config.management_url.Reveal()));
    if (management.scheme != "http" && management.scheme != "https") {
      return InvalidArgument("management_url begins with http:// or https://, not " +
                             management.scheme + "://");
    }
    if (!management.user.empty()) {
      address.user = management.user;
      address.password = Secret(management.password);
    }
    address.url = UrlWithoutSecrets(config.management_url.Reveal());
    while (address.url.ends_with('/')) address.url.pop_back();
  }
  address.label_vhost = !config.virtual_hosts.empty();
  if (address.label_vhost) address.vhost = "";
  return address;
}

RabbitMqBroker::RabbitMqBroker(Address address, std::set<std::string> vhosts, HttpClient& http)
    : address_(std::move(address)), vhosts_(std::move(vhosts)), http_(http) {}

Result<BrokerState> RabbitMqBroker::Read(CollectContext& context,
                                         const std::set<std::string>& /*queues*/) {
  const SteadyTime start = context.clock.Steady();
  HttpRequest request;
  const std::string path =
      "/api/queues" + (address_.vhost.empty() ? "" : "/" + UrlEncode(address_.vhost));
  request.url = address_.url + path + "?columns=" + std::string(kColumns);
  request.user = address_.user;
  request.password = address_.password.Reveal();
  request.tls = address_.tls;
  request.max_body_bytes = kMaxBody;
  request.timeout = std::max(std::chrono::duration_cast<Duration>(context.deadline - start),
                             Duration(std::chrono::milliseconds(1)));
  request.canceled = [this] { return canceled_.load(); };
  Result<HttpResponse> response = http_.Fetch(request);
  if (!response.ok()) return response.error();
  if (response->status == 401 || response->status == 403) {
    return PermissionDenied(address_.url + path + ": status " + std::to_string(response->status) +
                            "; the user needs the tag \"monitoring\" and read permission on the "
                            "virtual host");
  }
  if (response->status != 200) {
    return Unavailable(address_.url + path + ": status " + std::to_string(response->status));
  }
  Result<std::vector<QueueState>> queues = ParseRabbitMqQueues(response->body);
  if (!queues.ok()) return Prefixed(address_.url + path + ": ", queues.error());
  context.Step("GET " + path, start, queues->size());
  BrokerState state;
  std::map<std::string, double> unacked;
  for (QueueState& queue : *queues) {
    if (!vhosts_.empty() && !vhosts_.contains(queue.vhost)) continue;
    if (!address_.label_vhost) queue.vhost.clear();
    unacked[queue.vhost] += queue.unacked.value_or(0);
    state.queues.push_back(std::move(queue));
  }
  for (auto& [vhost, messages] : unacked) {
    state.unacked.push_back({.vhost = vhost, .messages = messages});
  }
  return state;
}

Result<std::vector<QueueState>> ParseRabbitMqQueues(std::string_view json) {
  ASSIGN_OR_RETURN(const JsonValue answer, JsonValue::Parse(json, 16));
  const JsonValue::Array* rows = answer.AsArray();
  if (rows == nullptr) return InvalidArgument("this is no list of queues");
  std::vector<QueueState> queues;
  for (const JsonValue& row : *rows) {
    const JsonValue* name = row.Find("name");
    if (name == nullptr || name->TextOrEmpty().empty() || IsInternal(name->TextOrEmpty())) continue;
    if (queues.size() >= kMaxQueues) break;
    QueueState queue{.name = std::string(name->TextOrEmpty())};
    if (const JsonValue* vhost = row.Find("vhost")) queue.vhost = vhost->TextOrEmpty();
    queue.messages = Number(row, "messages_ready").value_or(0);
    queue.unacked = Number(row, "messages_unacknowledged").value_or(0);
    queue.consumers = Number(row, "consumers").value_or(0);
    queue.head_sent_s = Number(row, "head_message_timestamp");
    queues.push_back(std::move(queue));
  }
  return queues;
}

}  // namespace tocsin
