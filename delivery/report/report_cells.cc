// How figures and times of a report are written.
#include <fmt/format.h>

#include <cmath>

#include "base/go_float.h"
#include "base/quantity.h"
#include "delivery/report/report.h"

namespace tocsin::delivery {
namespace {

// "12,345"; below 100 with up to two decimals.
std::string FormatCount(double number) {
  if (std::abs(number) < 100) return FormatPrecision(std::round(number * 100) / 100, 4);
  std::string digits = fmt::format("{:.0f}", std::abs(number));
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return (number < 0 ? "-" : "") + digits;
}

// Near 0% and near 100% the digits that count come late: 99.963%, 0.012%.
std::string FormatShare(double ratio) {
  const double percent = ratio * 100;
  const double distance = std::min(std::abs(percent), std::abs(100 - percent));
  const int decimals = distance == 0 ? 0 : distance < 1 ? 3 : distance < 10 ? 2 : 1;
  std::string text = fmt::format("{:.{}f}", percent, decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return (text == "-0" ? "0" : text) + "%";
}

std::string FormatPoints(double difference) {
  std::string text = FormatShare(difference);
  text.pop_back();
  return text + " pp";
}

// Seconds below an hour, then minutes.
std::string FormatLength(double seconds) {
  const double rounded =
      std::abs(seconds) >= 3600 ? std::round(seconds / 60) * 60 : std::round(seconds);
  if (seconds > 0 && rounded == 0) return FormatSpan(seconds);
  const std::string text = FormatPrometheusDuration(FromSeconds(std::abs(rounded)));
  return (seconds < 0 ? "-" : "") + text;
}

// Three digits of a latency are enough.
std::string FormatLatency(double seconds) {
  if (seconds >= 1) return FormatPrecision(seconds, 3) + "s";
  if (seconds >= 0.001) return FormatPrecision(seconds * 1e3, 3) + "ms";
  return seconds == 0 ? "0s" : FormatPrecision(seconds * 1e6, 3) + "us";
}

}  // namespace

ReportCell NumberCell(double number, ReportUnit unit) {
  ReportCell cell;
  cell.number = number;
  cell.unit = unit;
  return cell;
}

ReportCell TextCell(std::string text, ReportTone tone) {
  ReportCell cell;
  cell.text = std::move(text);
  cell.tone = tone;
  return cell;
}

ReportCell MissingCell(std::string why) {
  ReportCell cell;
  cell.missing = std::move(why);
  cell.tone = ReportTone::kSoft;
  return cell;
}

std::string FormatReportNumber(double number, ReportUnit unit) {
  switch (unit) {
    case ReportUnit::kCount:
      return FormatCount(number);
    case ReportUnit::kScore:
      return FormatPrecision(number, 3);
    case ReportUnit::kRatio:
      return FormatShare(number);
    case ReportUnit::kPoints:
      return FormatPoints(number);
    case ReportUnit::kSeconds:
      return FormatLatency(number);
    case ReportUnit::kSpan:
      return FormatLength(number);
    case ReportUnit::kBytes:
      return FormatSize(number);
    case ReportUnit::kPerHour:
      return FormatPrecision(number, 4) + "/h";
    case ReportUnit::kPerSecond:
      return FormatPrecision(number, 4) + "/s";
    case ReportUnit::kMoney:
      return FormatPrecision(number, 4);
  }
  return {};
}

std::string FormatReportCell(const ReportCell& cell) {
  if (!cell.missing.empty()) return "n/a";
  if (!cell.number) return cell.text;
  const std::string text = FormatReportNumber(*cell.number, cell.unit);
  return cell.signed_number && *cell.number > 0 ? "+" + text : text;
}

std::string FormatReportTime(Timestamp at) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(at - day).count();
  return fmt::format("{} {} {} {}, {:02}:{:02} UTC", kDays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()),
                     kMonths[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), minutes / 60, minutes % 60);
}

std::string FormatReportPeriod(const ReportPeriod& period) {
  return FormatReportTime(period.from) + " to " + FormatReportTime(period.to);
}

}  // namespace tocsin::delivery
