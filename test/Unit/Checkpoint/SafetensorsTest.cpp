//===- SafetensorsTest.cpp - files written, read and refused --------------===//

#include "../Runtime/TemporaryDirectory.h"
#include "WriteSafetensors.h"

#include "dsv3/Checkpoint/Safetensors.h"
#include "dsv3/Support/File.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::checkpoint;
using dsv3::test::TensorView;

/// The failure of a header for 8 bytes of data.
static std::string refusal(const std::string &header) {
  auto parsed = parseSafetensorsHeader(header, 100, 108, "f.safetensors");
  EXPECT_FALSE(parsed.ok()) << header;
  return parsed ? "" : parsed.failure().message();
}
static void expectRefused(const std::string &header, std::initializer_list<const char *> words) {
  std::string message = refusal(header);
  EXPECT_EQ(message.find("f.safetensors: "), 0U) << message;
  for (const char *word : words) {
    EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
  }
}
static std::string entry(const char *name, const char *dtype, const char *shape, const char *span) {
  return std::string("\"") + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
         R"(,"data_offsets":)" + span + "}";
}

TEST(Safetensors, WhatIsWrittenIsRead) {
  test::TemporaryDirectory directory;
  std::vector<std::byte> bytes(40);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = std::byte(i * 7);
  }
  std::span all(bytes);
  std::vector<test::TensorView> tensors{{{"w", DType::F32, {2, 3}}, all.first(24)},
                                        {{"a", DType::BF16, {5}}, all.subspan(24, 10)},
                                        {{"scalar", DType::I32, {}}, all.subspan(34, 4)},
                                        {{"none", DType::F16, {0, 7}}, {}}};
  auto path = directory.path() / "x.safetensors";
  ASSERT_TRUE(test::writeSafetensors(path, tensors, {{"format", "pt"}}).ok());
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.failure().message();
  ASSERT_TRUE(file->map().ok());
  EXPECT_EQ(file->metadata().at("format"), "pt");
  ASSERT_EQ(file->tensors().size(), tensors.size());
  EXPECT_EQ(file->tensors()[0].name, "a"); // sorted
  for (const test::TensorView &tensor : tensors) {
    const TensorInfo *info = file->find(tensor.spec.name);
    ASSERT_NE(info, nullptr);
    EXPECT_EQ(info->dtype, tensor.spec.dtype);
    EXPECT_EQ(info->shape, tensor.spec.shape);
    EXPECT_TRUE(std::ranges::equal(file->bytes(*info), tensor.data)) << tensor.spec.name;
    size_t first = tensor.data.size() / 3;
    std::vector<std::byte> rest(tensor.data.size() - first);
    EXPECT_TRUE(file->read(*info, first, rest));
    EXPECT_TRUE(std::ranges::equal(rest, tensor.data.subspan(first))) << tensor.spec.name;
  }
  EXPECT_EQ(file->find("b"), nullptr);
}

TEST(Safetensors, ACopyWithTheSameDateWasChangedLater) {
  test::TemporaryDirectory directory;
  std::vector<std::byte> bytes(24);
  auto path = directory.path() / "x.safetensors", copyPath = directory.path() / "y.safetensors";
  std::vector<test::TensorView> tensors{{{"w", DType::F32, {2, 3}}, bytes}};
  ASSERT_TRUE(test::writeSafetensors(path, tensors, {}).ok());
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.failure().message();
  std::filesystem::copy_file(path, copyPath);
  // A clock of the file system has ticks: the date is taken over until one has passed.
  bool differs = false;
  for (int tries = 0; !differs && tries < 1'000'000; ++tries) {
    std::filesystem::last_write_time(copyPath, std::filesystem::last_write_time(path));
    auto copy = SafetensorsFile::open(copyPath);
    ASSERT_TRUE(copy.ok());
    differs = copy->changed() != file->changed();
  }
  EXPECT_TRUE(differs);
  EXPECT_TRUE(file->findChange());
}

TEST(Safetensors, AFileThatBecameShorterIsNamed) {
  test::TemporaryDirectory directory;
  std::vector<std::byte> bytes(24);
  auto path = directory.path() / "x.safetensors";
  std::vector<test::TensorView> tensors{{{"w", DType::F32, {2, 3}}, bytes}};
  ASSERT_TRUE(test::writeSafetensors(path, tensors, {}).ok());
  auto file = SafetensorsFile::open(path);
  ASSERT_TRUE(file.ok()) << file.failure().message();
  EXPECT_TRUE(file->findChange());
  auto written = std::filesystem::last_write_time(path);
  std::filesystem::last_write_time(path, written - std::chrono::seconds(1));
  Status touched = file->findChange();
  ASSERT_FALSE(touched);
  EXPECT_EQ(touched.failure().what, "the file was modified after it was opened");
  std::filesystem::resize_file(path, file->size() - 1);
  EXPECT_TRUE(file->read(*file->find("w"), 0, std::span(bytes).first(23)));
  Status read = file->read(*file->find("w"), 0, bytes);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.failure().message(),
            path.string() + ": cannot read the tensor 'w': the file ends too early");
  Status same = file->findChange();
  ASSERT_FALSE(same);
  EXPECT_EQ(same.failure().where, path.string());
}

TEST(Safetensors, AFileIsThereWholeOrNotAtAll) {
  test::TemporaryDirectory directory;
  auto path = directory.path() / "x.safetensors";
  std::vector<std::byte> bytes(8);
  {
    std::vector<TensorSpec> specs{{"w", DType::F32, {2}}};
    auto writer = SafetensorsWriter::create(path, specs);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->write(0, 0, std::span(bytes).first(5)).ok());
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_FALSE(writer->write(0, 5, std::span(bytes).first(4)).ok()); // one byte too many
    EXPECT_FALSE(writer->write(0, UINT64_MAX, std::span(bytes).first(1)).ok());
    EXPECT_FALSE(writer->finish().ok()); // three too few
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Safetensors, PiecesComeInAnyOrder) {
  test::TemporaryDirectory directory;
  std::vector<std::byte> bytes(20);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = std::byte(i + 1);
  }
  std::span all(bytes);
  std::vector<TensorSpec> specs{{"a", DType::I32, {3}}, {"b", DType::F32, {2}}};
  auto whole = directory.path() / "whole", pieces = directory.path() / "pieces";
  std::vector<test::TensorView> views{{specs[0], all.first(12)}, {specs[1], all.subspan(12)}};
  ASSERT_TRUE(test::writeSafetensors(whole, views).ok());
  auto writer = SafetensorsWriter::create(pieces, specs);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(writer->write(1, 4, all.subspan(16)).ok());
  ASSERT_TRUE(writer->write(0, 5, all.subspan(5, 7)).ok());
  ASSERT_TRUE(writer->write(1, 0, all.subspan(12, 4)).ok());
  ASSERT_TRUE(writer->write(0, 0, all.first(5)).ok());
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_EQ(readFile(pieces, 1000).ok() ? *readFile(pieces, 1000) : "", *readFile(whole, 1000));
}

TEST(Safetensors, APipeGetsTheWholeFile) {
  test::TemporaryDirectory directory;
  auto pipe = directory.path() / "pipe", file = directory.path() / "file";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::vector<std::byte> bytes(8, std::byte(7));
  std::vector<test::TensorView> views{{{"w", DType::F32, {2}}, bytes}};
  std::string seen;
  std::thread reader([&] {
    std::ifstream stream(pipe, std::ios::binary);
    seen.assign(std::istreambuf_iterator<char>(stream), {});
  });
  Status written = test::writeSafetensors(pipe, views);
  reader.join();
  ASSERT_TRUE(written.ok()) << written.failure().message();
  ASSERT_TRUE(test::writeSafetensors(file, views).ok());
  EXPECT_EQ(seen, *readFile(file, 1000));
}

TEST(Safetensors, AFileThatIsNotFinishedHasNoName) {
  test::TemporaryDirectory directory;
  int nameless = open(directory.path().c_str(), O_TMPFILE | O_WRONLY, 0600);
  if (nameless < 0) {
    GTEST_SKIP() << "the file system has no files without a name";
  }
  close(nameless);
  auto path = directory.write("x", "before");
  std::vector<std::byte> bytes(8);
  for (const auto &target : {path, directory.path() / "new"}) {
    auto writer =
        SafetensorsWriter::create(target, std::vector<TensorSpec>{{"w", DType::F32, {2}}});
    ASSERT_TRUE(writer.ok()) << writer.failure().message();
    ASSERT_TRUE(writer->write(0, 0, bytes).ok());
    // A process that is killed here leaves nothing.
    EXPECT_FALSE(target != path && std::filesystem::exists(target));
    EXPECT_EQ(*readFile(path, 1000) == "before", target == path);
    Status finished = writer->finish();
    ASSERT_TRUE(finished.ok()) << finished.failure().message();
    EXPECT_TRUE(SafetensorsFile::open(target).ok());
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 2);
}

TEST(Safetensors, ADiskTooSmallIsFoundBeforeAnythingIsWritten) {
  test::TemporaryDirectory directory;
  std::vector<TensorSpec> specs{{"w", DType::F32, {int64_t(1) << 58}}};
  auto writer = SafetensorsWriter::create(directory.path() / "x", specs);
  ASSERT_FALSE(writer.ok());
  EXPECT_NE(writer.failure().hint.find("bytes are needed"), std::string::npos)
      << writer.failure().message();
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Safetensors, ImpossibleTensorsAreNotWritten) {
  test::TemporaryDirectory directory;
  auto path = directory.path() / "x.safetensors";
  std::vector<std::byte> bytes(8);
  auto write = [&](std::vector<test::TensorView> tensors) {
    return test::writeSafetensors(path, tensors);
  };
  EXPECT_FALSE(write({{{"w", DType::F32, {3}}, bytes}}).ok());
  EXPECT_FALSE(write({{{"w", DType::F32, {-2}}, bytes}}).ok());
  EXPECT_FALSE(write({{{"w", DType::F32, {1LL << 40, 1LL << 40}}, bytes}}).ok());
  EXPECT_FALSE(write({{{"w", DType::F32, {2}}, bytes}, {{"w", DType::F32, {2}}, bytes}}).ok());
  EXPECT_FALSE(write({{{"\xFF", DType::F32, {2}}, bytes}}).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(Safetensors, DamagedHeadersAreRefusedByName) {
  EXPECT_TRUE(
      parseSafetensorsHeader("{" + entry("w", "F32", "[2]", "[0,8]") + "}", 100, 108, "f").ok());
  expectRefused("", {"'{'"});
  expectRefused("{", {"not JSON"});
  expectRefused("{" + entry("w", "F32", "[2]", "[0,8]") + "} x", {"not JSON"});
  expectRefused("{" + entry("w", "F32", "[3]", "[0,8]") + "}", {"'w'", "[3]", "12", "8"});
  expectRefused("{" + entry("w", "F32", "[3]", "[0,12]") + "}", {"'w'", "[0, 12]", "only 8"});
  expectRefused("{" + entry("w", "F32", "[2]", "[8,0]") + "}", {"'w'", "before they begin"});
  expectRefused("{" + entry("w", "F32", "[1]", "[0,4]") + "}", {"4", "8 bytes of data"});
  expectRefused("{" + entry("w", "F32", "[1]", "[4,8]") + "}", {"'w'", "belong to no tensor"});
  expectRefused("{" + entry("a", "U8", "[6]", "[0,6]") + "," + entry("b", "U8", "[4]", "[4,8]") +
                    "}",
                {"'b'", "overlaps 'a'"});
  expectRefused("{" + entry("w", "U8", "[4]", "[0,4]") + "," + entry("w", "U8", "[4]", "[4,8]") +
                    "}",
                {"'w'", "twice"});
  expectRefused("{" + entry("w", "F32", "[-2]", "[0,8]") + "}", {"shape", "negative"});
  expectRefused("{" + entry("w", "F32", "[4294967296,4294967296]", "[0,8]") + "}", {"'w'"});
  expectRefused(R"({"w":{"dtype":"F32","shape":[2]}})", {"'w'", "data_offsets"});
  expectRefused(R"({"w":[]})", {"'w'", "object"});
  expectRefused(R"({"__metadata__":{"a":1}})", {"__metadata__", "'a'"});
  expectRefused(R"({"__metadata__":{"a":"x","a":"y"}})", {"'a'", "comes twice in __metadata__"});
  expectRefused(R"({"__metadata__":{},"__metadata__":{}})", {"__metadata__ comes twice"});
  expectRefused("{" + entry("w", "F32", "[9223372036854775808]", "[0,8]") + "}",
                {"'w' has a dimension of 9223372036854775808"});
  expectRefused("{" + entry("w", "F4", "[3]", "[0,2]") + "}",
                {"'w'", "F4 and shape [3]", "whose size in bytes cannot be computed"});
  expectRefused(R"({"w":{"type":"F32"}})", {"'w' has a field 'type' that the format does not"});
  expectRefused(R"({"w":{"dtype":"F32","dtype":"F32"}})", {"'w' states dtype twice"});
  expectRefused(R"({"w":{"dtype":1}})", {"dtype of the tensor 'w' to be a text, found a number"});
  expectRefused(R"({"w":{"shape":{}}})", {"to be a list of sizes, found an object"});
  expectRefused(R"({"w":{"data_offsets":[0,8,9]}})", {"a list of two offsets, found a number"});
  expectRefused(R"({"w":{"data_offsets":[0]}})", {"a list of two offsets, found a list of 1"});
}

TEST(Safetensors, TypesThatAreNotComputedWithKeepTheirNames) {
  auto header =
      parseSafetensorsHeader("{" + entry("w", "F8_E5M2", "[8]", "[0,8]") + "}", 100, 108, "f");
  ASSERT_TRUE(header.ok());
  EXPECT_FALSE(header->tensors[0].dtype.has_value());
  EXPECT_EQ(header->tensors[0].dtypeName, "F8_E5M2");
}

TEST(Safetensors, FilesThatAreNoneSaySo) {
  test::TemporaryDirectory directory;
  auto refused = [&](const std::string &bytes) {
    auto file = SafetensorsFile::open(directory.write("x", bytes));
    return file ? "" : file.failure().message();
  };
  EXPECT_NE(refused("abc").find("one of 3 bytes"), std::string::npos);
  EXPECT_NE(refused("version https://git-lfs").find("Git LFS"), std::string::npos);
  EXPECT_NE(refused(std::string(8, '\xFF')).find("18446744073709551615"), std::string::npos);
  EXPECT_NE(refused(std::string("\x40\0\0\0\0\0\0\0{}", 10)).find("64 bytes"), std::string::npos);
  EXPECT_FALSE(SafetensorsFile::open(directory.path()).ok());
  EXPECT_FALSE(SafetensorsFile::open(directory.path() / "absent").ok());
}
