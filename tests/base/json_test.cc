#include "base/json.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tocsin {
namespace {

TEST(JsonWriter, PlacesCommasAndEscapes) {
  JsonWriter json;
  json.BeginObject();
  json.Field("a", "x<y>&\"\\\n\x01");
  json.Key("b").BeginArray().Int(-1).Uint(2).Double(0.5).Bool(true).Null().EndArray();
  json.Key("c").BeginObject().EndObject();
  json.Key("d").Raw("[1]").Field("e", false);
  json.EndObject();
  EXPECT_EQ(json.text(),
            "{\"a\":\"x\\u003cy\\u003e\\u0026\\\"\\\\\\n\\u0001\",\"b\":[-1,2,0.5,true,null],"
            "\"c\":{},\"d\":[1],\"e\":false}");
}

TEST(JsonWriter, WritesOnlyUtf8) {
  JsonWriter json;
  json.String("gr\xC3\xBC\xC3\x9F \xFF \xE2\x80\xA8 \xED\xA0\x80 \xF0\x9F\x9A\xA8");
  EXPECT_EQ(json.text(),
            "\"gr\xC3\xBC\xC3\x9F \\ufffd \\u2028 \\ufffd\\ufffd\\ufffd \xF0\x9F\x9A\xA8\"");
}

TEST(JsonWriter, HasNoNumberForNan) {
  JsonWriter json;
  json.BeginArray().Double(std::nan("")).Double(1e300).EndArray();
  EXPECT_EQ(json.text(), "[null,1e+300]");
}

TEST(JsonValue, ReadsATree) {
  const auto parsed = JsonValue::Parse(R"({"a":{"b":[1,"x",null,true]},"a2":-2.5e3,"d":1,"d":2})");
  ASSERT_TRUE(parsed.ok());
  const JsonValue::Array& array = *parsed->Find("a", "b")->AsArray();
  ASSERT_EQ(array.size(), 4u);
  EXPECT_EQ(*array[0].AsNumber(), 1);
  EXPECT_EQ(array[1].TextOrEmpty(), "x");
  EXPECT_TRUE(array[2].is_null());
  EXPECT_TRUE(*array[3].AsBool());
  EXPECT_EQ(*parsed->Find("a2")->AsNumber(), -2500);
  EXPECT_EQ(*parsed->Find("d")->AsNumber(), 2);
  EXPECT_EQ(parsed->Find("a", "nope"), nullptr);
  EXPECT_EQ(parsed->Find("a2", "nope"), nullptr);
}

TEST(JsonWriter, WritesATreeAsItWasRead) {
  for (const std::string_view text :
       {R"({"b":[1,2.5,-3],"a":{"deep":[{},[]]},"t":true,"f":false,"n":null})", R"("x")", "[]",
        R"({"b":"\u003c","b":2})"}) {
    const Result<JsonValue> tree = JsonValue::Parse(text);
    ASSERT_TRUE(tree.ok());
    EXPECT_EQ(JsonWriter().Value(*tree).text(), text);
  }
}

TEST(JsonValue, RefusesBrokenText) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":}", "nul", "\"\xFF\"", "1 2", "{\"a\" 1}"}) {
    EXPECT_FALSE(JsonValue::Parse(text).ok()) << text;
  }
}

TEST(JsonValue, BoundsTheDepth) {
  EXPECT_TRUE(JsonValue::Parse(std::string(64, '[') + std::string(64, ']')).ok());
  const auto deep = JsonValue::Parse(std::string(1'000'000, '['));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().message, "JSON nested deeper than 64 levels");
}

}  // namespace
}  // namespace tocsin
