//===- AsideFolderTest.cpp - folders for what is not finished -------------===//

#include "../Runtime/TemporaryDirectory.h"

#include "dsv3/Checkpoint/AsideFolder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/wait.h>
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

TEST_F(AsideFolderTest, IsLockedUntilItGoes) {
  auto aside = std::make_unique<AsideFolder>(directory.path());
  int other = open(aside->path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(other, 0);
  EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), -1);
  EXPECT_EQ(errno, EWOULDBLOCK);
  aside.reset();
  EXPECT_EQ(flock(other, LOCK_EX | LOCK_NB), 0);
  close(other);
}

// dsv3-compile writes on after dsv3-run was killed: its folder is in use.
TEST_F(AsideFolderTest, StaysInUseByTheChildOfAProcessThatWasKilled) {
  int input[2], executed[2]; // the second one ends when the child is another program
  ASSERT_EQ(pipe2(input, O_CLOEXEC), 0);
  ASSERT_EQ(pipe2(executed, O_CLOEXEC), 0);
  pid_t parent = fork();
  if (parent == 0) {
    AsideFolder aside(directory.path());
    pid_t child = fork();
    if (child == 0) {
      dup2(input[0], 0); // reads until the test is over
      execlp("cat", "cat", nullptr);
    }
    _exit(child > 0 ? 0 : 1); // no destructors, as when it is killed
  }
  int state = -1;
  ASSERT_EQ(waitpid(parent, &state, 0), parent);
  ASSERT_EQ(state, 0);
  close(executed[1]);
  char none = 0;
  ASSERT_EQ(read(executed[0], &none, 1), 0);
  fs::path folder = fs::directory_iterator(directory.path())->path();
  fs::last_write_time(folder, fs::file_time_type::clock::now() - std::chrono::minutes(5));
  AsideFolder second(directory.path());
  EXPECT_TRUE(fs::exists(folder));
  close(executed[0]), close(input[0]), close(input[1]); // ends the child
}
