// Start, reload, restart and stop of the whole process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/simulation/simulation.h"

namespace tocsin {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::ReceivedAlert;
using testing_support::Simulation;

constexpr const char* kGlobal = "scrape_interval: 10s, evaluation_interval: 10s";
constexpr const char* kTargets = R"(
scrape_configs:
  - {job_name: app, static_configs: [{targets: ['app:8000']}]}
)";

std::string Rules(const std::string& alert, const std::string& expr, const std::string& hold) {
  return "groups:\n- name: g\n  rules:\n  - alert: " + alert + "\n    expr: " + expr +
         "\n    for: " + hold + "\n";
}

server::HttpServerRequest Post(const std::string& path) {
  server::HttpServerRequest request;
  request.method = "POST";
  request.path = path;
  return request;
}

class LifecycleTest : public testing::Test {
 protected:
  LifecycleTest() {
    sim_.PutConfig(kGlobal, kTargets);
    sim_.files().Put("rules.yml", Rules("Broken", "broken > 0", "1m"));
    sim_.Serve("app:8000", [this] {
      ++scrapes_;
      return "broken " + std::to_string(broken_) + "\n";
    });
  }
  static cli::AppOptions Options() {
    cli::AppOptions options;
    options.lifecycle = true;
    options.external_url = "https://ops.example/tocsin/";
    return options;
  }
  std::vector<std::string> RuleNames() {
    std::vector<std::string> names;
    const std::shared_ptr<const RulesSnapshot> rules = sim_.app().rules();
    for (const RuleGroupSnapshot& group : rules->groups) {
      for (const RuleSnapshot& rule : group.rules) names.push_back(rule.name);
    }
    return names;
  }
  void Start() {
    const Status status = sim_.Start();
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  int broken_ = 0;
  int scrapes_ = 0;
  Simulation sim_{Options()};
};

TEST_F(LifecycleTest, ABrokenConfigurationDoesNotStart) {
  sim_.files().Put("tocsin.yml", "global: {scrape_intervall: 1s}\n");
  const Status status = sim_.Start();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("tocsin.yml:1:10"));
  sim_.Advance(minutes(5));
  EXPECT_EQ(scrapes_, 0);
}

TEST_F(LifecycleTest, AReloadTakesNewRulesAndTargets) {
  Start();
  sim_.Advance(minutes(1));
  int scrapes_of_other = 0;
  sim_.Serve("other:1", [&] {
    ++scrapes_of_other;
    return std::string("x 1\n");
  });
  sim_.PutConfig(kGlobal, std::string(kTargets) +
                              "  - {job_name: b, static_configs: [{targets: ['other:1']}]}\n");
  sim_.files().Put("rules.yml", Rules("New", "x > 0", "0s"));
  ASSERT_TRUE(sim_.app().Reload().ok());
  EXPECT_THAT(RuleNames(), ElementsAre("New"));
  sim_.Advance(minutes(1));
  EXPECT_EQ(scrapes_of_other, 6);
  ASSERT_TRUE(sim_.Last("New"));
}

struct BrokenReload {
  const char* name;
  const char* file;
  const char* content;
  const char* error;
};
constexpr BrokenReload kBrokenReloads[] = {
    {"UnknownField", "tocsin.yml", "global: {scrape_intervall: 1s}\n", "tocsin.yml:1:10"},
    {"BrokenExpression", "rules.yml", "groups:\n- name: g\n  rules:\n  - record: a\n    expr: (\n",
     "rules.yml:5:"},
    {"MissingRuleFile", "tocsin.yml", "rule_files: [nowhere.yml]\n", "nowhere.yml"},
    {"BrokenTemplate", "rules.yml",
     "groups:\n- name: g\n  rules:\n  - alert: a\n    expr: up\n    annotations: {x: '{{ $'}\n",
     "rules.yml:6:"},
};

class BrokenReloadTest : public LifecycleTest, public testing::WithParamInterface<BrokenReload> {};

TEST_P(BrokenReloadTest, ChangesNothingAndSaysWhy) {
  Start();
  sim_.Advance(minutes(1));
  const std::shared_ptr<const Config> before = sim_.app().config();
  sim_.files().Put(GetParam().file, GetParam().content);
  const server::HttpServerResponse response = sim_.app().Handle(Post("/-/reload"));
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr(GetParam().error));
  EXPECT_THAT(sim_.log(),
              AllOf(HasSubstr("configuration not reloaded"), HasSubstr(GetParam().error)));
  EXPECT_EQ(sim_.app().config(), before);
  EXPECT_THAT(RuleNames(), ElementsAre("Broken"));
  EXPECT_THAT(sim_.Get("/api/v1/status/runtimeinfo"), HasSubstr("\"reloadConfigSuccess\":false"));

  const int scrapes = scrapes_;
  broken_ = 1;
  sim_.Advance(minutes(2));
  EXPECT_EQ(scrapes_, scrapes + 12);
  EXPECT_TRUE(sim_.Last("Broken"));
}

INSTANTIATE_TEST_SUITE_P(All, BrokenReloadTest, testing::ValuesIn(kBrokenReloads),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_F(LifecycleTest, AReloadKeepsTheStateOfAlerts) {
  Start();
  broken_ = 1;
  ASSERT_TRUE(sim_.AdvanceUntil([&] { return sim_.Last("Broken").has_value(); }, minutes(3)));
  const ReceivedAlert first = *sim_.Last("Broken");
  ASSERT_TRUE(sim_.app().Reload().ok());
  sim_.Advance(minutes(5));
  EXPECT_TRUE(sim_.Last("Broken")->firing());
  EXPECT_EQ(sim_.Last("Broken")->starts_at, first.starts_at);
}

TEST_F(LifecycleTest, ARestartNeitherResolvesNorFiresAgain) {
  Start();
  broken_ = 1;
  ASSERT_TRUE(sim_.AdvanceUntil([&] { return sim_.Last("Broken").has_value(); }, minutes(3)));
  const ReceivedAlert first = *sim_.Last("Broken");
  sim_.ClearReceived();
  ASSERT_TRUE(sim_.Restart().ok());
  sim_.Advance(minutes(5));
  ASSERT_TRUE(sim_.Last("Broken"));
  for (const ReceivedAlert& alert : sim_.received()) {
    EXPECT_TRUE(alert.firing());
    EXPECT_EQ(alert.starts_at, first.starts_at);
  }
}

TEST_F(LifecycleTest, NothingRunsAfterTheEnd) {
  Start();
  sim_.Advance(minutes(1));
  sim_.app().Stop(seconds(0));
  const int scrapes = scrapes_;
  sim_.Advance(minutes(10));
  EXPECT_EQ(scrapes_, scrapes);
  EXPECT_FALSE(sim_.app().Reload().ok());
}

TEST_F(LifecycleTest, AnAlertIsToldOnceTheAlertmanagerIsBack) {
  Start();
  sim_.SetAlertmanagerDown(true);
  broken_ = 1;
  sim_.Advance(minutes(5));
  EXPECT_THAT(sim_.received(), IsEmpty());
  sim_.SetAlertmanagerDown(false);
  sim_.Advance(minutes(1));
  ASSERT_TRUE(sim_.Last("Broken"));
  EXPECT_TRUE(sim_.Last("Broken")->firing());
}

TEST_F(LifecycleTest, LinksLeadToTheExternalUrl) {
  Start();
  broken_ = 1;
  sim_.Advance(minutes(3));
  ASSERT_TRUE(sim_.Last("Broken"));
  EXPECT_THAT(sim_.Last("Broken")->generator_url,
              testing::StartsWith("https://ops.example/tocsin/graph?"));
  EXPECT_EQ(sim_.Get("/tocsin/-/ready"), "tocsin is ready.\n");
  EXPECT_EQ(sim_.Get("/-/ready"), "tocsin is ready.\n");
}

TEST_F(LifecycleTest, ExternalLabelsAreForOthersAndGiveWayToTheRules) {
  sim_.PutConfig(std::string(kGlobal) + ", external_labels: {cluster: eu, severity: outside}",
                 kTargets);
  sim_.files().Put("rules.yml",
                   "groups:\n- name: g\n  rules:\n  - alert: Broken\n    expr: broken > 0\n"
                   "    labels: {severity: page, seen: '{{ $externalLabels.cluster }}'}\n");
  Start();
  broken_ = 1;
  sim_.Advance(minutes(1));
  ASSERT_TRUE(sim_.Last("Broken"));
  EXPECT_THAT(sim_.Last("Broken")->labels, (LabelSet{{"alertname", "Broken"},
                                                     {"cluster", "eu"},
                                                     {"instance", "app:8000"},
                                                     {"job", "app"},
                                                     {"seen", "eu"},
                                                     {"severity", "page"}}));
  EXPECT_THAT(sim_.Get("/api/v1/alerts"),
              AllOf(HasSubstr("\"severity\":\"page\""), Not(HasSubstr("\"cluster\""))));
}

TEST_F(LifecycleTest, TheFirstScreenSaysWhatWasFound) {
  sim_.PutConfig(kGlobal,
                 std::string(kTargets) + "collectors: {redis: [{url: 'redis://:s3cret@r:1/0'}]}\n");
  Start();
  EXPECT_THAT(sim_.app().Describe(),
              AllOf(HasSubstr("https://ops.example/tocsin/"), HasSubstr("http://app:8000/metrics"),
                    HasSubstr("1 alert and 0 recording rules in 1 group"),
                    HasSubstr("http://alertmanager:9093/api/v2/alerts"), Not(HasSubstr("s3cret"))));
}

TEST_F(LifecycleTest, AReloadSaysWhatItHasChanged) {
  Start();
  sim_.files().Put("rules.yml", Rules("New", "x > 0", "0s"));
  const server::HttpServerResponse response = sim_.app().Handle(Post("/-/reload"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            "rules: 0 groups unchanged; 1 group changed (g); 1 rule new (New); 1 rule gone "
            "(Broken)\n");
  EXPECT_THAT(sim_.log(), HasSubstr("1 rule new (New)"));
}

TEST(AutoReload, ChangedFilesAreReadWithoutBeingAsked) {
  cli::AppOptions options;
  options.auto_reload_interval = std::chrono::seconds(5);
  Simulation sim(options);
  sim.PutConfig(kGlobal, kTargets);
  sim.files().Put("rules.yml", Rules("Old", "x > 0", "0s"));
  ASSERT_TRUE(sim.Start().ok());
  const auto name = [&] { return sim.app().rules()->groups.at(0).rules.at(0).name; };
  sim.Advance(minutes(1));
  EXPECT_THAT(sim.log(), Not(HasSubstr("reloaded")));
  sim.files().Put("rules.yml", "groups: {");
  sim.Advance(minutes(1));
  EXPECT_EQ(name(), "Old");
  sim.files().Put("rules.yml", Rules("New", "x > 0", "0s"));
  sim.Advance(std::chrono::seconds(5));
  EXPECT_EQ(name(), "New");
}

TEST(LifecycleOff, ReloadAndQuitAreForbidden) {
  Simulation sim;
  sim.files().Put("tocsin.yml", "{}\n");
  ASSERT_TRUE(sim.Start().ok());
  for (const char* path : {"/-/reload", "/-/quit"}) {
    EXPECT_EQ(sim.app().Handle(Post(path)).status, 403) << path;
  }
}

}  // namespace
}  // namespace tocsin
