//===- FileTest.cpp - what is said of files that do not open --------------===//

#include "dsv3/Support/File.h"
#include "../Runtime/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
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

/// What fetchMapped says of a file of `pages` that has become `left` bytes long.
static Status fetchShortened(size_t pages, size_t left) {
  const auto page = size_t(sysconf(_SC_PAGESIZE));
  test::TemporaryDirectory directory;
  std::filesystem::path path = directory.write("file", std::string(pages * page, 'x'));
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void *begin = mmap(nullptr, pages * page, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  std::filesystem::resize_file(path, left);
  Status read = fetchMapped({static_cast<const std::byte *>(begin), pages * page});
  munmap(begin, pages * page);
  return read;
}

TEST(File, AMappedFileThatBecameShorterFailsToRead) {
  const auto page = size_t(sysconf(_SC_PAGESIZE));
  EXPECT_TRUE(fetchShortened(40, 40 * page).ok());
  EXPECT_FALSE(fetchShortened(40, 16 * page).ok()) << "pages behind those asked for at once";
  EXPECT_TRUE(fetchMapped({}).ok());
}
