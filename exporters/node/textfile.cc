// Metrics that other programs leave in files: every *.prom of one folder, as node_exporter's
// textfile collector.
#include "engine/exposition/parser.h"
#include "exporters/node/parts.h"

namespace tocsin {
namespace {

constexpr size_t kMaxFileBytes = 8 << 20;

// One file's samples, in the order of the file; nothing is written of a file with an error.
class TextFile {
 public:
  Status Read(std::string_view text) {
    ExpositionParser parser(text, ExpositionFormat::kPrometheusText);
    Family family;
    for (;;) {
      switch (parser.Next()) {
        case ExpositionEvent::kEnd:
          return Ok();
        case ExpositionEvent::kError:
          return parser.error();
        case ExpositionEvent::kUnit:
          break;
        case ExpositionEvent::kType:
          Open(parser.family());
          families_.back().type = parser.type();
          break;
        case ExpositionEvent::kHelp:
          Open(parser.family());
          families_.back().help = parser.ReadText();
          break;
        case ExpositionEvent::kSample:
          RETURN_IF_ERROR(Add(parser));
      }
    }
  }

  void Write(MetricSink& sink) const {
    for (const Family& family : families_) {
      const std::string help =
          family.help.empty() ? "Metric read from the textfile collector." : family.help;
      const FamilySpec spec{.name = family.name, .type = family.type, .help = help};
      for (const Sample& sample : family.samples) {
        const std::vector<MetricSink::LabelView> labels(sample.labels.begin(), sample.labels.end());
        sink.WriteSuffixed(spec, sample.suffix, labels, sample.value);
      }
    }
  }

 private:
  struct Sample {
    std::string suffix;
    LabelSet labels;
    double value = 0;
  };
  struct Family {
    std::string name;
    MetricType type = MetricType::kUntyped;
    std::string help;
    std::vector<Sample> samples;
  };

  void Open(const std::string& name) {
    if (families_.empty() || families_.back().name != name) families_.push_back({.name = name});
  }

  Status Add(const ExpositionParser& parser) {
    if (parser.timestamp_ms()) {
      return InvalidArgument(
          "line " + std::to_string(parser.line()) +
          ": timestamps are not taken, because the file is read again and again");
    }
    ASSIGN_OR_RETURN(LabelSet labels, parser.ReadLabels());
    const std::string name(labels.Get(kMetricName));
    labels.Set(kMetricName, "");
    if (families_.empty() || !name.starts_with(families_.back().name) ||
        !IsSuffix(families_.back().type, name.substr(families_.back().name.size()))) {
      Open(name);
    }
    families_.back().samples.push_back({.suffix = name.substr(families_.back().name.size()),
                                        .labels = std::move(labels),
                                        .value = parser.value()});
    return Ok();
  }

  static bool IsSuffix(MetricType type, std::string_view suffix) {
    if (suffix.empty()) return true;
    const bool buckets = type == MetricType::kHistogram && suffix == "_bucket";
    const bool sums = type == MetricType::kHistogram || type == MetricType::kSummary;
    return buckets || (sums && (suffix == "_sum" || suffix == "_count"));
  }

  std::vector<Family> families_;
};

}  // namespace

Status CollectTextfile(const NodeContext& context, MetricSink& sink) {
  const std::string& folder = context.config.textfile_directory;
  bool failed = false;
  std::string failures;
  std::vector<std::pair<std::string, double>> times;
  if (!folder.empty()) {
    const Result<std::vector<std::string>> names = context.files.List(folder);
    failed = !names.ok();
    if (failed) failures = names.error().message;
    for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
      if (!name.ends_with(".prom")) continue;
      const std::string path = folder + "/" + name;
      const Result<std::string> text = context.files.Read(path, kMaxFileBytes);
      TextFile file;
      const Status read = text.ok() ? file.Read(*text) : Status(text.error());
      if (!read.ok()) {
        failed = true;
        failures += (failures.empty() ? "" : "; ") + path + ": " + read.error().message;
        continue;
      }
      file.Write(sink);
      if (const auto time = context.host.ModifiedAt(path); time.ok())
        times.emplace_back(path, *time);
    }
  }
  for (const auto& [path, time] : times) {
    sink.Write(NodeFamily("node_textfile_mtime_seconds"), {{"file", path}}, time);
  }
  sink.Write(NodeFamily("node_textfile_scrape_error"), failed ? 1 : 0);
  if (failed) return ExecutionError("textfile: " + failures);
  return Ok();
}

}  // namespace tocsin
