#include "server/active_query_log.h"

#include <algorithm>

#include "base/json.h"
#include "base/time.h"

namespace tocsin::server {
namespace {

constexpr size_t kEntryBytes = 1000;
// A query among thousands of others in line may find no place; it is not noted then.
constexpr size_t kNoPlace = SIZE_MAX;

std::string EntryOf(std::string_view query, int64_t started_s) {
  const auto render = [started_s](std::string_view text) {
    JsonWriter json;
    json.BeginObject().Field("query", text).Field("timestamp_sec", started_s).EndObject();
    return json.Take() + ",";
  };
  // A character may take six bytes in JSON.
  std::string_view shown = query.substr(0, kEntryBytes);
  std::string entry = render(shown);
  while (entry.size() > kEntryBytes) {
    const size_t excess = entry.size() - kEntryBytes;
    shown.remove_suffix(std::min(shown.size(), std::max<size_t>(1, excess / 6)));
    // Not within a character.
    while (!shown.empty() && (static_cast<unsigned char>(query[shown.size()]) & 0xC0) == 0x80) {
      shown.remove_suffix(1);
    }
    entry = render(shown);
  }
  return entry;
}

}  // namespace

size_t ActiveQueryLog::SizeFor(size_t queries) { return 1 + queries * kEntryBytes; }

ActiveQueryLog::ActiveQueryLog(std::span<char> bytes, const Clock& clock)
    : bytes_(bytes), clock_(clock) {
  const MutexLock lock(mutex_);
  bytes_.front() = '[';
  for (size_t at = 1; at + kEntryBytes <= bytes_.size(); at += kEntryBytes) free_.push_back(at);
  std::ranges::reverse(free_);
}

size_t ActiveQueryLog::Began(std::string_view query) {
  const std::string entry = EntryOf(query, ToMs(clock_.Now()) / 1000);
  const MutexLock lock(mutex_);
  if (free_.empty()) return kNoPlace;
  const size_t at = free_.back();
  free_.pop_back();
  std::ranges::copy(entry, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  return at;
}

void ActiveQueryLog::Ended(size_t token) {
  if (token == kNoPlace) return;
  const MutexLock lock(mutex_);
  std::ranges::fill(bytes_.subspan(token, kEntryBytes), '\0');
  free_.push_back(token);
}

std::vector<UnfinishedQuery> UnfinishedQueries(std::string_view file) {
  std::vector<UnfinishedQuery> queries;
  for (size_t at = 1; at < file.size(); at += kEntryBytes) {
    std::string_view entry = file.substr(at, kEntryBytes);
    entry = entry.substr(0, entry.find('\0'));
    if (entry.ends_with(',')) entry.remove_suffix(1);
    const Result<JsonValue> json = JsonValue::Parse(entry);
    if (!json.ok()) continue;
    const JsonValue* const query = json->Find("query");
    const JsonValue* const started = json->Find("timestamp_sec");
    if (query == nullptr || query->AsString() == nullptr) continue;
    const double* const seconds = started == nullptr ? nullptr : started->AsNumber();
    queries.push_back(
        {*query->AsString(), seconds == nullptr ? 0 : static_cast<int64_t>(*seconds)});
  }
  return queries;
}

}  // namespace tocsin::server
