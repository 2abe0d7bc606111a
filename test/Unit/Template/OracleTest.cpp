//===- OracleTest.cpp - what Jinja2 renders for transformers --------------===//

#include "../Tokenizer/Oracles.h"

#include "runtime/template/Template.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::text;

TEST(TemplateOracle, EveryCaseMatches) {
  auto directory = oracleDirectory("template");
  if (directory.empty()) {
    GTEST_SKIP() << "DSV3_ORACLES does not name a directory with template/cases.json";
  }
  auto document = oracleCases(directory);
  for (const auto &entry : document["cases"]) {
    auto source = entry["template"].get<std::string>();
    SCOPED_TRACE(source);
    auto parsed = Template::parse(source);
    auto rendered =
        parsed.ok() ? parsed->render(entry["context"]) : Expected<Rendered>(parsed.failure());
    if (entry.contains("error")) {
      ASSERT_FALSE(rendered.ok()) << rendered->text;
      EXPECT_EQ(rendered.failure().what, entry["error"].get<std::string>());
      EXPECT_NE(rendered.failure().where.find("line "), std::string::npos);
      if (entry.contains("line")) {
        EXPECT_EQ(rendered.failure().where,
                  "chat template, line " + std::to_string(entry["line"].get<int>()));
      }
    } else {
      ASSERT_TRUE(rendered.ok()) << rendered.failure().message();
      EXPECT_EQ(rendered->text, entry["text"].get<std::string>());
      std::string joined;
      for (const Segment &segment : rendered->segments) {
        joined += segment.text;
      }
      EXPECT_EQ(joined, rendered->text);
    }
  }
  RecordProperty("cases", int(document["cases"].size()));
}
