// Random series and queries for the comparison with Prometheus.
//
// usage: random_promql SEED START_MS QUERIES BODY_FILE
//
// Writes the series into BODY_FILE, as the body of a remote write, and prints a query on each line:
// start, end, step in milliseconds, step 0 for an instant query, and the expression.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/random_promql.h"
#include "tests/support/remote_write_body.h"

namespace tocsin::testing_support {
namespace {

bool WriteSeries(RandomSource& random, const RandomWorld& world, const char* file) {
  RemoteWriteBody body;
  for (const NaiveSeries& series : RandomSeries(random, world)) {
    body.Add(series.labels, series.samples);
  }
  const std::string bytes = body.Take();
  const std::unique_ptr<FILE, int (*)(FILE*)> out(std::fopen(file, "wb"), std::fclose);
  return out != nullptr && std::fwrite(bytes.data(), 1, bytes.size(), out.get()) == bytes.size();
}

void PrintQuery(RandomSource& random, const RandomWorld& world) {
  constexpr int64_t kSteps[] = {10, 15'000, 20'000, 37'000, 60'000, 300'000};
  const int64_t start = RandomTime(random, world);
  int64_t step = 0;
  int64_t end = start;
  if (random() % 2 == 0) {
    step = kSteps[random() % std::size(kSteps)];
    end = start + static_cast<int64_t>(random() % 8) * step;
  }
  std::printf("%lld %lld %lld %s\n", static_cast<long long>(start), static_cast<long long>(end),
              static_cast<long long>(step), RandomExpression(random, world).c_str());
}

int Main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: random_promql SEED START_MS QUERIES BODY_FILE\n");
    return 2;
  }
  RandomSource random(std::strtoull(argv[1], nullptr, 10));
  const RandomWorld world{.start_ms = std::strtoll(argv[2], nullptr, 10) / 10 * 10,
                          .as_prometheus_2 = true};
  if (!WriteSeries(random, world, argv[4])) {
    std::fprintf(stderr, "random_promql: cannot write %s\n", argv[4]);
    return 1;
  }
  for (long long left = std::strtoll(argv[3], nullptr, 10); left > 0; --left) {
    PrintQuery(random, world);
  }
  return 0;
}

}  // namespace
}  // namespace tocsin::testing_support

int main(int argc, char** argv) { return tocsin::testing_support::Main(argc, argv); }
