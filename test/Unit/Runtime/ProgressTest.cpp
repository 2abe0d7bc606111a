//===- ProgressTest.cpp - what a person sees of a long job ----------------===//

#include "runtime/base/Progress.h"

#include <gtest/gtest.h>

using dsv3::runtime::Progress;
using Seconds = Progress::Seconds;

static std::string contents(std::FILE *file) {
  std::string text(size_t(std::ftell(file)), '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

TEST(Progress, LineSaysShareAndTimeLeft) {
  Progress bytes("loading", stderr);
  EXPECT_EQ(bytes.line(1024, 4096, Seconds(5), false),
            "loading 25%, 1.0 KiB of 4.0 KiB, 15 s left");
  EXPECT_EQ(bytes.line(2048, 4096, Seconds(3000), true),
            "loading [============            ] 50%, 2.0 KiB of 4.0 KiB, 50 min 0 s left");
  EXPECT_EQ(bytes.line(0, 10, Seconds(5), false), "loading 0%, 0 bytes of 10 bytes");
  Progress share("scoring", stderr, Progress::Amounts::Hidden);
  EXPECT_EQ(share.line(1024, 4096, Seconds(5), false), "scoring 25%, 15 s left");
}

TEST(Progress, SaysNothingOfShortJobs) {
  std::FILE *file = std::tmpfile();
  {
    Progress progress("loading", file);
    progress.update(1, 2, Seconds(1.9));
    progress.update(2, 2, Seconds(1.95));
  }
  EXPECT_EQ(contents(file), "");
  std::fclose(file);
}

TEST(Progress, FilesGetALineNowAndThenAndAtTheEnd) {
  std::FILE *file = std::tmpfile();
  {
    Progress progress("loading", file);
    for (int tenth = 0; tenth < 90; ++tenth) {
      progress.update(uint64_t(tenth), 100, Seconds(tenth * 0.1));
    }
    progress.update(100, 100, Seconds(9));
  }
  EXPECT_EQ(contents(file), "loading 20%, 20 bytes of 100 bytes, 8 s left\n"
                            "loading 70%, 70 bytes of 100 bytes, 3 s left\n"
                            "loading 100%, 100 bytes of 100 bytes\n");
  std::fclose(file);
}
