//===- FileTest.cpp - what is said of files that do not open --------------===//

#include "dsv3/Support/File.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace dsv3;

TEST(File, LimitsOfTheProcessAreNamed) {
  EXPECT_NE(hintOfLimit(EMFILE).find("ulimit -n"), std::string::npos);
  EXPECT_NE(hintOfLimit(ENFILE).find("ulimit -n"), std::string::npos);
  EXPECT_NE(hintOfLimit(ENOMEM).find("ulimit -v"), std::string::npos);
  EXPECT_EQ(hintOfLimit(ENOENT), "");
}

TEST(File, TooManyOpenFilesSayWhatToDo) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  int next = open("/dev/null", O_RDONLY | O_CLOEXEC); // the lowest number that is free
  ASSERT_GE(next, 0);
  close(next);
  rlimit few{rlim_t(next), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  Expected<std::string> text = readFile("/proc/self/status", 1 << 16);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.failure().hint, hintOfLimit(EMFILE));
}
