#include "exporters/exposition_page.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "engine/exposition/escaping.h"
#include "engine/exposition/writer.h"

namespace tocsin {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

struct Span {
  const CollectedPage* page;
  uint32_t begin;
  uint32_t end;
};
struct JoinedFamily {
  MetricType type = MetricType::kUntyped;
  std::string_view help;
  std::vector<Span> spans;
};
using Families = std::map<std::string, JoinedFamily, std::less<>>;

void Join(Families& families, std::string_view name, MetricType type, std::string_view help,
          Span span) {
  const auto [found, added] = families.try_emplace(std::string(name));
  JoinedFamily& family = found->second;
  if (added) {
    family.type = type;
    family.help = help;
  } else if (family.type != type) {
    family.type = MetricType::kUntyped;
  }
  if (!family.spans.empty() && family.spans.back().page == span.page &&
      family.spans.back().end == span.begin) {
    family.spans.back().end = span.end;
  } else {
    family.spans.push_back(span);
  }
}

void JoinBlock(Families& families, const CollectedPage& page, const CollectedPage::Block& block,
               const SampleSink& sink) {
  if (block.family != nullptr && !page.relabeled) {
    Join(families, block.family->name, block.family->type, block.family->help,
         {.page = &page, .begin = block.begin, .end = block.end});
    return;
  }
  for (uint32_t i = block.begin; i < block.end; ++i) {
    const LabelSet labels = sink.LabelsOf(page.refs[i]);
    if (labels.empty()) continue;
    const Span one = {.page = &page, .begin = i, .end = i + 1};
    const std::string_view name = labels.Get(kMetricName);
    if (block.family != nullptr && BelongsTo(name, *block.family)) {
      Join(families, block.family->name, block.family->type, block.family->help, one);
    } else {
      Join(families, name, MetricType::kUntyped, {}, one);
    }
  }
}

// OpenMetrics' own suffixes of a type: a family claims its name with each of them.
std::span<const std::string_view> SuffixesOf(MetricType type) {
  static constexpr std::string_view kCounter[] = {"_total", "_created"};
  static constexpr std::string_view kSummary[] = {"_count", "_sum", "_created"};
  static constexpr std::string_view kHistogram[] = {"_bucket", "_count", "_sum", "_created"};
  static constexpr std::string_view kGaugeHistogram[] = {"_bucket", "_gcount", "_gsum"};
  static constexpr std::string_view kInfo[] = {"_info"};
  switch (type) {
    case MetricType::kCounter:
      return kCounter;
    case MetricType::kSummary:
      return kSummary;
    case MetricType::kHistogram:
      return kHistogram;
    case MetricType::kGaugeHistogram:
      return kGaugeHistogram;
    case MetricType::kInfo:
      return kInfo;
    case MetricType::kGauge:
    case MetricType::kUntyped:
    case MetricType::kStateSet:
      return {};
  }
  return {};
}

// The name of a family in OpenMetrics, which leaves a counter's _total and an info's _info away.
std::string_view BaseName(std::string_view name, MetricType type) {
  const std::string_view suffix = type == MetricType::kCounter ? "_total"
                                  : type == MetricType::kInfo  ? "_info"
                                                               : "";
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// The page for OpenMetrics: pg_x_total and pg_x cannot be a counter and a gauge there, because the
// counter's family is called pg_x. Then the counter is declared unknown. What Python's client adds
// to the text format as a gauge x_created belongs to the counter or histogram x: it is left out. A
// histogram has no other form, so what stands in its way is left out too.
void ResolveClashes(Families& families) {
  std::vector<std::string> left_out;
  for (auto& [name, family] : families) {
    const std::string base(BaseName(name, family.type));
    if (family.type == MetricType::kCounter || family.type == MetricType::kInfo) {
      if (base.size() == name.size()) continue;  // declared unknown anyway
      if (families.contains(base)) family.type = MetricType::kUntyped;
    }
    for (const std::string_view suffix : SuffixesOf(family.type)) {
      const std::string claimed = base + std::string(suffix);
      if (claimed == name || !families.contains(claimed)) continue;
      left_out.push_back(claimed);
    }
  }
  for (const std::string& name : left_out) families.erase(name);
}

std::string EscapedText(std::span<const LabelView> views, EscapingScheme scheme) {
  LabelSet labels;
  for (const auto& [name, value] : views) labels.Set(name, value);
  return ExpositionWriter::SeriesText(EscapeNames(labels, scheme));
}

// Whether a series has a name that the scheme replaces. Most series of a page have the names of the
// one before: interned, they are at the same place, and need no second look.
class NameCheck {
 public:
  explicit NameCheck(EscapingScheme scheme) : scheme_(scheme) {}

  bool Replaces(std::span<const LabelView> labels) {
    const auto place_of = [](const LabelView& label) {
      return (label.first == kMetricName ? label.second : label.first).data();
    };
    if (!std::ranges::equal(labels, places_, {}, place_of)) {
      places_.clear();
      std::ranges::transform(labels, std::back_inserter(places_), place_of);
      replaces_ = NeedsEscaping(labels, scheme_);
    }
    return replaces_;
  }

 private:
  const EscapingScheme scheme_;
  std::vector<const char*> places_;
  bool replaces_ = false;
};

}  // namespace

void RenderPages(const std::vector<std::shared_ptr<const CollectedPage>>& pages,
                 const SampleSink& sink, const ExpositionRequest& request,
                 const std::function<void(std::string_view)>& write) {
  Families families;
  for (const auto& page : pages) {
    if (page == nullptr) continue;
    for (const CollectedPage::Block& block : page->blocks) {
      if (block.begin < block.end) JoinBlock(families, *page, block, sink);
    }
  }
  if (request.format == ExpositionFormat::kOpenMetrics) ResolveClashes(families);
  std::string text;
  text.reserve(kPieceBytes + 4096);
  ExpositionWriter writer(request.format, text);
  std::vector<LabelView> labels;
  NameCheck check(request.escaping);
  for (const auto& [name, family] : families) {
    writer.Family(EscapeName(name, request.escaping), family.type, family.help);
    for (const Span& span : family.spans) {
      for (uint32_t i = span.begin; i < span.end; ++i) {
        if (!sink.ViewLabels(span.page->refs[i], labels)) continue;
        const double value = span.page->values[i];
        if (check.Replaces(labels)) {
          writer.Sample(EscapedText(labels, request.escaping), value);
        } else if (request.escaping == EscapingScheme::kAllowUtf8) {
          writer.Sample(labels, value);
        } else {
          writer.PlainSample(labels, value);
        }
        if (text.size() >= kPieceBytes) {
          write(text);
          text.clear();
        }
      }
    }
  }
  writer.Finish();
  if (!text.empty()) write(text);
}

}  // namespace tocsin
