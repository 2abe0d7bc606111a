//===- DirectoryTest.cpp - checkpoint directories, with and without index -===//

#include "../Runtime/TemporaryDirectory.h"
#include "WriteSafetensors.h"

#include "dsv3/Checkpoint/Checkpoint.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::checkpoint;

namespace {

struct Directory : testing::Test {
  test::TemporaryDirectory directory;

  Directory() { directory.write("config.json", "{}"); }

  /// Every tensor is one F32.
  void writeShard(const std::string &file, const std::vector<std::string> &names,
                  std::byte value = std::byte(1)) {
    std::vector<std::byte> bytes(4, value);
    std::vector<test::TensorView> tensors;
    for (const std::string &name : names) {
      tensors.push_back({{name, DType::F32, {1}}, bytes});
    }
    ASSERT_TRUE(test::writeSafetensors(directory.path() / file, tensors).ok());
  }
  void writeIndex(const std::string &map) {
    directory.write("model.safetensors.index.json", R"({"weight_map": {)" + map + "}}");
  }
  std::string refusal() {
    auto checkpoint = Checkpoint::open(directory.path());
    EXPECT_FALSE(checkpoint.ok());
    return checkpoint ? "" : checkpoint.failure().message();
  }
};

} // namespace

#define EXPECT_SAYS(message, word)                                                                 \
  EXPECT_NE((message).find(word), std::string::npos) << word << " is not in: " << (message)

TEST_F(Directory, TheIndexDecidesWhichShardIsRead) {
  writeShard("1.safetensors", {"a", "b"}, std::byte(1));
  writeShard("2.safetensors", {"b", "c"}, std::byte(2));
  writeIndex(R"("a": "1.safetensors", "b": "2.safetensors")");
  auto checkpoint = Checkpoint::open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.failure().message();
  ASSERT_TRUE(checkpoint->map().ok());
  ASSERT_EQ(checkpoint->tensors().size(), 3U);
  EXPECT_EQ(checkpoint->bytes(*checkpoint->find("a"))[0], std::byte(1));
  EXPECT_EQ(checkpoint->bytes(*checkpoint->find("b"))[0], std::byte(2));
  EXPECT_EQ(checkpoint->notes().size(), 2U); // c is unlisted, b of the first shard a copy
}

TEST_F(Directory, IdentityIsOfConfigAndHeadersNotOfWeights) {
  writeShard("model.safetensors", {"a", "b"}, std::byte(1));
  std::string first = Checkpoint::open(directory.path())->identity();
  writeShard("model.safetensors", {"a", "b"}, std::byte(2));
  EXPECT_EQ(Checkpoint::open(directory.path())->identity(), first);
  writeShard("model.safetensors", {"a", "c"}, std::byte(2));
  EXPECT_NE(Checkpoint::open(directory.path())->identity(), first);
  writeShard("model.safetensors", {"a", "b"}, std::byte(1));
  directory.write("config.json", "{ }");
  EXPECT_NE(Checkpoint::open(directory.path())->identity(), first);
}

TEST_F(Directory, WhatIsMissingIsNamed) {
  EXPECT_SAYS(refusal(), "model.safetensors.index.json, found neither");
  writeIndex(R"("a": "1.safetensors")");
  EXPECT_SAYS(refusal(), "'1.safetensors'");
  writeShard("1.safetensors", {"b"});
  EXPECT_SAYS(refusal(), "'a' is in '1.safetensors', but it is not");
  std::filesystem::remove(directory.path() / "config.json");
  EXPECT_SAYS(refusal(), "config.json");
  EXPECT_FALSE(Checkpoint::open(directory.path() / "absent").ok());
  EXPECT_FALSE(Checkpoint::open(directory.path() / "1.safetensors").ok());
}

TEST_F(Directory, ATensorOfTwoShardsIsRefused) {
  writeShard("1.safetensors", {"a", "x"});
  writeShard("2.safetensors", {"b", "x"});
  writeIndex(R"("a": "1.safetensors", "b": "2.safetensors")");
  std::string message = refusal();
  EXPECT_SAYS(message, "'x' is in '1.safetensors' and in '2.safetensors'");
}

TEST(Index, FilesStayInTheDirectory) {
  auto parse = [](const std::string &file) {
    return parseIndex(R"({"weight_map": {"a": ")" + file + R"("}})", "index");
  };
  EXPECT_EQ(parse("m.safetensors")->at("a"), "m.safetensors");
  for (const char *file : {"", ".", "..", "../x", "/etc/passwd", "a/b", "a\\u0000b"}) {
    EXPECT_FALSE(parse(file).ok()) << file;
  }
}

TEST(Index, BrokenOnesAreRefused) {
  for (const char *text : {"", "[]", "{}", R"({"weight_map": []})", R"({"weight_map": {"a": 1}})",
                           R"({"weight_map": {"a": "x", "a": "y"}})"}) {
    EXPECT_FALSE(parseIndex(text, "index").ok()) << text;
  }
}
