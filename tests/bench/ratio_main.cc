// Runs the benchmarks and prints, for every pair "X" and "X_Naive", how much faster X is.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <map>
#include <string>

namespace {

class RatioReporter final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      // The machine may be shared: only what uses several threads is told by the clock.
      const bool by_clock = run.run_name.time_type == "real_time";
      seconds_[run.run_name.function_name + run.run_name.args] =
          by_clock ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime();
    }
  }

  void Finalize() override {
    for (const auto& [name, time] : seconds_) {
      const size_t at = name.find("_Naive");
      if (at == std::string::npos) continue;
      std::string clever = name;
      clever.erase(at, std::string("_Naive").size());
      const auto twin = seconds_.find(clever);
      if (twin == seconds_.end() || twin->second == 0) continue;
      std::printf("%s: %.1f times as fast as its naive twin\n", clever.c_str(),
                  time / twin->second);
    }
  }

 private:
  std::map<std::string, double> seconds_;
};

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
