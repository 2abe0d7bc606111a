//===- FileTest.cpp - files that do not open, and pages of mapped ones ----===//

#include "dsv3/Support/File.h"
#include "../Runtime/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <string>
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
  if (begin == MAP_FAILED) {
    return Failure{"the file cannot be mapped"};
  }
  std::filesystem::resize_file(path, left);
  Status read = fetchMapped({static_cast<const std::byte *>(begin), pages * page});
  munmap(begin, pages * page);
  return read;
}

TEST(File, AMappedFileThatBecameShorterFailsToRead) {
  const auto page = size_t(sysconf(_SC_PAGESIZE));
  EXPECT_TRUE(fetchShortened(40, 40 * page).ok());
  for (size_t left = 0; left < 40; ++left) {
    EXPECT_FALSE(fetchShortened(40, left * page).ok()) << left;
  }
  EXPECT_TRUE(fetchMapped({}).ok());
}

/// Pages of a mapping that are mapped by now, as /proc/self/smaps says.
static size_t residentPages(const void *begin) {
  std::ostringstream first;
  first << std::hex << reinterpret_cast<uintptr_t>(begin) << '-';
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  while (std::getline(maps, line) && !line.starts_with(first.str())) {
  }
  const std::string amount = "Rss:";
  while (std::getline(maps, line) && !line.starts_with(amount)) {
  }
  return line.starts_with(amount)
             ? std::stoul(line.substr(amount.size())) * 1024 / size_t(sysconf(_SC_PAGESIZE))
             : 0;
}

TEST(File, EveryPageOfAMappedFileIsRead) {
  if (!std::ifstream("/proc/self/smaps").good()) {
    GTEST_SKIP() << "without /proc nothing tells what is mapped";
  }
  constexpr size_t pages = 1100; // two huge pages and more
  const auto page = size_t(sysconf(_SC_PAGESIZE));
  test::TemporaryDirectory directory;
  std::filesystem::path path = directory.write("file", "");
  int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const std::string ofPage(page, 'x');
  for (size_t i = 0; i < pages; ++i) { // so that each may be dropped from the cache alone
    ASSERT_EQ(pwrite(file, ofPage.data(), page, off_t(i * page)), ssize_t(page));
  }
  fsync(file);
  for (bool isCached : {true, false}) {
    if (!isCached) { // but for the first of each 16
      for (size_t at = 1; at < pages; at += 16) {
        posix_fadvise(file, off_t(at * page), off_t(15 * page), POSIX_FADV_DONTNEED);
      }
    }
    void *begin = mmap(nullptr, pages * page, PROT_READ, MAP_SHARED, file, 0);
    ASSERT_NE(begin, MAP_FAILED);
    EXPECT_TRUE(fetchMapped({static_cast<const std::byte *>(begin), pages * page}).ok());
    EXPECT_EQ(residentPages(begin), pages) << isCached;
    munmap(begin, pages * page);
  }
  close(file);
}
