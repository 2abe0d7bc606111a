//===- PublishFolderTest.cpp - folders take their place in one step -------===//

#include "../Runtime/TemporaryDirectory.h"
#include "Faults.h"

#include "dsv3/Checkpoint/PublishFolder.h"
#include "dsv3/Support/File.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

using namespace dsv3;
using namespace dsv3::checkpoint;
namespace fs = std::filesystem;

namespace {

struct PublishFolder : testing::Test {
  test::TemporaryDirectory directory;
  fs::path made = directory.path() / "made", target = directory.path() / "target";

  void make(const std::string &name, const std::string &text) {
    fs::create_directory(directory.path() / name);
    directory.write(name + "/file", text);
  }
  static std::string textIn(const fs::path &folder) {
    Expected<std::string> text = readFile(folder / "file", 100);
    return text ? *text : text.failure().message();
  }
};

} // namespace

TEST_F(PublishFolder, TakesAFreePlace) {
  make("made", "new");
  EXPECT_EQ(publishFolder(made, target), std::error_code());
  EXPECT_EQ(textIn(target), "new");
  EXPECT_FALSE(fs::exists(made));
}

TEST_F(PublishFolder, TakesThePlaceOfAnEmptyFolder) {
  make("made", "new");
  fs::create_directory(target);
  EXPECT_EQ(publishFolder(made, target), std::error_code());
  EXPECT_EQ(textIn(target), "new");
  EXPECT_FALSE(fs::exists(made));
}

TEST_F(PublishFolder, LeavesWhatWasThereAside) {
  make("made", "new");
  make("target", "old");
  EXPECT_EQ(publishFolder(made, target), std::error_code());
  EXPECT_EQ(textIn(target), "new");
  EXPECT_EQ(textIn(made), "old");
}

TEST_F(PublishFolder, FailureChangesNothing) {
  make("made", "new");
  directory.write("target", "a file");
  EXPECT_EQ(publishFolder(made, target), std::errc::not_a_directory);
  EXPECT_EQ(textIn(made), "new");
  EXPECT_TRUE(fs::is_regular_file(target));
}

// The file systems that cannot exchange two folders.

TEST_F(PublishFolder, WithoutExchangeTwoRenamesDo) {
  make("made", "new");
  make("target", "old");
  test::Faults faults;
  faults.refuseExchange = true;
  EXPECT_EQ(publishFolder(made, target), std::error_code());
  EXPECT_EQ(faults.exchanges, 1);
  EXPECT_EQ(textIn(target), "new");
  EXPECT_EQ(textIn(made), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 2);
}

TEST_F(PublishFolder, WithoutExchangeFailureChangesNothingEither) {
  // The first rename finds that there is something; the second moves it out of the way, the
  // third puts the new one there.
  for (int failing : {2, 3}) {
    make("made", "new");
    make("target", "old");
    test::Faults faults;
    faults.refuseExchange = true;
    faults.failingRename = failing;
    EXPECT_EQ(publishFolder(made, target), std::errc::io_error) << failing;
    EXPECT_EQ(textIn(target), "old") << failing;
    EXPECT_EQ(textIn(made), "new") << failing;
    EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), {}), 2);
  }
}

TEST_F(PublishFolder, WithExchangeNothingIsMovedAside) {
  make("made", "new");
  make("target", "old");
  test::Faults faults;
  EXPECT_EQ(publishFolder(made, target), std::error_code());
  EXPECT_EQ(faults.exchanges, 1);
  EXPECT_EQ(faults.renames, 1);
}

TEST_F(PublishFolder, ThePlaceIsNeverEmpty) {
  make("made", "a");
  make("target", "b");
  std::atomic<bool> done = false;
  std::atomic<int64_t> looks = 0, absences = 0;
  std::thread reader([&] {
    while (!done) {
      absences += fs::exists(target / "file") ? 0 : 1;
      ++looks;
    }
  });
  // Until the reader has looked often enough to meet a gap, were there one.
  for (int64_t i = 0; i < 2000 || looks < 2000; ++i) {
    ASSERT_EQ(publishFolder(made, target), std::error_code());
  }
  done = true;
  reader.join();
  EXPECT_EQ(absences, 0);
}
