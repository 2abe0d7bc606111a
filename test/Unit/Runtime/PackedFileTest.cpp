//===- PackedFileTest.cpp - packed weights on disk ------------------------===//

#include "SmallCheckpoint.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/params/PackedFile.h"
#include "runtime/params/ParameterStore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;
namespace fs = std::filesystem;

/// A weight of some megabytes in three layers, with scales, and a norm.
static plan::Plan packedPlan() {
  plan::Parameter weight, norm;
  weight.name = "weight", weight.type = DType::F8E4M3;
  weight.rows = 1000, weight.columns = 1030, weight.layers = {0, 2, 3};
  weight.scaleRows = weight.scaleColumns = 128;
  weight.segments = {{"w.{layer}", "s.{layer}", 1000, 1030, 0, 0, 1000, false}};
  norm.name = "norm", norm.type = DType::BF16, norm.rows = 1, norm.columns = 9;
  norm.segments = {{"n", "", 9, 0, 0, 0, 1, false}};
  return planOf({weight, norm}, 16);
}

static std::vector<std::string> names(const TemporaryDirectory &directory) {
  std::vector<std::string> all;
  for (const fs::directory_entry &entry : fs::directory_iterator(directory.path())) {
    all.push_back(entry.path().filename().string());
  }
  return all;
}
static const std::vector<std::string> none, published{"packed"};

namespace {
class PackedFileTest : public testing::Test {
protected:
  PackedHeader header(std::string source = "made up from seed 5") const {
    return {.plan = "p",
            .variant = "v",
            .source = std::move(source),
            .calibration = {},
            .files = {},
            .dataBytes = plan::weightBytes(plan, 1),
            .checksums = {}};
  }
  std::optional<PackedWriter> writer() const {
    auto created = PackedWriter::create(path, header());
    if (!created) {
      ADD_FAILURE() << created.failure().message();
      return std::nullopt;
    }
    return *std::move(created);
  }
  Status write(PackedWriter &writer) const { return writer.write(store.parts(), {}, nullptr); }

  plan::Plan plan = packedPlan();
  ParameterStore store = *ParameterStore::dummy(plan, 1, 5);
  TemporaryDirectory directory;
  fs::path path = directory.path() / "packed";
};

/// Lowers the limit of a file's size, as on a disk that fills up.
class SmallFiles {
public:
  explicit SmallFiles(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit limit{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() { setrlimit(RLIMIT_FSIZE, &before); }
  SmallFiles(const SmallFiles &) = delete;
  SmallFiles &operator=(const SmallFiles &) = delete;

private:
  rlimit before{};
};
} // namespace

TEST_F(PackedFileTest, WeightsThatWereKeptAreMapped) {
  uint64_t last = 0;
  auto progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, store.bytes().size());
    EXPECT_GT(done, last);
    last = done;
  };
  auto created = writer();
  ASSERT_TRUE(created);
  EXPECT_FALSE(fs::exists(path));
  Status written = created->write(store.parts(), progress, nullptr);
  ASSERT_TRUE(written.ok()) << written.failure().message();
  EXPECT_EQ(last, store.bytes().size());
  EXPECT_EQ(names(directory), published);

  auto weights = mapPacked(path, header());
  ASSERT_TRUE(weights.ok()) << weights.failure().message();
  FileMapping *mapping = &weights->mapping;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(mapping->bytes().data()) % packedDataOffset, 0U);
  EXPECT_TRUE(mapping->fetch(0, UINT32_MAX).ok());
  ParameterStore mapped = ParameterStore::mapped(plan, 1, std::move(*mapping));
  EXPECT_TRUE(std::ranges::equal(mapped.bytes(), store.bytes()));
  for (int64_t layer : {0, 2, 3}) {
    EXPECT_EQ(mapped.data(0, layer) - mapped.bytes().data(),
              store.data(0, layer) - store.bytes().data());
    EXPECT_EQ(std::memcmp(mapped.scales(0, layer), store.scales(0, layer), sizeof(float)), 0);
  }
  EXPECT_EQ(mapped.scales(1, -1), nullptr);
}

TEST_F(PackedFileTest, ExpertsThatLieApartAreKeptBehindTheOthers) {
  plan::Parameter experts;
  experts.name = "experts", experts.type = DType::BF16;
  experts.groups = 2, experts.rows = 2300, experts.columns = 2301; // over 16 MiB
  experts.segments = {{"w.{expert}", "", 2300, 2301, 0, 0, 2300, false}};
  plan = planOf({experts, plan.parameters[0], plan.parameters[1]}, 16);
  auto together = ParameterStore::dummy(plan, 1, 5);
  auto memory = Memory::allocate(plan::expertBytes(plan, 1), "a test");
  ASSERT_TRUE(together.ok() && memory.ok());
  LoadOptions options;
  options.experts = memory->bytes();
  auto apart = ParameterStore::dummy(plan, 1, 5, options);
  ASSERT_TRUE(apart.ok());
  EXPECT_EQ(apart->bytes().size() + memory->size(), together->bytes().size());
  EXPECT_EQ(apart->data(0, -1), memory->data());
  EXPECT_EQ(std::memcmp(apart->data(0, -1), together->data(0, -1), memory->size()), 0);
  EXPECT_EQ(std::memcmp(apart->scales(1, 3), together->scales(1, 3), sizeof(float)), 0);
  EXPECT_TRUE(std::ranges::equal(apart->bytes(), together->bytes().first(apart->bytes().size())));

  auto created = writer();
  ASSERT_TRUE(created);
  ASSERT_TRUE(created->write(apart->parts(), {}, nullptr).ok());
  auto weights = mapPacked(path, header());
  ASSERT_TRUE(weights.ok()) << weights.failure().message();
  EXPECT_TRUE(verify(*weights, {}, nullptr).ok());
  EXPECT_TRUE(std::ranges::equal(weights->mapping.bytes(), together->bytes()));
  ParameterStore mapped =
      ParameterStore::mapped(plan, 1, std::move(weights->mapping), memory->bytes());
  EXPECT_EQ(mapped.data(0, -1), memory->data());
  EXPECT_TRUE(std::ranges::equal(mapped.bytes(), apart->bytes()));
}

TEST_F(PackedFileTest, WhatDoesNotFitIsNotMapped) {
  auto why = [&](const PackedHeader &wanted) {
    auto mapping = mapPacked(path, wanted);
    return mapping ? "" : mapping.failure().what;
  };
  EXPECT_NE(why(header()).find("No such file"), std::string::npos);
  fs::create_directory(path);
  EXPECT_EQ(why(header()), "expected a file, found something else");
  fs::remove(path);
  auto created = writer();
  ASSERT_TRUE(created && write(*created));
  EXPECT_EQ(why(header("checkpoint 1")),
            "they are of another source (made up from seed 5) than checkpoint 1");
  EXPECT_EQ(why(header()), "");
  fs::resize_file(path, fs::file_size(path) - 1);
  EXPECT_NE(why(header()).find("the header claims"), std::string::npos);
  fs::resize_file(path, 20);
  EXPECT_EQ(why(header()), "the file is cut off");
}

TEST_F(PackedFileTest, AFileThatWasShortenedFailsToRead) {
  auto created = writer();
  ASSERT_TRUE(created && write(*created));
  auto mapping = mapPacked(path, header());
  ASSERT_TRUE(mapping.ok());
  fs::resize_file(path, packedDataOffset + 4096);
  EXPECT_FALSE(mapping->mapping.fetch(0, UINT32_MAX).ok());
}

TEST_F(PackedFileTest, AFlippedBitOfTheWeightsIsFoundByVerifying) {
  auto created = writer();
  ASSERT_TRUE(created && write(*created));
  auto why = [&] {
    auto weights = mapPacked(path, header());
    EXPECT_TRUE(weights.ok());
    Status sound = verify(*weights, {}, nullptr);
    return sound ? "" : sound.failure().what;
  };
  EXPECT_EQ(why(), "");
  uint64_t last = store.bytes().size() - 1;
  for (uint64_t at : {uint64_t(0), last / 2, last}) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    auto flip = [&] {
      file.seekg(std::streamoff(packedDataOffset + at));
      int byte = file.get();
      file.seekp(std::streamoff(packedDataOffset + at));
      file.put(char(byte ^ 1)).flush();
    };
    flip();
    EXPECT_EQ(why(), "the weights are damaged between byte 0 and byte " + std::to_string(last));
    flip();
  }
  std::atomic<bool> cancel = true;
  auto weights = mapPacked(path, header());
  ASSERT_TRUE(weights.ok());
  EXPECT_EQ(verify(*weights, {}, &cancel).failure().what, "interrupted");
}

TEST_F(PackedFileTest, OneWritesOthersDoNot) {
  auto first = writer();
  ASSERT_TRUE(first);
  EXPECT_FALSE(writer());
  ASSERT_TRUE(write(*first));
  auto mapping = mapPacked(path, header());
  ASSERT_TRUE(mapping.ok());
  // It is replaced as a whole: who maps the old one keeps it.
  auto next = writer();
  ASSERT_TRUE(next && write(*next));
  EXPECT_EQ(names(directory), published);
  EXPECT_TRUE(std::ranges::equal(mapping->mapping.bytes(), store.bytes()));
}

TEST_F(PackedFileTest, WhatIsNotFinishedIsRemoved) {
  ASSERT_TRUE(writer());
  EXPECT_EQ(names(directory), none);
  std::atomic<bool> cancel = true;
  {
    auto created = writer();
    ASSERT_TRUE(created);
    Status written = created->write(store.parts(), {}, &cancel);
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.failure().what, "interrupted");
  }
  EXPECT_EQ(names(directory), none);
}

TEST_F(PackedFileTest, AWriterThatWasKilledLeavesNoTraceBeyondTheNext) {
  pid_t child = fork();
  if (child == 0) {
    auto created = PackedWriter::create(path, header());
    _exit(created && *created ? 0 : 1); // without destructors, as when killed
  }
  int state = 0;
  ASSERT_EQ(waitpid(child, &state, 0), child);
  ASSERT_EQ(state, 0);
  EXPECT_EQ(names(directory), std::vector<std::string>{"packed.aside"});
  auto created = writer();
  ASSERT_TRUE(created && write(*created));
  EXPECT_EQ(names(directory), published);
  EXPECT_TRUE(mapPacked(path, header()).ok());
}

TEST_F(PackedFileTest, OfALongerFileThatWasLeftNothingIsUsed) {
  directory.write("packed.aside", std::string(store.bytes().size() + (size_t(4) << 20), 'x'));
  auto one = writer();
  ASSERT_TRUE(one);
  ASSERT_TRUE(write(*one));
  auto mapping = mapPacked(path, header());
  EXPECT_TRUE(mapping.ok()) << mapping.failure().message();
}

TEST_F(PackedFileTest, ALinkInThePlaceOfTheFileAsideIsNotFollowed) {
  fs::path other = directory.write("other", "mine");
  fs::create_symlink(other, path.string() + ".aside");
  EXPECT_FALSE(PackedWriter::create(path, header()).ok());
  EXPECT_EQ(fs::file_size(other), 4U);
}

TEST_F(PackedFileTest, APipeOfThatNameIsNotWaitedFor) {
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  alarm(60); // ends the test where it would wait for ever
  auto mapping = mapPacked(path, header());
  alarm(0);
  ASSERT_FALSE(mapping.ok());
  EXPECT_EQ(mapping.failure().what, "expected a file, found something else");
}

TEST_F(PackedFileTest, AFullDiskIsFoundFirstAndLeavesNothing) {
  PackedHeader vast = header();
  vast.dataBytes = UINT64_MAX;
  auto created = PackedWriter::create(path, vast);
  ASSERT_FALSE(created.ok());
  EXPECT_NE(created.failure().what.find("the disk has"), std::string::npos)
      << created.failure().message();
  EXPECT_NE(created.failure().hint.find("are needed"), std::string::npos);
  EXPECT_EQ(names(directory), none);
  {
    SmallFiles limit(4096);
    EXPECT_FALSE(PackedWriter::create(path, header()).ok());
    EXPECT_EQ(names(directory), none);
  }
  auto begun = writer();
  ASSERT_TRUE(begun);
  {
    SmallFiles limit(packedDataOffset + 4096);
    Status written = write(*begun);
    ASSERT_FALSE(written.ok());
    EXPECT_NE(written.failure().what.find("File too large"), std::string::npos);
  }
  begun.reset();
  EXPECT_EQ(names(directory), none);
}

TEST_F(PackedFileTest, AFolderThatCannotBeWrittenIsNamed) {
  fs::path below = directory.write("file", "") / "packed";
  auto created = PackedWriter::create(below, header());
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.failure().where, below.string());
  EXPECT_NE(created.failure().what.find("Not a directory"), std::string::npos);
}
