//===- OutputFileTest.cpp - files appear whole or not at all --------------===//
//
// Through SafetensorsWriter: what becomes of the place that a file is written to.
//
//===----------------------------------------------------------------------===//
#include "../Runtime/TemporaryDirectory.h"
#include "Faults.h"
#include "WriteSafetensors.h"

#include "dsv3/Checkpoint/SafetensorsWriter.h"
#include "dsv3/Support/File.h"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace dsv3;
using namespace dsv3::checkpoint;
using test::TensorView, test::writeSafetensors;
namespace fs = std::filesystem;

namespace {

struct OutputFile : testing::Test {
  test::TemporaryDirectory directory;
  std::vector<std::byte> data = numbered(100'000);
  const std::vector<TensorView> tensors{
      {{"x", DType::F32, {25'000}}, std::span<const std::byte>(data)}};

  static std::vector<std::byte> numbered(size_t count) {
    std::vector<std::byte> bytes(count);
    for (size_t i = 0; i < count; ++i) {
      bytes[i] = std::byte(i * 31 / 7);
    }
    return bytes;
  }
  /// Whether the file ends with all of the data.
  bool isWhole(const std::string &file) const {
    std::span<const char> wanted(reinterpret_cast<const char *>(data.data()), data.size());
    return file.size() > wanted.size() &&
           std::ranges::equal(std::span(file).last(wanted.size()), wanted);
  }
  bool holdsAll(const fs::path &path) const {
    Expected<std::string> file = readFile(path, size_t(1) << 20);
    return file && isWhole(*file);
  }
  /// Files of the folder.
  size_t files() const {
    return size_t(std::distance(fs::directory_iterator(directory.path()), {}));
  }
};

/// A mask of permissions until the end of a test.
struct Mask {
  mode_t before;
  explicit Mask(mode_t mask) : before(umask(mask)) {}
  ~Mask() { umask(before); }
};

/// Files may have at most so many bytes, instead of a signal there is an error.
struct FileLimit {
  rlimit before{};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  explicit FileLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit lower{bytes, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileLimit() {
    setrlimit(RLIMIT_FSIZE, &before);
    (void)std::signal(SIGXFSZ, handler);
  }
};

} // namespace

static mode_t permissions(const fs::path &path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

TEST_F(OutputFile, NewOnesHaveThePermissionsOfNewFiles) {
  Mask mask(027);
  fs::path path = directory.path() / "new";
  ASSERT_TRUE(writeSafetensors(path, tensors));
  EXPECT_TRUE(holdsAll(path));
  EXPECT_EQ(permissions(path), 0640U);
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFile, OneThatIsReplacedKeepsItsPermissions) {
  Mask mask(022);
  fs::path path = directory.write("old", "before");
  for (mode_t mode : {0600U, 0664U, 0444U}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    ASSERT_TRUE(writeSafetensors(path, tensors));
    EXPECT_TRUE(holdsAll(path));
    EXPECT_EQ(permissions(path), mode);
  }
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFile, BehindALinkTheFileIsReplacedAndTheLinkStays) {
  fs::create_directory(directory.path() / "elsewhere");
  fs::path path = directory.write("elsewhere/file", "before");
  fs::path link = directory.path() / "link", second = directory.path() / "second";
  fs::create_symlink("elsewhere/file", link); // relative to the folder of the link
  fs::create_symlink("link", second);
  ASSERT_TRUE(writeSafetensors(second, tensors));
  EXPECT_EQ(fs::read_symlink(second), "link");
  EXPECT_EQ(fs::read_symlink(link), "elsewhere/file");
  EXPECT_TRUE(fs::is_regular_file(fs::symlink_status(path)));
  EXPECT_TRUE(holdsAll(path));
  EXPECT_EQ(files(), 3U);
  EXPECT_EQ(std::distance(fs::directory_iterator(path.parent_path()), {}), 1);
}

TEST_F(OutputFile, WhoHasTheOldFileOpenKeepsIt) {
  fs::path path = directory.write("file", "before");
  std::ifstream reader(path);
  ASSERT_TRUE(writeSafetensors(path, tensors));
  std::string seen(std::istreambuf_iterator<char>(reader), {});
  EXPECT_EQ(seen, "before");
}

TEST_F(OutputFile, NothingIsSeenBeforeTheEnd) {
  fs::path path = directory.write("file", "before");
  {
    std::vector<TensorSpec> specs{tensors[0].spec};
    Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, specs);
    ASSERT_TRUE(writer) << writer.failure().message();
    ASSERT_TRUE(writer->write(0, 0, data));
    EXPECT_EQ(*readFile(path, 100), "before");
  }
  EXPECT_EQ(*readFile(path, 100), "before");
  EXPECT_EQ(files(), 1U) << "something was left aside";
}

TEST_F(OutputFile, WritesThatTakeAPartAreContinued) {
  fs::path path = directory.path() / "file";
  test::Faults faults;
  faults.bytesOfWrite = 999;
  Status status = writeSafetensors(path, tensors);
  ASSERT_TRUE(status) << status.failure().message();
  EXPECT_GT(faults.shortWrites, 200);
  EXPECT_TRUE(holdsAll(path));
}

TEST_F(OutputFile, WritesToAPipeThatTakeAPartAreContinued) {
  fs::path path = directory.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  auto reader = std::async(std::launch::async, [&] {
    std::ifstream pipe(path);
    return std::string(std::istreambuf_iterator<char>(pipe), {});
  });
  test::Faults faults;
  faults.bytesOfWrite = 999;
  Status status = writeSafetensors(path, tensors);
  EXPECT_TRUE(status) << status.failure().message();
  EXPECT_TRUE(isWhole(reader.get()));
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_GT(faults.shortWrites, 400) << "into the temporary file, and from there";
}

TEST_F(OutputFile, NamesThatCannotBeAreRefusedAtOnce) {
  for (const std::string &name : {std::string(), directory.path().string() + "/",
                                  (directory.path() / std::string(300, 'x')).string()}) {
    EXPECT_FALSE(SafetensorsWriter::create(name, std::vector{tensors[0].spec})) << name;
  }
  fs::path link = directory.path() / "link";
  fs::create_symlink("nowhere", link);
  Status status = writeSafetensors(link, tensors);
  ASSERT_FALSE(status);
  EXPECT_NE(status.failure().message().find("leads to a file that does not exist"),
            std::string::npos);
  EXPECT_TRUE(fs::is_symlink(link));
}

TEST_F(OutputFile, TheLongestNameCanBeReplaced) {
  fs::path path = directory.path() / std::string(255, 'x');
  EXPECT_TRUE(writeSafetensors(path, tensors));
  EXPECT_TRUE(writeSafetensors(path, tensors));
}

// On a disk that fills up a write takes what still fits; that is no success.
TEST_F(OutputFile, AWriteThatIsCutShortIsAFailure) {
  fs::path path = directory.write("file", "before");
  {
    std::vector<TensorSpec> specs{tensors[0].spec};
    Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, specs);
    ASSERT_TRUE(writer) << writer.failure().message();
    FileLimit limit(50'000);
    Status status = writer->write(0, 0, data);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.failure().what, "cannot write: File too large");
  }
  EXPECT_EQ(*readFile(path, 100), "before");
  EXPECT_EQ(files(), 1U);
}

TEST_F(OutputFile, TooLittleSpaceIsFoundBeforeTheFirstWrite) {
  fs::path path = directory.path() / "file";
  FileLimit limit(50'000);
  std::vector<TensorSpec> specs{tensors[0].spec};
  Expected<SafetensorsWriter> writer = SafetensorsWriter::create(path, specs);
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.failure().message().find("ulimit -f"), std::string::npos)
      << writer.failure().message();
  EXPECT_EQ(files(), 0U);
}
