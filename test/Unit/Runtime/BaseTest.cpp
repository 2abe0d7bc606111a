//===- BaseTest.cpp - memory and facts about the machine ------------------===//

#include "CutOffFile.h"

#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MappingNames.h"
#include "runtime/base/Cpu.h"
#include "runtime/base/FileMapping.h"
#include "runtime/base/MappedFault.h"
#include "runtime/base/Memory.h"
#include "runtime/base/Process.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <poll.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;

TEST(Memory, IsZeroedAlignedAndWritable) {
  for (uint64_t bytes : {uint64_t(1), uint64_t(4097), (uint64_t(2) << 20) + 5}) {
    Expected<Memory> memory = Memory::allocate(bytes, "a test");
    ASSERT_TRUE(memory) << memory.failure().message();
    EXPECT_EQ(memory->size(), bytes);
    uintptr_t alignment = bytes >= (uint64_t(2) << 20) ? uintptr_t(2) << 20 : 4096;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % alignment, 0U);
    EXPECT_EQ(std::ranges::count(memory->bytes(), std::byte(0)), ptrdiff_t(bytes));
    std::ranges::fill(memory->bytes(), std::byte(7));
  }
}

/// What the system says of all memory of this process.
static uint64_t allHugePageBytes() {
  std::ifstream summary("/proc/self/smaps_rollup");
  for (std::string word; summary >> word;) {
    if (uint64_t kilobytes = 0; word == "AnonHugePages:" && summary >> kilobytes) {
      return kilobytes * 1024;
    }
  }
  return 0;
}

TEST(Memory, HugePagesAreCounted) {
  uint64_t before = allHugePageBytes();
  Expected<Memory> memory = Memory::allocate(uint64_t(8) << 20, "a test");
  ASSERT_TRUE(memory);
  EXPECT_EQ(hugePageBytes(memory->bytes()), 0U) << "nothing was written";
  std::ranges::fill(memory->bytes(), std::byte(7));
  EXPECT_EQ(hugePageBytes(memory->bytes()), allHugePageBytes() - before);
  static const std::byte small{};
  EXPECT_LE(hugePageBytes({&small, 1}), 1U);
}

TEST(Memory, MovesWithoutCopying) {
  Expected<Memory> first = Memory::allocate(100, "a test");
  ASSERT_TRUE(first);
  std::byte *data = first->data();
  Memory second = std::move(*first);
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(first->data(), nullptr);
}

TEST(Memory, ReservesWithoutUsingIt) {
  // More than this machine has: only what is touched becomes resident.
  Expected<Memory> memory = Memory::allocate(uint64_t(1) << 42, "a test");
  ASSERT_TRUE(memory) << memory.failure().message();
  memory->data()[uint64_t(1) << 41] = std::byte(1);
}

TEST(Memory, FailureStatesTheBytesAndThePurpose) {
  for (uint64_t bytes : {uint64_t(1) << 60, std::numeric_limits<uint64_t>::max()}) {
    Expected<Memory> memory = Memory::allocate(bytes, "the latent cache");
    ASSERT_FALSE(memory);
    EXPECT_NE(memory.failure().what.find(bytesText(bytes)), std::string::npos);
    EXPECT_NE(memory.failure().what.find("the latent cache"), std::string::npos);
  }
}

TEST(Cpu, BestVariantIsTheFirstRunnable) {
  std::vector<std::string_view> runnable = runnableVariants();
  if (runnable.empty()) {
    GTEST_SKIP() << "no variant for this architecture";
  }
  std::vector<std::string> names{"other"};
  names.insert(names.end(), runnable.rbegin(), runnable.rend());
  Expected<size_t> best = chooseVariant(names, "");
  ASSERT_TRUE(best);
  EXPECT_EQ(names[*best], runnable.front());
}

TEST(Cpu, NoVariantNamesWhatWasFound) {
  std::vector<std::string> names{"vax", "pdp-11"};
  Expected<size_t> best = chooseVariant(names, "");
  ASSERT_FALSE(best);
  EXPECT_NE(best.failure().what.find("vax, pdp-11"), std::string::npos);
}

TEST(Cpu, AVariantThatIsNotThereOrNotForThisMachineIsRefused) {
  std::vector<std::string> names{"vax", "pdp-11"};
  EXPECT_EQ(chooseVariant(names, "sparc").failure().what,
            "expected a variant that there is code for (vax, pdp-11), found 'sparc'");
  EXPECT_NE(chooseVariant(names, "vax").failure().what.find("does not run code for vax"),
            std::string::npos);
}

TEST(Cpu, HasANameWithFamilyAndModel) {
  std::string name = cpuName();
  EXPECT_EQ(name.find('\0'), std::string::npos);
  EXPECT_EQ(name.find("  ("), std::string::npos);
#if defined(__x86_64__)
  EXPECT_NE(name.find(" (family "), std::string::npos);
  EXPECT_NE(name.find(", model "), std::string::npos);
#endif
}

TEST(Cpu, FamiliesOfAmd) {
  EXPECT_EQ(familyOf(0x00830F10), 0x17U); // Rome, Zen 2
  EXPECT_EQ(familyOf(0x00A00F11), 0x19U); // Milan, Zen 3
  EXPECT_EQ(familyOf(0x00A10F11), 0x19U); // Genoa, Zen 4
  EXPECT_EQ(familyOf(0x00B00F21), 0x1AU); // Turin, Zen 5
}

#if defined(__x86_64__)
TEST(Cpu, SubnormalNumbersThatAreZerosAreNotMultiplied) {
  unsigned before = __builtin_ia32_stmxcsr();
  for (unsigned flag : {0x0040U, 0x8000U}) { // denormals are zeros, flush to zero
    __builtin_ia32_ldmxcsr(before | flag);
    EXPECT_TRUE(assistsSubnormals());
  }
  __builtin_ia32_ldmxcsr(before);
}
#endif

TEST(Cpu, AThreadCanBeTiedToOneCpu) {
  int last = allowedCpus().back();
  std::vector<int> seen;
  // A thread of its own, so that the other tests keep their CPUs.
  std::thread([&] {
    if (runThisThreadOn(std::span(&last, 1))) {
      seen = allowedCpus();
    }
  }).join();
  EXPECT_EQ(seen, std::vector<int>{last});
  EXPECT_FALSE(runThisThreadOn({}));
}

TEST(MappedFault, AFileThatBecameShorterIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  test::CutOffFile file;
  EXPECT_STREQ(mappingNameAt(file.end() - 1), file.path.c_str());
  EXPECT_EQ(mappingNameAt(file.end()), nullptr);
  auto readCutOff = [&] {
    explainMappedFaults("a-test");
    file.cutOff();
    volatile const std::byte *last = file.end() - 1;
    (void)*last;
  };
  EXPECT_EXIT(readCutOff(), testing::ExitedWithCode(128 + SIGBUS),
              "a-test: .*weights: became shorter while it was in use.*\n  hint: ");
  FileMapping moved = std::move(file.mapping);
  EXPECT_STREQ(mappingNameAt(moved.bytes().data()), file.path.c_str());
  const void *address = moved.bytes().data();
  moved = FileMapping();
  EXPECT_EQ(mappingNameAt(address), nullptr);
}

TEST(Process, TheExitCodeCounts) {
  EXPECT_TRUE(runProgram("/bin/true", {}, nullptr).ok());
  Status failed = runProgram("/bin/false", {}, nullptr);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.failure().message(), "/bin/false: failed with exit code 1");
}

TEST(Process, APathThatIsNoProgramIsSaid) {
  Status failed = runProgram("/etc/passwd", {}, nullptr);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.failure().message(), "/etc/passwd: cannot start the program: Permission denied");
}

/// The program waits for a line that nobody writes, and holds the other pipe until it ends.
TEST(Process, IsToldToStopWhenItsParentIsKilled) {
  int line[2], held[2];
  ASSERT_EQ(pipe(line), 0);
  ASSERT_EQ(pipe(held), 0);
  pid_t parent = fork();
  if (parent == 0) {
    std::string script =
        "echo x >&" + std::to_string(held[1]) + "; read word <&" + std::to_string(line[0]);
    (void)runProgram("/bin/sh", {"-c", script}, nullptr);
    _exit(0);
  }
  close(held[1]);
  char byte;
  ASSERT_EQ(read(held[0], &byte, 1), 1) << "the program runs";
  ASSERT_EQ(read(held[0], &byte, 1), 1) << "the end of its line";
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  pollfd ended{held[0], POLLIN, 0};
  ASSERT_EQ(poll(&ended, 1, 20000), 1);
  EXPECT_EQ(read(held[0], &byte, 1), 0);
  for (int descriptor : {line[0], line[1], held[0]}) {
    close(descriptor);
  }
}

TEST(Process, AnExitCodeThatTheSystemForgotIsNoSuccess) {
  auto before = std::signal(SIGCHLD, SIG_IGN);
  Status unknown = runProgram("/bin/false", {}, nullptr);
  std::signal(SIGCHLD, before);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.failure().message(),
            "/bin/false: how it ended is not known: No child processes");
}
