#include "exporters/peer_text.h"

#include <gtest/gtest.h>

#include "engine/model/label_set.h"
#include "tests/exporters/table_sink.h"

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

TEST(PeerTextTest, LabelsAreMadeValidAndNothingElseChanges) {
  constexpr FamilySpec kTable[] = {{.name = "redis_key_size", .labels = "db,key"}};
  testing_support::TableSink table(kTable);
  Utf8Sink sink(table);
  sink.Write(kTable[0], {{"db", "db0"}, {"key", "a\xff"}}, 1);
  sink.Write(kTable[0], {{"db", "db0"}, {"key", "b"}}, 2);
  EXPECT_EQ(table.Value("redis_key_size{db=\"db0\", key=\"a?\"}"), 1);
  EXPECT_EQ(table.Value("redis_key_size{db=\"db0\", key=\"b\"}"), 2);
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
