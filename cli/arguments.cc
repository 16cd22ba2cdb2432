#include <charconv>
#include <cstdlib>

#include "cli/command.h"

namespace tocsin::cli {

// A flag that the command does not have is a defect of the program.
const Arguments::Entry& Arguments::Find(std::string_view flag) const {
  const auto found = flags_.find(flag);
  if (found == flags_.end()) std::abort();
  return found->second;
}

const std::string& Arguments::Text(std::string_view flag) const {
  const Entry& entry = Find(flag);
  return entry.values.empty() ? entry.fallback : entry.values.back();
}

const std::vector<std::string>& Arguments::All(std::string_view flag) const {
  return Find(flag).values;
}

bool Arguments::Switch(std::string_view flag) const { return Given(flag); }

bool Arguments::Given(std::string_view flag) const { return !Find(flag).values.empty(); }

Result<Duration> Arguments::DurationOf(std::string_view flag) const {
  const Result<Duration> duration = ParsePrometheusDuration(Text(flag));
  if (!duration.ok()) return Prefixed(std::string(flag) + ": ", duration.error());
  return *duration;
}

Result<int64_t> Arguments::IntegerOf(std::string_view flag) const {
  const std::string& text = Text(flag);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) {
    return InvalidArgument(std::string(flag) + ": \"" + text + "\" is not a whole number");
  }
  return number;
}

void Arguments::SetFallback(std::string flag, std::string value) {
  flags_[std::move(flag)].fallback = std::move(value);
}

void Arguments::SetValues(std::string flag, std::vector<std::string> values) {
  flags_[std::move(flag)].values = std::move(values);
}

}  // namespace tocsin::cli
