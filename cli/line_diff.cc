#include "cli/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cli/terminal.h"

namespace tocsin::cli {
namespace {

constexpr size_t kMaxCells = 16'000'000;

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// common[i][j]: the length of the longest common subsequence of before[i…] and after[j…].
class CommonLines {
 public:
  CommonLines(const std::vector<std::string_view>& before,
              const std::vector<std::string_view>& after)
      : width_(after.size() + 1), length_((before.size() + 1) * width_) {
    for (size_t i = before.size(); i-- > 0;) {
      for (size_t j = after.size(); j-- > 0;) {
        At(i, j) =
            before[i] == after[j] ? At(i + 1, j + 1) + 1 : std::max(At(i + 1, j), At(i, j + 1));
      }
    }
  }
  uint32_t At(size_t i, size_t j) const { return length_[i * width_ + j]; }

 private:
  uint32_t& At(size_t i, size_t j) { return length_[i * width_ + j]; }

  const size_t width_;
  std::vector<uint32_t> length_;
};

}  // namespace

std::string LineDiff(std::string_view before, std::string_view after, bool colors) {
  std::vector<std::string_view> old_lines = Lines(before);
  std::vector<std::string_view> new_lines = Lines(after);
  std::string text;
  const auto removed = [&](std::string_view line) {
    text += Colored("- " + std::string(line), Color::kRed, colors) + "\n";
  };
  const auto added = [&](std::string_view line) {
    text += Colored("+ " + std::string(line), Color::kGreen, colors) + "\n";
  };
  size_t i = 0;
  size_t j = 0;
  if (old_lines.size() * new_lines.size() <= kMaxCells) {
    const CommonLines common(old_lines, new_lines);
    while (i < old_lines.size() && j < new_lines.size()) {
      if (old_lines[i] == new_lines[j]) {
        text += "  " + std::string(old_lines[i]) + "\n";
        ++i;
        ++j;
      } else if (common.At(i + 1, j) >= common.At(i, j + 1)) {
        removed(old_lines[i++]);
      } else {
        added(new_lines[j++]);
      }
    }
  }
  while (i < old_lines.size()) removed(old_lines[i++]);
  while (j < new_lines.size()) added(new_lines[j++]);
  return text;
}

}  // namespace tocsin::cli
