#include "engine/exposition/writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/go_float.h"

namespace tocsin {
namespace {

// What the formats escape: in a help text of 0.0.4 the quotes stand as they are.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> special{};
  special['\\'] = special['\n'] = special['"'] = true;
  return special;
}();

bool AnySpecial(std::string_view text) {
  bool any = false;
  for (const char c : text) any |= kSpecial[static_cast<unsigned char>(c)];
  return any;
}

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  if (!AnySpecial(text)) {
    out += text;
    return;
  }
  for (const char c : text) {
    if (c == '\\' || c == '\n' || (c == '"' && quotes)) out += '\\';
    out += c == '\n' ? 'n' : c;
  }
}

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  AppendEscaped(out, text, true);
  out += '"';
}

void AppendFamilyName(std::string& out, std::string_view name) {
  if (IsLegacyMetricName(name)) {
    out += name;
  } else {
    AppendQuoted(out, name);
  }
}

void AppendInteger(std::string& out, int64_t number) {
  char buffer[24];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, end);
}

// The text of a series, label by label.
class SeriesTextBuilder {
 public:
  SeriesTextBuilder(std::string_view name, std::string& out) : out_(out) {
    if (IsLegacyMetricName(name)) {
      out_ += name;
    } else if (!name.empty()) {
      Open();
      AppendQuoted(out_, name);
    }
  }
  void Label(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    Open();
    if (IsLegacyLabelName(name)) {
      out_ += name;
    } else {
      AppendQuoted(out_, name);
    }
    out_ += "=\"";
    AppendEscaped(out_, value, true);
    out_ += '"';
  }
  void Close() {
    if (open_) out_ += '}';
  }

 private:
  void Open() {
    out_ += open_ ? ',' : '{';
    open_ = true;
  }

  std::string& out_;
  bool open_ = false;
};

void AppendSeriesText(std::string& out, std::string_view name,
                      std::span<const ExpositionWriter::LabelView> labels) {
  SeriesTextBuilder builder(name, out);
  for (const auto& [label, value] : labels) builder.Label(label, value);
  builder.Close();
}

// How a family is declared. The text format knows five types; OpenMetrics ties the types to
// suffixes, and a family without its suffix is unknown there.
struct Declaration {
  std::string_view name;
  std::string_view type;
};

Declaration DeclareText(std::string_view name, MetricType type) {
  switch (type) {
    case MetricType::kInfo:
    case MetricType::kStateSet:
      return {name, "gauge"};
    case MetricType::kGaugeHistogram:
      return {name, "untyped"};
    case MetricType::kCounter:
    case MetricType::kGauge:
    case MetricType::kHistogram:
    case MetricType::kSummary:
    case MetricType::kUntyped:
      return {name, MetricTypeText(type)};
  }
  return {name, "untyped"};
}

Declaration DeclareOpenMetrics(std::string_view name, MetricType type) {
  const std::string_view suffix = type == MetricType::kCounter ? "_total"
                                  : type == MetricType::kInfo  ? "_info"
                                                               : "";
  if (type == MetricType::kUntyped || !name.ends_with(suffix) || name.size() == suffix.size()) {
    return {name, "unknown"};
  }
  return {name.substr(0, name.size() - suffix.size()), MetricTypeText(type)};
}

}  // namespace

void ExpositionWriter::Family(std::string_view name, MetricType type, std::string_view help) {
  const bool open_metrics = format_ == ExpositionFormat::kOpenMetrics;
  const Declaration declared =
      open_metrics ? DeclareOpenMetrics(name, type) : DeclareText(name, type);
  if (!help.empty()) {
    out_ += "# HELP ";
    AppendFamilyName(out_, declared.name);
    out_ += ' ';
    AppendEscaped(out_, help, open_metrics);
    out_ += '\n';
  }
  out_ += "# TYPE ";
  AppendFamilyName(out_, declared.name);
  out_ += ' ';
  out_ += declared.type;
  out_ += '\n';
}

void ExpositionWriter::Sample(std::string_view name, std::span<const LabelView> labels,
                              double value, std::optional<int64_t> t_ms) {
  AppendSeriesText(out_, name, labels);
  Number(value, t_ms);
}

void ExpositionWriter::Sample(std::span<const LabelView> series, double value) {
  const auto name = std::ranges::find(series, kMetricName, &LabelView::first);
  SeriesTextBuilder builder(name == series.end() ? std::string_view() : name->second, out_);
  for (const auto& [label, text] : series) {
    if (label != kMetricName) builder.Label(label, text);
  }
  builder.Close();
  Number(value, std::nullopt);
}

void ExpositionWriter::PlainSample(std::span<const LabelView> series, double value) {
  const auto name = std::ranges::find(series, kMetricName, &LabelView::first);
  if (name != series.end()) out_ += name->second;
  std::string_view before = "{";
  for (auto label = series.begin(); label != series.end(); ++label) {
    if (label == name || label->second.empty()) continue;
    out_ += before;
    out_ += label->first;
    out_ += "=\"";
    AppendEscaped(out_, label->second, true);
    before = "\",";
  }
  if (before != "{") out_ += "\"}";
  Number(value, std::nullopt);
}

void ExpositionWriter::Sample(std::string_view series_text, double value,
                              std::optional<int64_t> t_ms) {
  out_ += series_text;
  Number(value, t_ms);
}

void ExpositionWriter::Number(double value, std::optional<int64_t> t_ms) {
  out_ += ' ';
  AppendGoV(out_, value);
  if (t_ms) {
    out_ += ' ';
    if (format_ == ExpositionFormat::kPrometheusText) {
      AppendInteger(out_, *t_ms);
    } else {
      out_ += FormatGoF(static_cast<double>(*t_ms) / 1000);
    }
  }
  out_ += '\n';
}

void ExpositionWriter::Finish() {
  if (format_ == ExpositionFormat::kOpenMetrics) out_ += "# EOF\n";
}

std::string ExpositionWriter::SeriesText(std::string_view name, std::span<const LabelView> labels) {
  std::string text;
  AppendSeriesText(text, name, labels);
  return text;
}

std::string ExpositionWriter::SeriesText(const LabelSet& labels) {
  std::string text;
  SeriesTextBuilder builder(labels.Get(kMetricName), text);
  for (const auto& [name, value] : labels) {
    if (name != kMetricName) builder.Label(name, value);
  }
  builder.Close();
  return text;
}

}  // namespace tocsin
