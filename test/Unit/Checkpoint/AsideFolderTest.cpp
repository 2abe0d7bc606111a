//===- AsideFolderTest.cpp - folders for what is not finished -------------===//

#include "../Runtime/TemporaryDirectory.h"

#include "dsv3/Checkpoint/AsideFolder.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::checkpoint;
namespace fs = std::filesystem;

namespace {

struct AsideFolderTest : testing::Test {
  test::TemporaryDirectory directory;

  /// A folder aside that another process left `age` ago.
  fs::path leave(const std::string &name, std::chrono::minutes age) {
    fs::path folder = directory.path() / (AsideFolder::prefix + name);
    fs::create_directories(folder / "within");
    fs::last_write_time(folder, fs::file_time_type::clock::now() - age);
    return folder;
  }
};

} // namespace

TEST_F(AsideFolderTest, GoesWithAllThatIsInIt) {
  fs::path folder;
  {
    AsideFolder aside(directory.path());
    ASSERT_FALSE(aside.error());
    folder = aside.path();
    EXPECT_EQ(folder.parent_path(), directory.path());
    fs::create_directories(folder / "a" / "b");
  }
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(AsideFolderTest, FailsWhereNothingCanBeMade) {
  EXPECT_EQ(AsideFolder(directory.path() / "none").error(), std::errc::no_such_file_or_directory);
}

TEST_F(AsideFolderTest, RemovesWhatKilledProcessesLeft) {
  fs::path old = leave("old", std::chrono::hours(48));
  fs::path young = leave("young", std::chrono::minutes(0));
  fs::path held = leave("held", std::chrono::minutes(5));
  fs::path abandoned = leave("abandoned", std::chrono::minutes(5));
  fs::create_directories(directory.path() / "mine");
  fs::last_write_time(directory.path() / "mine",
                      fs::file_time_type::clock::now() - std::chrono::hours(48));
  int lock = open(held.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  AsideFolder aside(directory.path());
  close(lock);
  EXPECT_FALSE(fs::exists(old));
  EXPECT_FALSE(fs::exists(abandoned));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_TRUE(fs::exists(held));
  EXPECT_TRUE(fs::exists(directory.path() / "mine"));
}

TEST_F(AsideFolderTest, OneThatIsInUseStays) {
  AsideFolder first(directory.path());
  fs::last_write_time(first.path(), fs::file_time_type::clock::now() - std::chrono::minutes(5));
  AsideFolder second(directory.path());
  EXPECT_TRUE(fs::exists(first.path()));
}
