// Comments in a rule file that speak to tocsin:
//
//   # tocsin: on_missing=keep          a setting (rules/extensions.h)
//   # tocsin: disable promql/series    anything without "=" is left to the linter
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace tocsin {

struct ControlComment {
  int line = 1;           // 1-based
  int column = 1;         // of the #
  bool alone = false;     // nothing but white space stands before it in its line
  std::string_view text;  // behind "tocsin:", without white space around; points into the YAML

  // NAME=VALUE; nothing when there is no "=" behind the first word. A value may be quoted.
  struct Setting {
    std::string_view name;
    std::string_view value;
  };
  std::optional<Setting> AsSetting() const;
};

// In the order of the text. A # inside a quoted scalar that ends on its line is no comment.
std::vector<ControlComment> FindControlComments(std::string_view yaml);

// Where a group or a rule begins: the place of its first field.
struct PlaceOfItem {
  int line = 1;
  int column = 1;
};
// Which of the items a comment belongs to; `items` are all groups or all rules, in the file's
// order. A comment in a line of its own belongs to the item that it stands in when it is indented
// as far as the fields of that item, else to the next one; a comment behind something to the item
// of that line. `open_since`: a line before which no item can hold the comment, because another
// group has begun. Nothing when there is no such item.
std::optional<size_t> OwnerOf(const ControlComment& comment, const std::vector<PlaceOfItem>& items,
                              int open_since = 0);

}  // namespace tocsin
