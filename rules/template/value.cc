#include "rules/template/value.h"

#include <fmt/core.h>

#include <chrono>

#include "base/go_float.h"

namespace tocsin::templates {
namespace {

template <typename... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overload(Fs...) -> Overload<Fs...>;

std::string PrintLabels(const LabelSet& labels) {
  std::string out = "map[";
  for (const auto& [name, value] : labels) {
    if (out.size() > 4) out += ' ';
    out += name + ":" + value;
  }
  return out + "]";
}

std::string PrintMap(const std::map<std::string, Value, std::less<>>& map) {
  std::string out = "map[";
  for (const auto& [key, value] : map) {
    if (out.size() > 4) out += ' ';
    out += key + ":" + (value.is_nil() ? "<nil>" : value.Print());
  }
  return out + "]";
}

std::string PrintList(const std::vector<Value>& list) {
  std::string out = "[";
  for (const Value& element : list) {
    if (out.size() > 1) out += ' ';
    out += element.Print();
  }
  return out + "]";
}

// "123.456" without trailing zeros, for a whole and a fraction of `digits` decimal digits.
std::string Decimal(uint64_t whole, uint64_t fraction, int digits) {
  std::string out = fmt::format("{}.{:0{}}", whole, fraction, digits);
  out.resize(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

bool Value::IsTrue() const {
  return std::visit(
      Overload{[](const Nil&) { return false; }, [](const bool& b) { return b; },
               [](const int64_t& n) { return n != 0; }, [](const double& x) { return x != 0; },
               [](const std::string& s) { return !s.empty(); },
               [](const LabelMap& m) { return !m->empty(); },
               [](const Map& m) { return !m->empty(); }, [](const List& l) { return !l->empty(); },
               [](const SamplePointer&) { return true; }, [](const Time&) { return true; },
               [](const TimeSpan& d) { return d.ns != 0; },
               [](const AlertFields* const&) { return true; }},
      variant_);
}

std::string Value::Print() const {
  return std::visit(
      Overload{[](const Nil&) -> std::string { return "<no value>"; },
               [](const bool& b) -> std::string { return b ? "true" : "false"; },
               [](const int64_t& n) { return std::to_string(n); },
               [](const double& x) { return FormatGoV(x); }, [](const std::string& s) { return s; },
               [](const LabelMap& m) { return PrintLabels(*m); },
               [](const Map& m) { return PrintMap(*m); },
               [](const List& l) { return PrintList(*l); },
               [](const SamplePointer& s) {
                 return "{" + PrintLabels(s->labels) + " " +
                        (s->histogram.empty() ? FormatGoV(s->value) : s->histogram) + "}";
               },
               [](const Time& t) { return FormatTime(t); },
               [](const TimeSpan& d) { return FormatTimeSpan(d); },
               [](const AlertFields* const& f) {
                 return "{" + PrintLabels(*f->labels) + " " + PrintLabels(*f->external_labels) +
                        " " + f->external_url + " " + f->value.Print() + "}";
               }},
      variant_);
}

std::string_view Value::TypeName() const {
  constexpr std::string_view kNames[] = {"<nil>",
                                         "bool",
                                         "int",
                                         "float64",
                                         "string",
                                         "map[string]string",
                                         "map[string]interface {}",
                                         "template.queryResult",
                                         "*template.sample",
                                         "*time.Time",
                                         "time.Duration",
                                         "struct { Labels map[string]string; ExternalLabels "
                                         "map[string]string; ExternalURL string; Value interface "
                                         "{} }"};
  static_assert(std::size(kNames) == std::variant_size_v<Variant>);
  return kNames[variant_.index()];
}

std::string Sprint(const std::vector<Value>& operands) {
  std::string out;
  bool previous_is_text = true;
  for (size_t i = 0; i < operands.size(); ++i) {
    const bool is_text = operands[i].As<std::string>() != nullptr;
    if (i > 0 && !is_text && !previous_is_text) out += ' ';
    out += operands[i].is_nil() ? "<nil>" : operands[i].Print();
    previous_is_text = is_text;
  }
  return out;
}

std::string FormatTime(Time time) {
  using std::chrono::nanoseconds;
  const std::chrono::sys_time<nanoseconds> t{nanoseconds{time.unix_ns}};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{t - day};
  std::string fraction = Decimal(0, static_cast<uint64_t>(clock.subseconds().count()), 9);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}{} +0000 UTC", int(date.year()),
                     unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), fraction.substr(1));
}

std::string FormatTimeSpan(TimeSpan span) {
  if (span.ns == 0) return "0s";
  const std::string sign = span.ns < 0 ? "-" : "";
  const uint64_t ns = span.ns < 0 ? 0 - static_cast<uint64_t>(span.ns) : span.ns;
  if (ns < 1000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + Decimal(ns / 1000, ns % 1000, 3) + "µs";
  if (ns < 1'000'000'000) return sign + Decimal(ns / 1'000'000, ns % 1'000'000, 6) + "ms";
  const uint64_t seconds = ns / 1'000'000'000;
  std::string out = sign;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  return out + Decimal(seconds % 60, ns % 1'000'000'000, 9) + "s";
}

}  // namespace tocsin::templates
