#include "exporters/http_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/exposition/negotiation.h"
#include "engine/exposition/parser.h"

namespace tocsin {
namespace {

// The family that follows is known by its TYPE and HELP lines, which come in any order.
class Metadata {
 public:
  explicit Metadata(SeriesWriter& writer) : writer_(writer) {}
  void Type(const std::string& family, MetricType type) {
    Open(family);
    type_ = type;
    writer_.Family(family_, type_, help_);
  }
  void Help(const std::string& family, std::string help) {
    Open(family);
    help_ = std::move(help);
    writer_.Family(family_, type_, help_);
  }

 private:
  void Open(const std::string& family) {
    if (family == family_) return;
    family_ = family;
    type_ = MetricType::kUntyped;
    help_.clear();
  }
  SeriesWriter& writer_;
  std::string family_;
  MetricType type_ = MetricType::kUntyped;
  std::string help_;
};

Status ReadSample(const ExpositionParser& parser, SeriesWriter& writer) {
  if (writer.AddKnown(parser.series_text(), parser.value(), parser.timestamp_ms())) return Ok();
  ASSIGN_OR_RETURN(const LabelSet labels, parser.ReadLabels());
  return writer.AddNew(parser.series_text(), labels, parser.value(), parser.timestamp_ms());
}

}  // namespace

Status ReadPage(std::string_view body, std::string_view content_type, SeriesWriter& writer) {
  ExpositionParser parser(body, FormatOfContentType(content_type));
  Metadata metadata(writer);
  for (;;) {
    switch (parser.Next()) {
      case ExpositionEvent::kSample:
        if (Status status = ReadSample(parser, writer); !status.ok()) {
          return Prefixed(fmt::format("line {}: ", parser.line()), status.error());
        }
        break;
      case ExpositionEvent::kType:
        metadata.Type(parser.family(), parser.type());
        break;
      case ExpositionEvent::kHelp:
        metadata.Help(parser.family(), parser.ReadText());
        break;
      case ExpositionEvent::kUnit:
        break;
      case ExpositionEvent::kEnd:
        return writer.CheckLimits();
      case ExpositionEvent::kError:
        return parser.error();
    }
  }
}

HttpSource::HttpSource(HttpClient& client, HttpSourceOptions options)
    : client_(client), options_(std::move(options)) {}

HttpRequest HttpSource::Request(const CollectContext& context) const {
  HttpRequest request;
  request.url = options_.url;
  request.headers = {
      {"Accept", std::string(ScrapeAcceptHeader())},
      {"X-Prometheus-Scrape-Timeout-Seconds", fmt::format("{}", ToSeconds(options_.timeout))}};
  Configure(request, options_.http);
  const auto left = std::chrono::duration_cast<Duration>(context.deadline - context.clock.Steady());
  request.timeout = std::max(std::min(options_.timeout, left), Duration(1));
  if (options_.body_size_limit > 0) request.max_body_bytes = options_.body_size_limit;
  request.canceled = [this] { return canceled_.load(); };
  return request;
}

Status HttpSource::Collect(CollectContext& context, SeriesWriter& writer) {
  ASSIGN_OR_RETURN(const HttpResponse response, client_.Fetch(Request(context)));
  if (response.status != 200) {
    return Unavailable(fmt::format("server returned HTTP status {}", response.status));
  }
  return ReadPage(response.body, response.Header("content-type"), writer);
}

}  // namespace tocsin
