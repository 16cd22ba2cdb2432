#include "base/markup.h"

#include <gtest/gtest.h>

namespace tocsin {
namespace {

struct MarkupCase {
  std::string_view text;
  std::string_view escaped;
};

constexpr MarkupCase kCases[] = {
    {"", ""},
    {"plain, ünïcode", "plain, ünïcode"},
    {"<a href=\"x\">&'", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;"},
    {"one\ttwo\nthree", "one\ttwo\nthree"},
    {"bell\aescape\x1b[31m", "bell escape [31m"},
    {"&amp;", "&amp;amp;"},
};

TEST(MarkupTest, EscapesWhatHtmlAndXmlCannotHold) {
  for (const MarkupCase& each : kCases) EXPECT_EQ(EscapeMarkup(each.text), each.escaped);
}

}  // namespace
}  // namespace tocsin
