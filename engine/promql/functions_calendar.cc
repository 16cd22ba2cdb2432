// Parts of a date and time in UTC, of every sample or of now.
#include <cmath>
#include <limits>

#include "engine/promql/functions.h"

namespace tocsin::promql {
namespace {

constexpr int64_t kDaySeconds = 86'400;

// The proleptic Gregorian calendar in whole days since 1970-01-01, for any 64-bit time. The
// algorithm is Howard Hinnant's civil_from_days: years begin in March, so that the leap day is
// the last.
struct CivilDay {
  int64_t days;  // since 1970-01-01
  int64_t year;
  int month;  // 1…12
  int day;    // 1…31

  explicit CivilDay(int64_t since_epoch) : days(since_epoch) {
    const int64_t shifted = since_epoch + 719'468;  // since 0000-03-01
    const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const int64_t of_era = shifted - era * 146'097;
    const int64_t year_of_era =
        (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
    const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted_month = (5 * of_year + 2) / 153;
    day = static_cast<int>(of_year - (153 * shifted_month + 2) / 5 + 1);
    month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  }
};

bool IsLeap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

int DayOfYear(const CivilDay& date) {
  int days = date.day;
  for (int month = 1; month < date.month; ++month) days += DaysInMonth(date.year, month);
  return days;
}

struct CivilTime {
  CivilDay date;
  int64_t second_of_day;
};

// As Go converts: fractions are cut, and what no int64 can hold becomes the smallest.
int64_t WholeSeconds(double seconds) {
  constexpr double kLimit = 9'223'372'036'854'775'808.0;
  if (!(seconds >= -kLimit && seconds < kLimit)) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(seconds);
}

CivilTime Civil(double seconds) {
  const int64_t whole = WholeSeconds(seconds);
  const int64_t cut = whole / kDaySeconds;
  const int64_t days = whole % kDaySeconds < 0 ? cut - 1 : cut;
  return {CivilDay(days), whole - days * kDaySeconds};
}

template <typename Part>
Block TakePart(const CallContext& context, std::vector<Block> args, Part part) {
  if (args.empty()) {
    Block now(context.steps.count);
    now.AddSeries(Labels());
    for (size_t step = 0; step < now.steps(); ++step) {
      now.Set(0, step, part(Civil(static_cast<double>(context.steps.At(step)) / 1000)));
    }
    return now;
  }
  Block block = std::move(args[0]);
  for (size_t series = 0; series < block.series(); ++series) {
    for (size_t step = 0; step < block.steps(); ++step) {
      if (!block.Has(series, step)) continue;
      if (block.has_histograms() && block.Histogram(series, step) != nullptr) {
        block.Clear(series, step);
      } else {
        block.Set(series, step, part(Civil(block.Value(series, step))));
      }
    }
  }
  return block;
}

}  // namespace

Result<Block> VectorDayOfMonth(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args),
                  [](const CivilTime& t) { return static_cast<double>(t.date.day); });
}

// Sunday is 0; 1970-01-01 was a Thursday.
Result<Block> VectorDayOfWeek(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args), [](const CivilTime& t) {
    return static_cast<double>(((t.date.days + 4) % 7 + 7) % 7);
  });
}

Result<Block> VectorDayOfYear(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args),
                  [](const CivilTime& t) { return static_cast<double>(DayOfYear(t.date)); });
}

Result<Block> VectorDaysInMonth(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args), [](const CivilTime& t) {
    return static_cast<double>(DaysInMonth(t.date.year, t.date.month));
  });
}

Result<Block> VectorHour(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args),
                  [](const CivilTime& t) { return static_cast<double>(t.second_of_day / 3600); });
}

Result<Block> VectorMinute(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args), [](const CivilTime& t) {
    return static_cast<double>(t.second_of_day / 60 % 60);
  });
}

Result<Block> VectorMonth(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args),
                  [](const CivilTime& t) { return static_cast<double>(t.date.month); });
}

Result<Block> VectorYear(const CallContext& context, std::vector<Block> args) {
  return TakePart(context, std::move(args),
                  [](const CivilTime& t) { return static_cast<double>(t.date.year); });
}

}  // namespace tocsin::promql
