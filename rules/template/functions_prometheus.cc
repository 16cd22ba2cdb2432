#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/go_float.h"
#include "base/regex.h"
#include "base/unicode.h"
#include "engine/promql/quote.h"
#include "rules/template/escape.h"
#include "rules/template/functions.h"
#include "rules/template/humanize.h"
#include "rules/template/printf.h"

namespace tocsin::templates {
namespace {

using Args = std::vector<Value>;

const std::string& TextOf(const Value& value) { return *value.As<std::string>(); }
const List& ListOf(const Value& value) { return *value.As<List>(); }
const QuerySample& SampleOf(const Value& value) { return **value.As<SamplePointer>(); }

// --- queries and samples ----------------------------------------------------------------------

Result<Value> Query(const Environment& environment, const Args& args) {
  if (!environment.query) return ExecutionError("queries are not possible here");
  ASSIGN_OR_RETURN(List list, environment.query(TextOf(args[0])));
  return Value(std::move(list));
}

Result<Value> First(const Environment& /*environment*/, const Args& args) {
  const List& list = ListOf(args[0]);
  if (list->empty()) return ExecutionError("first() called on vector with no elements");
  return list->front();
}

Result<Value> Label(const Environment& /*environment*/, const Args& args) {
  return Value(SampleOf(args[1]).labels.Get(TextOf(args[0])));
}
Result<Value> SampleValue(const Environment& /*environment*/, const Args& args) {
  return Value(SampleOf(args[0]).value);
}
Result<Value> StringValue(const Environment& /*environment*/, const Args& args) {
  return Value(SampleOf(args[0]).labels.Get("__value__"));
}

Result<Value> SortByLabel(const Environment& /*environment*/, const Args& args) {
  const std::string& label = TextOf(args[0]);
  std::ranges::stable_sort(*ListOf(args[1]), {}, [&](const Value& element) {
    const auto* sample = element.As<SamplePointer>();
    return sample == nullptr ? std::string_view() : (*sample)->labels.Get(label);
  });
  return args[1];
}

Result<Value> ArgsMap(const Environment& /*environment*/, const Args& args) {
  std::map<std::string, Value, std::less<>> map;
  for (size_t i = 0; i < args.size(); ++i) map["arg" + std::to_string(i)] = args[i];
  return Value(Map(std::make_shared<const std::map<std::string, Value, std::less<>>>(map)));
}

// --- numbers ----------------------------------------------------------------------------------

Result<double> ToNumber(const Value& value) {
  if (const auto* x = value.As<double>()) return *x;
  if (const auto* n = value.As<int64_t>()) return static_cast<double>(*n);
  if (const auto* span = value.As<TimeSpan>()) return static_cast<double>(span->ns) / 1e9;
  if (const auto* text = value.As<std::string>()) {
    if (const std::optional<double> x = ParseGoFloat(*text)) return *x;
    return ExecutionError(
        fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", promql::Quote(*text)));
  }
  return ExecutionError(fmt::format("can't convert {} to float", value.TypeName()));
}

template <auto Format>
Result<Value> Formatted(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const double x, ToNumber(args[0]));
  return Value(Format(x));
}
template <auto Convert>
Result<Value> Converted(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const double x, ToNumber(args[0]));
  ASSIGN_OR_RETURN(auto converted, Convert(x));
  return Value(std::move(converted));
}

Result<Value> Now(const Environment& environment, const Args& /*args*/) {
  return Value(ToSeconds(environment.now));
}

Result<Value> ParseDuration(const Environment& /*environment*/, const Args& args) {
  std::string_view text = TextOf(args[0]);
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  ASSIGN_OR_RETURN(const Duration duration, ParsePrometheusDuration(text));
  return Value(ToSeconds(negative ? -duration : duration));
}

// --- texts ------------------------------------------------------------------------------------

// The first letter of each word upper, the rest untouched. A single . : or ' between letters does
// not end a word, nor does _ (Unicode's word breaks, as golang.org/x/text/cases has them).
std::string Title(std::string_view text) {
  constexpr std::string_view kMid = "'.:";
  std::string out;
  bool in_word = false;
  bool after_mid = false;
  while (!text.empty()) {
    const std::string_view letter = text.substr(0, promql::DecodeUtf8(text).width);
    text.remove_prefix(letter.size());
    const char c = letter[0];
    const bool ascii = static_cast<unsigned char>(c) < 0x80;
    const bool is_mid = kMid.find(c) != std::string_view::npos;
    if (after_mid && is_mid) in_word = false;
    const bool is_letter = !ascii || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    out += is_letter && !in_word ? ToUpper(letter) : std::string(letter);
    if (is_letter) {
      in_word = true;
    } else if (!is_mid && c != '_' && (c < '0' || c > '9')) {
      in_word = false;
    }
    after_mid = is_mid;
  }
  return out;
}

template <std::string (*Change)(std::string_view)>
Result<Value> Changed(const Environment& /*environment*/, const Args& args) {
  return Value(Change(TextOf(args[0])));
}
std::string Unchanged(std::string_view text) { return std::string(text); }

Result<Value> Match(const Environment& /*environment*/, const Args& args) {
  ASSIGN_OR_RETURN(const Regex regex, Regex::Compile(TextOf(args[0])));
  return Value(regex.Matches(TextOf(args[1])));
}
Result<Value> ReplaceAll(const Environment& /*environment*/, const Args& args) {
  const Result<Regex> regex = Regex::Compile(TextOf(args[0]));
  if (!regex.ok()) {
    return ExecutionError(
        fmt::format("regexp: Compile({}): {}", QuoteForGo(TextOf(args[0])), regex.error().message));
  }
  return Value(regex->ReplaceAll(TextOf(args[2]), TextOf(args[1])));
}

// --- addresses --------------------------------------------------------------------------------

struct HostPort {
  std::string host;
  std::string port;
};

// Go's net.SplitHostPort; nothing when there is no port, or more than one colon without brackets.
std::optional<HostPort> SplitHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.find(']') != host.size() - 1) return std::nullopt;
    host = host.substr(1, host.size() - 2);
    if (host.find('[') != std::string_view::npos) return std::nullopt;
  } else if (host.find_first_of(":[]") != std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view port = text.substr(colon + 1);
  if (port.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  return HostPort{std::string(host), std::string(port)};
}

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, 16> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

Result<Value> StripPort(const Environment& /*environment*/, const Args& args) {
  const std::optional<HostPort> parts = SplitHostPort(TextOf(args[0]));
  return parts ? Value(parts->host) : args[0];
}
Result<Value> StripDomain(const Environment& /*environment*/, const Args& args) {
  const HostPort parts = SplitHostPort(TextOf(args[0])).value_or(HostPort{TextOf(args[0]), ""});
  if (IsIpAddress(parts.host)) return args[0];
  const std::string name = parts.host.substr(0, parts.host.find('.'));
  return Value(parts.port.empty() ? name : name + ":" + parts.port);
}

Result<Value> ExternalUrl(const Environment& environment, const Args& /*args*/) {
  return Value(environment.external_url);
}
Result<Value> PathPrefix(const Environment& environment, const Args& /*args*/) {
  const std::string& url = environment.external_url;
  const size_t scheme = url.find("://");
  const size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return Value(path == std::string::npos ? std::string()
                                         : url.substr(path, url.find_first_of("?#", path) - path));
}

std::string Graph(std::string_view expression) { return GraphLink(expression); }
std::string Table(std::string_view expression) { return TableLink(expression); }

}  // namespace

std::span<const FunctionRow> PrometheusFunctions() {
  using enum ParameterType;
  static const FunctionRow kRows[] = {
      {"args", {kAny}, true, "A map arg0, arg1, … for {{template}}.", &ArgsMap},
      {"externalURL", {}, false, "Where this process can be reached.", &ExternalUrl},
      {"first", {kList}, false, "The first sample of a query's result.", &First},
      {"graphLink", {kString}, false, "The path of an expression's graph.", &Changed<&Graph>},
      {"humanize", {kAny}, false, "1234567 as 1.235M.", &Formatted<&Humanize>},
      {"humanize1024", {kAny}, false, "1234567 as 1.177Mi.", &Formatted<&Humanize1024>},
      {"humanizeDuration", {kAny}, false, "3600 as 1h 0m 0s.", &Formatted<&HumanizeDuration>},
      {"humanizePercentage", {kAny}, false, "0.5 as 50%.", &Formatted<&HumanizePercentage>},
      {"humanizeTimestamp",
       {kAny},
       false,
       "Unix seconds as a date.",
       &Converted<&HumanizeTimestamp>},
      {"label", {kString, kSample}, false, "A label of a sample.", &Label},
      {"match", {kString, kString}, false, "Whether a regex matches anywhere in a text.", &Match},
      {"now", {}, false, "The time of the evaluation in Unix seconds.", &Now},
      {"parseDuration", {kString}, false, "\"1h30m\" in seconds.", &ParseDuration},
      {"pathPrefix", {}, false, "The path of externalURL.", &PathPrefix},
      {"query", {kString}, false, "The samples that an expression gives now.", &Query},
      {"reReplaceAll",
       {kString, kString, kString},
       false,
       "Replaces what a regex matches.",
       &ReplaceAll},
      {"safeHtml", {kString}, false, "The text itself.", &Changed<&Unchanged>},
      {"sortByLabel", {kString, kList}, false, "Samples in the order of a label.", &SortByLabel},
      {"stripDomain", {kString}, false, "\"web.example.com:80\" as \"web:80\".", &StripDomain},
      {"stripPort", {kString}, false, "\"web:80\" as \"web\".", &StripPort},
      {"strvalue", {kSample}, false, "The text of a string sample.", &StringValue},
      {"tableLink", {kString}, false, "The path of an expression's table.", &Changed<&Table>},
      {"title", {kString}, false, "\"web server\" as \"Web Server\".", &Changed<&Title>},
      {"toDuration", {kAny}, false, "Seconds as a duration.", &Converted<&ToTimeSpan>},
      {"toLower", {kString}, false, "All letters lower.", &Changed<&ToLower>},
      {"toTime", {kAny}, false, "Unix seconds as a time.", &Converted<&ToTime>},
      {"toUpper", {kString}, false, "All letters upper.", &Changed<&ToUpper>},
      {"urlQueryEscape",
       {kString},
       false,
       "Escapes for the query of a URL.",
       &Changed<&EscapeQuery>},
      {"value", {kSample}, false, "The value of a sample.", &SampleValue},
  };
  return kRows;
}

const FunctionRow* FindFunction(std::string_view name) {
  for (const std::span<const FunctionRow> rows : {GoFunctions(), PrometheusFunctions()}) {
    const auto row = std::ranges::lower_bound(rows, name, {}, &FunctionRow::name);
    if (row != rows.end() && row->name == name) return &*row;
  }
  return nullptr;
}

}  // namespace tocsin::templates
