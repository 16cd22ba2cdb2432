#include "exporters/peer_text.h"

#include <gtest/gtest.h>

#include "engine/model/label_set.h"

namespace tocsin {
namespace {

TEST(PeerTextTest, OnlyUtf8Remains) {
  EXPECT_EQ(ValidUtf8("schlüssel:1"), "schlüssel:1");
  EXPECT_EQ(ValidUtf8("a\xff\xfe"
                      "b\xc3"),
            "a??b?");
  EXPECT_EQ(ValidUtf8("ü\x80€"), "ü?€");
  EXPECT_TRUE(IsValidUtf8(ValidUtf8(std::string("\xf0\x9f\x98", 3))));
}

TEST(PeerTextTest, MessagesAreShortAndInOneLine) {
  EXPECT_EQ(PeerMessage("ERROR:  no\n\tway\n\n"), "ERROR:  no  way");
  EXPECT_EQ(PeerMessage("got \"\xf1\"\x7f"), "got \"?\"");
  const std::string cut = PeerMessage(std::string(999, 'a') + "ü", 100);
  EXPECT_LE(cut.size(), 100u);
  EXPECT_TRUE(IsValidUtf8(PeerMessage("aaaü€ü€ü€ü€", 9)));
}

}  // namespace
}  // namespace tocsin
