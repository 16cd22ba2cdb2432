#include "discovery/discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/capture_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_dns.h"
#include "tests/support/fake_executor.h"
#include "tests/support/fake_http.h"
#include "tests/support/memory_files.h"

namespace tocsin {
namespace {

using namespace std::chrono_literals;  // NOLINT: literals only
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class DiscoveryTest : public ::testing::Test {
 protected:
  // "address{label=value,…}" of everything that the first job has, discovered or not.
  std::vector<std::string> Found() {
    return Shown(Complete()->scrape_configs.at(0).static_configs);
  }
  static std::vector<std::string> Shown(const std::vector<StaticTargets>& groups) {
    std::vector<std::string> shown;
    for (const StaticTargets& group : groups) {
      for (const std::string& target : group.targets) {
        std::string text = target + "{";
        for (const auto& [name, value] : group.labels) text += name + "=" + value + ",";
        shown.push_back(text + "}");
      }
    }
    return shown;
  }
  std::shared_ptr<const Config> Complete() {
    return discovery_->Complete(std::make_shared<const Config>(config_));
  }
  void Start(TargetDiscovery what) {
    discovery_.emplace(Discovery::Dependencies{scheduler_, io_, files_, http_, dns_, log_, metrics_,
                                               [this] { ++changes_; }});
    config_.scrape_configs = {{.job_name = "app", .discovery = std::move(what)}};
    discovery_->Apply(config_);
  }
  double MetricValue(const std::string& name) {
    double sum = 0;
    for (const auto& family : metrics_.Collect()) {
      if (family.name != name) continue;
      for (const auto& sample : family.samples) sum += sample.value;
    }
    return sum;
  }

  testing_support::FakeClock clock_{FromMs(1'700'000'400'000)};
  testing_support::FakeScheduler scheduler_{clock_};
  testing_support::InlineExecutor io_;
  testing_support::MemoryFiles files_;
  testing_support::FakeHttp http_;
  testing_support::FakeDns dns_;
  testing_support::CaptureLog log_;
  Metrics metrics_;
  Config config_;
  int changes_ = 0;
  std::optional<Discovery> discovery_;
};

constexpr char kYaml[] = "- targets: ['a:1', 'b:2']\n  labels: {zone: north}\n";

TEST_F(DiscoveryTest, FilesAreThereAtOnce) {
  files_.Put("sd/one.yml", kYaml);
  files_.Put("sd/two.json", R"([{"targets": ["c:3"]}])");
  files_.Put("sd/other.txt", "no targets");
  Start({.file = {{.patterns = {"sd/*.yml", "sd/*.json"}}}});
  EXPECT_THAT(Found(), ElementsAre("a:1{__meta_filepath=sd/one.yml,zone=north,}",
                                   "b:2{__meta_filepath=sd/one.yml,zone=north,}",
                                   "c:3{__meta_filepath=sd/two.json,}"));
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(MetricValue("prometheus_sd_discovered_targets"), 3);
}

TEST_F(DiscoveryTest, AChangedFileCountsWithinTwoSeconds) {
  files_.Put("sd/one.yml", kYaml);
  Start({.file = {{.patterns = {"sd/*.yml"}}}});
  scheduler_.Advance(10s);
  EXPECT_EQ(changes_, 0);
  files_.Put("sd/one.yml", "- targets: [d:4]\n");
  files_.Put("sd/new.yml", "[{targets: [e:5]}]");
  scheduler_.Advance(2s);
  EXPECT_EQ(changes_, 1);
  EXPECT_THAT(Found(),
              ElementsAre("e:5{__meta_filepath=sd/new.yml,}", "d:4{__meta_filepath=sd/one.yml,}"));
  ASSERT_TRUE(files_.Remove("sd/one.yml").ok());
  scheduler_.Advance(2s);
  EXPECT_THAT(Found(), ElementsAre("e:5{__meta_filepath=sd/new.yml,}"));
}

TEST_F(DiscoveryTest, ABrokenFileKeepsItsTargetsAndIsToldOfOnce) {
  files_.Put("sd/one.yml", kYaml);
  Start({.file = {{.patterns = {"sd/*.yml"}}}});
  files_.Put("sd/one.yml", "- target: [a:1]\n");
  scheduler_.Advance(20s);
  EXPECT_THAT(Found(), SizeIs(2));
  EXPECT_EQ(changes_, 0);
  const std::string log = log_.text();
  EXPECT_THAT(log,
              HasSubstr(R"(sd/one.yml:1:3: unknown field \"target\"; did you mean \"targets\"?)"));
  EXPECT_EQ(log.find("unknown field"), log.rfind("unknown field"));
  EXPECT_GT(MetricValue("prometheus_sd_refresh_failures_total"), 1);
}

TEST_F(DiscoveryTest, SecretsOfAUrlAreNotShown) {
  Start({.http = {{.url = "http://u:hush@sd/targets?token=hush", .refresh_interval = 30s}}});
  scheduler_.Advance(0s);
  EXPECT_THAT(log_.text(), HasSubstr("http://sd/targets"));  // nobody answers at u:hush@sd here
  EXPECT_THAT(log_.text(), Not(HasSubstr("hush")));
}

TEST_F(DiscoveryTest, AnHttpServerThatFailsLeavesTheTargets) {
  http_.Answer("http://sd/", 200, R"([{"targets": ["a:1"], "labels": {"zone": "x"}}])",
               "application/json; charset=utf-8");
  Start({.http = {{.url = "http://sd/targets", .refresh_interval = 30s}}});
  scheduler_.Advance(0s);
  EXPECT_EQ(changes_, 1);
  EXPECT_THAT(Found(), ElementsAre("a:1{__meta_url=http://sd/targets,zone=x,}"));
  http_.Answer("http://sd/", 500, "sorry");
  scheduler_.Advance(30s);
  EXPECT_THAT(Found(), SizeIs(1));
  EXPECT_THAT(log_.text(), HasSubstr("http://sd/targets answered 500"));
  http_.Answer("http://sd/", 200, "[]", "text/html");
  scheduler_.Advance(30s);
  EXPECT_THAT(log_.text(), HasSubstr("the content type is \\\"text/html\\\""));
  http_.Answer("http://sd/", 200, "[]", "application/json");
  scheduler_.Advance(30s);
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_EQ(changes_, 2);
}

TEST_F(DiscoveryTest, RecordsBecomeTargets) {
  struct Case {
    DnsRecordType type;
    DnsRecord record;
    std::string target;
  };
  const Case cases[] = {
      {DnsRecordType::kA, {"10.0.0.1"}, "10.0.0.1:9093{__meta_dns_name=n,}"},
      {DnsRecordType::kAaaa, {"::1"}, "[::1]:9093{__meta_dns_name=n,}"},
      {DnsRecordType::kSrv,
       {"h.example", 81},
       "h.example:81{__meta_dns_name=n,__meta_dns_srv_record_port=81,"
       "__meta_dns_srv_record_target=h.example.,}"},
      {DnsRecordType::kMx, {"m"}, "m:9093{__meta_dns_mx_record_target=m.,__meta_dns_name=n,}"},
      {DnsRecordType::kNs, {"s"}, "s:9093{__meta_dns_name=n,__meta_dns_ns_record_target=s.,}"},
  };
  for (const Case& each : cases) {
    dns_.Set("n", each.type, {each.record});
    Start({.dns = {{.names = {"n"}, .type = each.type, .port = 9093}}});
    scheduler_.Advance(0s);
    EXPECT_THAT(Found(), ElementsAre(each.target));
  }
}

TEST_F(DiscoveryTest, ADeadNameServerLeavesTheTargetsAndATurnedAnswerIsNoChange) {
  dns_.Set("n", DnsRecordType::kA, {{"10.0.0.1"}, {"10.0.0.2"}});
  Start({.dns = {{.names = {"n"}, .type = DnsRecordType::kA, .port = 1}}});
  scheduler_.Advance(0s);
  EXPECT_EQ(changes_, 1);
  dns_.Set("n", DnsRecordType::kA, {{"10.0.0.2"}, {"10.0.0.1"}});
  scheduler_.Advance(30s);
  EXPECT_EQ(changes_, 1);
  dns_.SetDown(true);
  scheduler_.Advance(5min);
  EXPECT_THAT(Found(), SizeIs(2));
  dns_.SetDown(false);
  dns_.Set("n", DnsRecordType::kA, {});
  scheduler_.Advance(30s);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(DiscoveryTest, AReloadKeepsWhatWasFoundAndForgetsWhatIsGone) {
  http_.Answer("http://sd/", 200, R"([{"targets": ["a:1"]}])", "application/json");
  Start({.http = {{.url = "http://sd/"}}});
  scheduler_.Advance(0s);
  http_.Answer("http://sd/", 500, "");
  config_.global.scrape_interval = 7s;
  discovery_->Apply(config_);
  EXPECT_THAT(Found(), SizeIs(1));
  config_.scrape_configs[0].discovery = {};
  discovery_->Apply(config_);
  EXPECT_THAT(Found(), IsEmpty());
  const size_t asked = http_.requests().size();
  scheduler_.Advance(1h);
  EXPECT_THAT(http_.requests(), SizeIs(asked));
}

TEST_F(DiscoveryTest, AlertmanagersAreFoundTheSameWay) {
  dns_.Set("_am._tcp.example", DnsRecordType::kSrv, {{"am1", 9093}, {"am2", 9093}});
  config_.alertmanagers = {{.static_configs = {{.targets = {"fixed:9093"}, .labels = {}}}}};
  config_.alertmanagers[0].discovery.dns = {{.names = {"_am._tcp.example"}}};
  Start({});
  EXPECT_THAT(Shown(Complete()->alertmanagers[0].static_configs), ElementsAre("fixed:9093{}"));
  scheduler_.Advance(0s);
  EXPECT_THAT(Shown(Complete()->alertmanagers[0].static_configs), SizeIs(3));
}

}  // namespace
}  // namespace tocsin
