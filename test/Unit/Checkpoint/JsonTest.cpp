//===- JsonTest.cpp - JSON that others wrote ------------------------------===//

#include "dsv3/Checkpoint/Json.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::checkpoint;

namespace {
template <typename Document>
class JsonReader : public testing::Test {
protected:
  static std::string refusal(const std::string &text) {
    auto parsed = parseJson<Document>(text, "x.json");
    return parsed ? "" : parsed.failure().message();
  }
};
} // namespace
using Documents = testing::Types<Json, nlohmann::ordered_json>;
TYPED_TEST_SUITE(JsonReader, Documents);

TYPED_TEST(JsonReader, ReadsEveryKindOfValue) {
  std::string text = R"({"z":[1,-2,0.5,"a\u00e4",true,null,{}],"a":18446744073709551615})";
  auto parsed = parseJson<TypeParam>(text, "x.json");
  ASSERT_TRUE(parsed.ok()) << parsed.failure().message();
  EXPECT_EQ(*parsed, TypeParam::parse(text));
}

TYPED_TEST(JsonReader, OneSetOfLimitsAndOneStyleOfError) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(this->refusal(nested(200)), "");
  EXPECT_EQ(this->refusal(nested(201))
                .find("x.json: expected JSON, but objects and lists are nested more than 200 deep"),
            0U);
  EXPECT_EQ(this->refusal(R"({"a":1,"b":{"a":2},"a":3})")
                .find("x.json: expected JSON, but the key 'a' comes twice in one object"),
            0U);
  EXPECT_EQ(this->refusal("{\n\"a\": 1,").find("x.json: expected JSON, but parse error at line 2"),
            0U);
}

TEST(OrderedJson, ObjectsKeepTheirOrder) {
  auto parsed = parseJson<nlohmann::ordered_json>(R"({"z":1,"a":2})", "x.json");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->dump(), R"({"z":1,"a":2})");
}
