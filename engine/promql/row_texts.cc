#include "engine/promql/row_texts.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/json.h"
#include "base/json_text.h"
#include "engine/promql/result_json.h"
#include "engine/promql/sample_text.h"

namespace tocsin::promql {
namespace {

// How long "], behind a value is.
constexpr size_t kPointEnd = 3;

char* Put(char* to, const StepText& step) {
  std::memcpy(to, step.text.data(), step.text.size());
  return to + step.size;
}

// Goes on with `text` by a writer.
template <typename Write>
void AppendJson(std::string& text, const Write& write) {
  JsonWriter json(std::move(text));
  write(json);
  text = json.Take();
}

}  // namespace

StepTexts StepTextsOf(const Steps& steps) {
  StepTexts texts;
  texts.reserve(steps.count);
  for (size_t step = 0; step < steps.count; ++step) {
    const std::string text = "[" + TimestampText(steps.At(step)) + ",\"";
    StepText& entry = texts.emplace_back();
    entry.size = text.copy(entry.text.data(), entry.text.size());
  }
  return texts;
}

RowTexts::RowTexts(const ResultRows& result, const StepTexts& steps, const SymbolTable& symbols)
    : result_(result), steps_(steps), symbols_(symbols) {
  points_.resize(steps.size() * (StepText().text.size() + kSampleValueLength + kPointEnd));
}

void RowTexts::Append(size_t row, std::string& text) {
  text += R"({"metric":)";
  AppendLabels(result_.block.labels(row), text);
  if (result_.kind == ResultRows::Kind::kVector) {
    AppendValue(row, text);
  } else {
    AppendValues(row, text);
    AppendHistograms(row, text);
  }
  text += '}';
}

void RowTexts::AppendLabels(const Labels& labels, std::string& text) {
  // Nearly all rows have the names of the row before.
  if (!std::ranges::equal(labels, name_ids_, {}, &LabelPair::name)) LearnNames(labels);
  text += '{';
  for (const Name& name : names_) {
    text += name.key;
    AppendJsonText(text, symbols_.Text(labels.begin()[name.place].value));
    text += '"';
  }
  text += '}';
}

void RowTexts::LearnNames(const Labels& labels) {
  name_ids_.clear();
  std::vector<std::pair<std::string_view, size_t>> sorted;
  for (const LabelPair& pair : labels) {
    sorted.emplace_back(symbols_.Text(pair.name), name_ids_.size());
    name_ids_.push_back(pair.name);
  }
  std::ranges::sort(sorted);
  names_.clear();
  for (const auto& [text, place] : sorted) {
    std::string key = names_.empty() ? "\"" : ",\"";
    AppendJsonText(key, text);
    names_.push_back({key + "\":\"", place});
  }
}

void RowTexts::AppendValue(size_t row, std::string& text) const {
  const HistogramPtr& histogram = result_.block.Histogram(row, 0);
  if (histogram == nullptr) {
    text += ",\"value\":";
    text.append(steps_[0].text.data(), steps_[0].size);
    text += SampleValueText(result_.block.Value(row, 0));
    text += "\"]";
    return;
  }
  text += ',';
  AppendJson(text, [&](JsonWriter& json) {
    json.Key("histogram").BeginArray();
    WriteTimestamp(json, result_.steps.start_ms);
    WriteHistogram(json, *histogram);
    json.EndArray();
  });
}

// Under a key of their own; no key without floats.
void RowTexts::AppendValues(size_t row, std::string& text) {
  const Block& block = result_.block;
  const std::span<const double> values = block.Row(row);
  char* const begin = points_.data();
  char* end = begin;
  for (size_t step = 0; step < values.size(); ++step) {
    if (!block.Has(row, step) || block.Histogram(row, step) != nullptr) continue;
    end = Put(end, steps_[step]);
    end = PutSampleValue(end, values[step]);
    end = std::copy_n("\"],", kPointEnd, end);
  }
  if (end == begin) return;
  text += ",\"values\":[";
  text.append(begin, end - 1);
  text += ']';
}

// Likewise.
void RowTexts::AppendHistograms(size_t row, std::string& text) const {
  const Block& block = result_.block;
  if (!block.has_histograms()) return;
  bool open = false;
  for (size_t step = 0; step < block.steps(); ++step) {
    const HistogramPtr& histogram = block.Histogram(row, step);
    if (!block.Has(row, step) || histogram == nullptr) continue;
    text += open ? "," : ",\"histograms\":[";
    open = true;
    AppendJson(text, [&](JsonWriter& json) {
      json.BeginArray();
      WriteTimestamp(json, result_.steps.At(step));
      WriteHistogram(json, *histogram);
      json.EndArray();
    });
  }
  if (open) text += ']';
}

}  // namespace tocsin::promql
