#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "rules/template/functions.h"

namespace tocsin::templates {
namespace {

using Args = std::vector<Value>;

// A time taken apart, UTC.
struct Calendar {
  explicit Calendar(Time time)
      : at(std::chrono::nanoseconds{time.unix_ns}),
        day(std::chrono::floor<std::chrono::days>(at)),
        date(day),
        clock(at - day) {}

  std::chrono::sys_time<std::chrono::nanoseconds> at;
  std::chrono::sys_days day;
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<std::chrono::nanoseconds> clock;

  int year() const { return int(date.year()); }
  unsigned month() const { return unsigned(date.month()); }
  unsigned month_day() const { return unsigned(date.day()); }
  int64_t hour() const { return clock.hours().count(); }
  int64_t hour12() const { return hour() % 12 == 0 ? 12 : hour() % 12; }
  int64_t minute() const { return clock.minutes().count(); }
  int64_t second() const { return clock.seconds().count(); }
  int64_t nanosecond() const { return clock.subseconds().count(); }
  unsigned weekday() const { return std::chrono::weekday(day).c_encoding(); }
  int64_t year_day() const {
    return (day - std::chrono::sys_days(date.year() / 1 / 1)).count() + 1;
  }
};

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};

std::string_view MonthName(const Calendar& c) { return kMonths[c.month() - 1]; }
std::string_view WeekdayName(const Calendar& c) { return kWeekdays[c.weekday()]; }

// The parts of Go's reference time, Mon Jan 2 15:04:05 MST 2006. Of two that begin alike the
// longer stands first.
struct LayoutPart {
  std::string_view text;
  std::string (*print)(const Calendar&);
};
constexpr LayoutPart kLayout[] = {
    {"January", [](const Calendar& c) { return std::string(MonthName(c)); }},
    {"Jan", [](const Calendar& c) { return std::string(MonthName(c).substr(0, 3)); }},
    {"Monday", [](const Calendar& c) { return std::string(WeekdayName(c)); }},
    {"Mon", [](const Calendar& c) { return std::string(WeekdayName(c).substr(0, 3)); }},
    {"MST", [](const Calendar&) { return std::string("UTC"); }},
    {"2006", [](const Calendar& c) { return fmt::format("{:04}", c.year()); }},
    {"002", [](const Calendar& c) { return fmt::format("{:03}", c.year_day()); }},
    {"01", [](const Calendar& c) { return fmt::format("{:02}", c.month()); }},
    {"02", [](const Calendar& c) { return fmt::format("{:02}", c.month_day()); }},
    {"03", [](const Calendar& c) { return fmt::format("{:02}", c.hour12()); }},
    {"04", [](const Calendar& c) { return fmt::format("{:02}", c.minute()); }},
    {"05", [](const Calendar& c) { return fmt::format("{:02}", c.second()); }},
    {"06", [](const Calendar& c) { return fmt::format("{:02}", c.year() % 100); }},
    {"15", [](const Calendar& c) { return fmt::format("{:02}", c.hour()); }},
    {"1", [](const Calendar& c) { return std::to_string(c.month()); }},
    {"_2", [](const Calendar& c) { return fmt::format("{:2}", c.month_day()); }},
    {"2", [](const Calendar& c) { return std::to_string(c.month_day()); }},
    {"3", [](const Calendar& c) { return std::to_string(c.hour12()); }},
    {"4", [](const Calendar& c) { return std::to_string(c.minute()); }},
    {"5", [](const Calendar& c) { return std::to_string(c.second()); }},
    {"PM", [](const Calendar& c) { return std::string(c.hour() < 12 ? "AM" : "PM"); }},
    {"pm", [](const Calendar& c) { return std::string(c.hour() < 12 ? "am" : "pm"); }},
    {"-07:00:00", [](const Calendar&) { return std::string("+00:00:00"); }},
    {"-07:00", [](const Calendar&) { return std::string("+00:00"); }},
    {"-070000", [](const Calendar&) { return std::string("+000000"); }},
    {"-0700", [](const Calendar&) { return std::string("+0000"); }},
    {"-07", [](const Calendar&) { return std::string("+00"); }},
    {"Z07:00:00", [](const Calendar&) { return std::string("Z"); }},
    {"Z07:00", [](const Calendar&) { return std::string("Z"); }},
    {"Z070000", [](const Calendar&) { return std::string("Z"); }},
    {"Z0700", [](const Calendar&) { return std::string("Z"); }},
    {"Z07", [](const Calendar&) { return std::string("Z"); }},
};

// .000 prints that many digits, .999 cuts the zeros at the end; the length of the part, or 0.
size_t FractionLength(std::string_view layout) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',')) return 0;
  if (layout[1] != '0' && layout[1] != '9') return 0;
  size_t end = 1;
  while (end < layout.size() && layout[end] == layout[1]) ++end;
  const bool digit_follows = end < layout.size() && layout[end] >= '0' && layout[end] <= '9';
  return digit_follows ? 0 : end;
}

std::string Fraction(const Calendar& c, std::string_view part) {
  std::string digits = fmt::format("{:09}", c.nanosecond());
  digits.resize(part.size() - 1, '0');
  if (part[1] == '9') digits.resize(digits.find_last_not_of('0') + 1);
  return digits.empty() ? "" : part[0] + digits;
}

std::string FormatLayout(const Calendar& calendar, std::string_view layout) {
  std::string out;
  while (!layout.empty()) {
    const auto* part = std::ranges::find_if(
        kLayout, [&](const LayoutPart& row) { return layout.starts_with(row.text); });
    if (const size_t length = FractionLength(layout)) {
      out += Fraction(calendar, layout.substr(0, length));
      layout.remove_prefix(length);
    } else if (part != std::end(kLayout)) {
      out += part->print(calendar);
      layout.remove_prefix(part->text.size());
    } else {
      out += layout[0];
      layout.remove_prefix(1);
    }
  }
  return out;
}

Error WrongArgument(const Value& arg, std::string_view wanted) {
  return ExecutionError(
      fmt::format("wrong type for value; expected {}; got {}", wanted, arg.TypeName()));
}

Time TimeOf(const Value& value) { return *value.As<Time>(); }
TimeSpan SpanOf(const Value& value) { return *value.As<TimeSpan>(); }

template <auto Part>
Result<Value> CalendarPart(const Value& receiver, const Args& /*args*/) {
  return Value(static_cast<int64_t>((Calendar(TimeOf(receiver)).*Part)()));
}
template <auto Name>
Result<Value> CalendarName(const Value& receiver, const Args& /*args*/) {
  return Value(Name(Calendar(TimeOf(receiver))));
}
template <int64_t kNanoseconds>
Result<Value> UnixIn(const Value& receiver, const Args& /*args*/) {
  return Value(TimeOf(receiver).unix_ns / kNanoseconds);
}
template <int64_t kNanoseconds>
Result<Value> SpanInFloat(const Value& receiver, const Args& /*args*/) {
  return Value(static_cast<double>(SpanOf(receiver).ns) / static_cast<double>(kNanoseconds));
}
template <int64_t kNanoseconds>
Result<Value> SpanInInteger(const Value& receiver, const Args& /*args*/) {
  return Value(SpanOf(receiver).ns / kNanoseconds);
}

Result<Value> Itself(const Value& receiver, const Args& /*args*/) { return receiver; }
Result<Value> AsText(const Value& receiver, const Args& /*args*/) {
  return Value(receiver.Print());
}
Result<Value> Format(const Value& receiver, const Args& args) {
  return Value(FormatLayout(Calendar(TimeOf(receiver)), *args[0].As<std::string>()));
}
Result<Value> Add(const Value& receiver, const Args& args) {
  const auto* span = args[0].As<TimeSpan>();
  if (span == nullptr) return WrongArgument(args[0], "time.Duration");
  return Value(Time{TimeOf(receiver).unix_ns + span->ns});
}
Result<Value> Sub(const Value& receiver, const Args& args) {
  const auto* other = args[0].As<Time>();
  if (other == nullptr) return WrongArgument(args[0], "time.Time");
  return Value(TimeSpan{TimeOf(receiver).unix_ns - other->unix_ns});
}
template <typename Order>
Result<Value> Compared(const Value& receiver, const Args& args) {
  const auto* other = args[0].As<Time>();
  if (other == nullptr) return WrongArgument(args[0], "time.Time");
  return Value(Order()(TimeOf(receiver).unix_ns, other->unix_ns));
}

constexpr int64_t kMicrosecond = 1000;
constexpr int64_t kMillisecond = 1000 * kMicrosecond;
constexpr int64_t kSecond = 1000 * kMillisecond;

constexpr MethodRow kTimeMethods[] = {
    {"Add", 1, &Add},
    {"After", 1, &Compared<std::greater<>>},
    {"Before", 1, &Compared<std::less<>>},
    {"Day", 0, &CalendarPart<&Calendar::month_day>},
    {"Equal", 1, &Compared<std::equal_to<>>},
    {"Format", 1, &Format, ParameterType::kString},
    {"Hour", 0, &CalendarPart<&Calendar::hour>},
    {"Minute", 0, &CalendarPart<&Calendar::minute>},
    {"Month", 0, &CalendarName<&MonthName>},
    {"Nanosecond", 0, &CalendarPart<&Calendar::nanosecond>},
    {"Second", 0, &CalendarPart<&Calendar::second>},
    {"String", 0, &AsText},
    {"Sub", 1, &Sub},
    {"UTC", 0, &Itself},
    {"Unix", 0, &UnixIn<kSecond>},
    {"UnixMicro", 0, &UnixIn<kMicrosecond>},
    {"UnixMilli", 0, &UnixIn<kMillisecond>},
    {"UnixNano", 0, &UnixIn<1>},
    {"Weekday", 0, &CalendarName<&WeekdayName>},
    {"Year", 0, &CalendarPart<&Calendar::year>},
    {"YearDay", 0, &CalendarPart<&Calendar::year_day>},
};
constexpr MethodRow kSpanMethods[] = {
    {"Hours", 0, &SpanInFloat<3600 * kSecond>},
    {"Microseconds", 0, &SpanInInteger<kMicrosecond>},
    {"Milliseconds", 0, &SpanInInteger<kMillisecond>},
    {"Minutes", 0, &SpanInFloat<60 * kSecond>},
    {"Nanoseconds", 0, &SpanInInteger<1>},
    {"Seconds", 0, &SpanInFloat<kSecond>},
    {"String", 0, &AsText},
};

}  // namespace

const MethodRow* FindMethod(const Value& receiver, std::string_view name) {
  std::span<const MethodRow> rows;
  if (receiver.As<Time>() != nullptr) rows = kTimeMethods;
  if (receiver.As<TimeSpan>() != nullptr) rows = kSpanMethods;
  const auto row = std::ranges::find(rows, name, &MethodRow::name);
  return row == rows.end() ? nullptr : &*row;
}

}  // namespace tocsin::templates
