#include "rules/control_comments.h"

#include <algorithm>
#include <cctype>

namespace tocsin {
namespace {

constexpr std::string_view kSpace = " \t\r";
constexpr std::string_view kMark = "tocsin:";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// Where the comment of a line begins that speaks to tocsin; npos when there is none.
size_t FindComment(std::string_view line) {
  char quote = '\0';
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = '\0';
      continue;
    }
    const bool begins_a_word = i == 0 || kSpace.find(line[i - 1]) != std::string_view::npos;
    // An apostrophe within a word opens nothing.
    if ((c == '"' || c == '\'') &&
        (i == 0 || !std::isalnum(static_cast<unsigned char>(line[i - 1])))) {
      quote = c;
    }
    if (c == '#' && begins_a_word && Trimmed(line.substr(i + 1)).starts_with(kMark)) return i;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<ControlComment::Setting> ControlComment::AsSetting() const {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = Trimmed(text.substr(0, equals));
  if (name.empty() || name.find_first_of(kSpace) != std::string_view::npos) return std::nullopt;
  std::string_view value = Trimmed(text.substr(equals + 1));
  const bool quoted = value.size() >= 2 && (value[0] == '"' || value[0] == '\'') &&
                      value.find(value[0], 1) == value.size() - 1;
  if (quoted) value = value.substr(1, value.size() - 2);
  return Setting{name, value};
}

std::vector<ControlComment> FindControlComments(std::string_view yaml) {
  std::vector<ControlComment> comments;
  for (int line = 1; !yaml.empty(); ++line) {
    const size_t end = std::min(yaml.find('\n'), yaml.size());
    const std::string_view text = yaml.substr(0, end);
    const size_t at = FindComment(text);
    if (at != std::string_view::npos) {
      comments.push_back({.line = line,
                          .column = static_cast<int>(at) + 1,
                          .alone = Trimmed(text.substr(0, at)).empty(),
                          .text = Trimmed(Trimmed(text.substr(at + 1)).substr(kMark.size()))});
    }
    yaml.remove_prefix(std::min(end + 1, yaml.size()));
  }
  return comments;
}

std::optional<size_t> OwnerOf(const ControlComment& comment, const std::vector<PlaceOfItem>& items,
                              int open_since) {
  const int last_line = comment.alone ? comment.line - 1 : comment.line;
  const auto next = std::ranges::upper_bound(items, last_line, {}, &PlaceOfItem::line);
  const auto index = static_cast<size_t>(next - items.begin());
  const bool inside = index > 0 && items[index - 1].line >= open_since &&
                      (!comment.alone || comment.column >= items[index - 1].column);
  if (inside) return index - 1;
  if (!comment.alone || next == items.end()) return std::nullopt;
  return index;
}

}  // namespace tocsin
