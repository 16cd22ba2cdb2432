#include "delivery/report/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/markup.h"

namespace tocsin::delivery {
namespace {

// The drawing in user units; the page scales it.
constexpr double kWidth = 760;
constexpr double kHeight = 220;
constexpr double kLeft = 64;
constexpr double kRight = 14;
constexpr double kTop = 12;
constexpr double kBottom = 26;
constexpr double kRowHeight = 22;
constexpr double kRowLeft = 230;
constexpr size_t kLineStyles = 5;
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Where times and values are in the drawing.
struct Frame {
  ReportPeriod period;
  double left = kLeft;
  double top = kTop;
  double height = kHeight;
  double low = 0;
  double high = 1;

  double X(Timestamp at) const {
    const double share = ToSeconds(at - period.from) / ToSeconds(period.to - period.from);
    return left + std::clamp(share, 0.0, 1.0) * (kWidth - left - kRight);
  }
  double Y(double value) const {
    const double share = (value - low) / (high - low);
    return height - kBottom - share * (height - kBottom - top);
  }
};

std::string TextAt(double x, double y, std::string_view anchor, std::string_view text,
                   std::string_view style = "tick") {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                     style, x, y, anchor, EscapeMarkup(text));
}

std::string LineBetween(double x1, double y1, double x2, double y2, std::string_view style) {
  return fmt::format(
      "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", style, x1,
      y1, x2, y2);
}

// Days where the period has some, hours otherwise.
std::string TimeAxis(const Frame& frame) {
  std::string svg;
  const double bottom = frame.height - kBottom;
  const Duration length = frame.period.to - frame.period.from;
  const bool days = length > std::chrono::hours(48);
  const Duration unit = days ? Duration(std::chrono::hours(24)) : std::chrono::hours(6);
  const int64_t every = std::max<int64_t>(1, (length / unit + 13) / 14);
  const Duration step = unit * every;
  const Timestamp first{((frame.period.from.time_since_epoch() + step - Duration(1)) / step) *
                        step};
  for (Timestamp at = first; at < frame.period.to; at += step) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::string label =
        days ? fmt::format("{} {}", kDays[std::chrono::weekday(day).c_encoding()],
                           static_cast<unsigned>(date.day()))
             : fmt::format("{:02}:00", std::chrono::floor<std::chrono::hours>(at - day).count());
    svg += LineBetween(frame.X(at), frame.top, frame.X(at), bottom, "grid");
    if (frame.X(at) < kWidth - 40) svg += TextAt(frame.X(at) + 4, bottom + 16, "start", label);
  }
  return svg;
}

std::string ValueAxis(const Frame& frame, const std::vector<double>& ticks, ReportUnit unit) {
  std::string svg;
  for (const double tick : ticks) {
    svg += LineBetween(frame.left, frame.Y(tick), kWidth - kRight, frame.Y(tick), "grid");
    svg += TextAt(frame.left - 6, frame.Y(tick) + 4, "end", FormatReportNumber(tick, unit));
  }
  return svg;
}

// A path that begins anew after each gap; a point alone is a short stroke.
std::string LinePath(const ReportLine& line, Duration step, const Frame& frame, size_t index) {
  std::string path;
  for (size_t i = 0; i < line.points.size(); ++i) {
    const MetricPoint& point = line.points[i];
    const bool begins = i == 0 || point.at - line.points[i - 1].at > step + step / 2;
    path +=
        fmt::format("{}{:.1f} {:.1f}", begins ? "M" : "L", frame.X(point.at), frame.Y(point.value));
    const bool alone = begins && (i + 1 == line.points.size() ||
                                  line.points[i + 1].at - point.at > step + step / 2);
    if (alone) path += "h2";
  }
  return fmt::format("<path class=\"line l{}\" d=\"{}\"/>\n", index % kLineStyles, path);
}

// Where the first line has no samples, the ground is hatched.
std::string Gaps(const ReportChart& chart, const Frame& frame) {
  std::string svg;
  Timestamp known = frame.period.from;
  const auto gap = [&](Timestamp from, Timestamp to) {
    if (to - from <= chart.step + chart.step / 2) return;
    svg += fmt::format(
        "<rect class=\"gap\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
        frame.X(from), frame.top, frame.X(to) - frame.X(from), frame.height - kBottom - frame.top);
  };
  for (const MetricPoint& point : chart.lines[0].points) {
    gap(known, point.at);
    known = point.at;
  }
  gap(known, frame.period.to);
  return svg;
}

std::string Marks(const std::vector<ReportMark>& marks, const Frame& frame) {
  std::string svg;
  for (const ReportMark& mark : marks) {
    const double x = frame.X(mark.at);
    svg += fmt::format("<g class=\"mark{}\"><title>{}</title>\n", mark.bad ? " bad" : "",
                       EscapeMarkup(mark.text + ", " + FormatReportTime(mark.at)));
    svg += LineBetween(x, frame.top, x, frame.height - kBottom, "markline");
    // Up for what lasted, down for what did not.
    const double tip = mark.bad ? 7 : 0;
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}l4 {}h-8z\"/></g>\n", x, frame.top + tip,
                       mark.bad ? -7 : 7);
  }
  return svg;
}

// What the chart shows, for those who do not see it.
std::string Description(const ReportChart& chart) {
  std::string text;
  for (const ReportLine& line : chart.lines) {
    const auto [low, high] = std::ranges::minmax_element(line.points, {}, &MetricPoint::value);
    text += fmt::format("{}: from {} to {}, highest on {}. ", line.name,
                        FormatReportNumber(low->value, chart.unit),
                        FormatReportNumber(high->value, chart.unit), FormatReportTime(high->at));
  }
  for (const ReportBarRow& row : chart.rows) {
    text += fmt::format("{}: {} times. ", row.name, row.bars.size());
  }
  return text;
}

std::string Open(const ReportChart& chart, double height) {
  return fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-labelledby=\"{}-t {}-d\">\n"
      "<title id=\"{}-t\">{}</title>\n<desc id=\"{}-d\">{}</desc>\n",
      kWidth, height, chart.id, chart.id, chart.id, EscapeMarkup(chart.title), chart.id,
      EscapeMarkup(Description(chart)));
}

std::string RenderRows(const ReportChart& chart, const ReportPeriod& period,
                       const std::vector<ReportMark>& marks) {
  Frame frame{.period = period, .left = kRowLeft};
  frame.height = kTop + kBottom + kRowHeight * static_cast<double>(chart.rows.size());
  std::string svg = Open(chart, frame.height) + TimeAxis(frame);
  double y = kTop;
  for (const ReportBarRow& row : chart.rows) {
    svg += TextAt(kRowLeft - 8, y + 15, "end", row.name, "label");
    svg += LineBetween(kRowLeft, y + kRowHeight, kWidth - kRight, y + kRowHeight, "grid");
    for (const ReportBar& bar : row.bars) {
      const double x = frame.X(bar.from);
      svg += fmt::format(
          "<rect class=\"bar{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "rx=\"2\"><title>{}, {}, for {}</title></rect>\n",
          row.tone == ReportTone::kBad ? " bad" : "", x, y + 4, std::max(frame.X(bar.to) - x, 2.0),
          kRowHeight - 8, EscapeMarkup(row.name), FormatReportTime(bar.from),
          FormatReportNumber(ToSeconds(bar.to - bar.from), ReportUnit::kSpan));
    }
    y += kRowHeight;
  }
  return svg + Marks(marks, frame) + "</svg>\n";
}

}  // namespace

std::vector<double> ChartTicks(double low, double high) {
  low = std::min(low, 0.0);
  if (high <= low) high = low + 1;
  const double rough = (high - low) / 4;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step) * step;
  for (int i = 0; i < 12; ++i) {
    ticks.push_back(first + i * step);
    if (ticks.back() >= high * (1 - 1e-9)) break;
  }
  return ticks;
}

std::string RenderSvgChart(const ReportChart& chart, const ReportPeriod& period,
                           const std::vector<ReportMark>& marks) {
  if (chart.lines.empty()) return RenderRows(chart, period, marks);
  double low = 0;
  double high = chart.limit.value_or(0);
  for (const ReportLine& line : chart.lines) {
    for (const MetricPoint& point : line.points) {
      low = std::min(low, point.value);
      high = std::max(high, point.value);
    }
  }
  const std::vector<double> ticks = ChartTicks(low, high);
  const Frame frame{.period = period, .low = ticks.front(), .high = ticks.back()};
  std::string svg = Open(chart, kHeight) + Gaps(chart, frame) + TimeAxis(frame) +
                    ValueAxis(frame, ticks, chart.unit);
  if (chart.limit) {
    svg +=
        LineBetween(kLeft, frame.Y(*chart.limit), kWidth - kRight, frame.Y(*chart.limit), "limit");
    svg += TextAt(kWidth - kRight - 4, frame.Y(*chart.limit) - 4, "end", chart.limit_name, "tick");
  }
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    svg += LinePath(chart.lines[i], chart.step, frame, i);
  }
  return svg + Marks(marks, frame) + "</svg>\n";
}

}  // namespace tocsin::delivery
