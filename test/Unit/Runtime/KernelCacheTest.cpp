//===- KernelCacheTest.cpp - many processes and one cache of kernels ------===//
#include "TemporaryDirectory.h"
#include "runtime/base/KeyLock.h"
#include "runtime/jit/CubinFolder.h"
#include "runtime/jit/KernelCompiler.h"

#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {
/// Leaves a line in a log for each kernel, and works for a while.
class LoggingMaker final : public KernelMaker {
public:
  explicit LoggingMaker(fs::path log) : log(std::move(log)) {}
  Status open() override { return {}; }
  CubinKey key(std::string_view text) const override { return CubinKey::of(text, "sm_80", "1.0"); }
  std::string description() const override { return "for a test"; }
  Expected<KernelCode> compile(const plan::KernelText &kernel) const override {
    int descriptor = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    std::string line = kernel.symbol + "\n";
    bool logged = write(descriptor, line.data(), line.size()) == ssize_t(line.size());
    close(descriptor);
    std::string work(size_t(1) << 24, 'x');
    return logged ? Expected<KernelCode>(
                        KernelCode{"code of " + kernel.symbol + hash128(work).hex(), ""})
                  : Failure{"cannot log"};
  }

private:
  fs::path log;
};

class Child {
public:
  /// Runs `work` in a process of its own, which ends with 0 if that is true.
  explicit Child(const std::function<bool()> &work) : id(fork()) {
    if (id == 0) {
      _exit(work() ? 0 : 1);
    }
  }
  int wait() const {
    int status = -1;
    waitpid(id, &status, 0);
    return status;
  }
  void kill() const { ::kill(id, SIGKILL); }

private:
  pid_t id;
};
} // namespace

static std::vector<plan::KernelText> someKernels() {
  std::vector<plan::KernelText> kernels;
  for (const char *symbol : {"a", "b", "c", "d", "e", "f"}) {
    kernels.push_back({symbol, std::string("text of ") + symbol + "\n"});
  }
  return kernels;
}

TEST(KernelCache, ManyProcessesCompileEachKernelOnce) {
  TemporaryDirectory folder;
  std::vector<plan::KernelText> kernels = someKernels();
  int start[2];
  ASSERT_EQ(pipe(start), 0);
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i) {
    children.emplace_back([&] {
      char byte = 0;
      close(start[1]);
      bool ready = read(start[0], &byte, 1) == 0; // until the parent closes its end
      LoggingMaker maker(folder.path() / "log");
      KernelCompilerOptions options;
      options.cache = folder.path() / "cubins";
      options.threads = 2;
      Expected<CompiledKernels> compiled = compileKernels(kernels, maker, options);
      return ready && compiled && compiled->compiled + compiled->cached == kernels.size() &&
             compiled->cubins[3].code.starts_with("code of d");
    });
  }
  close(start[0]);
  close(start[1]);
  for (const Child &child : children) {
    EXPECT_EQ(child.wait(), 0);
  }
  Expected<std::string> log = readFile(folder.path() / "log", 1 << 20);
  ASSERT_TRUE(log);
  std::sort(log->begin(), log->end());
  EXPECT_EQ(*log, "\n\n\n\n\n\nabcdef");
}

TEST(KeyLock, EndsWithItsProcess) {
  TemporaryDirectory folder;
  int held[2];
  ASSERT_EQ(pipe(held), 0);
  Child child([&] {
    KeyLock lock(folder.path(), "key", nullptr);
    bool told = write(held[1], "x", 1) == 1;
    pause();
    return told;
  });
  char byte = 0;
  ASSERT_EQ(read(held[0], &byte, 1), 1);
  std::atomic<bool> cancel = true;
  KeyLock given(folder.path(), "key", &cancel); // does not wait for what somebody holds
  KeyLock other(folder.path(), "another key", nullptr);
  child.kill();
  child.wait();
  KeyLock lock(folder.path(), "key", nullptr); // would wait for ever
  close(held[0]);
  close(held[1]);
}

TEST(KernelCompiler, CompilesNothingMoreOnceItIsCancelled) {
  TemporaryDirectory folder;
  LoggingMaker maker(folder.path() / "log");
  std::atomic<bool> cancel = true;
  KernelCompilerOptions options;
  options.cancel = &cancel;
  Expected<CompiledKernels> compiled = compileKernels(someKernels(), maker, options);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.failure().what, "interrupted");
  EXPECT_FALSE(fs::exists(folder.path() / "log"));
}

TEST(CubinFolder, SaysWhatHasChangedSinceKernelsWereCompiled) {
  TemporaryDirectory folder;
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  EXPECT_EQ(whyLacking(folder.path(), std::span(&key, 1)), "");
  ASSERT_TRUE(writeCubin(folder.path(), key, {"code", ""}));
  std::vector<CubinKey> keys(7, key);
  keys[0].text = "another";
  keys[1].target = "sm_90a";
  keys[2].headers = "others";
  keys[3].version = "13.5";
  keys[4].headers = keys[4].options = "others";
  keys[5].target = "sm_90a";
  keys[5].version = "13.5";
  keys[6].text = "another";
  keys[6].target = "sm_90a";
  EXPECT_EQ(whyLacking(folder.path(), keys),
            " (1 are the first for sm_90a, 1 have a new text, 1 were compiled for another "
            "architecture, 1 were compiled for another architecture and with other NVRTC, 1 were "
            "compiled with other NVRTC, 1 were compiled with other device headers, 1 were compiled "
            "with other device headers and options)");
}

TEST(CubinFolder, TheLeastOfSeveralChangesIsSaid) {
  TemporaryDirectory folder;
  CubinKey key = CubinKey::of("text", "sm_80", "13.0"), far = key, near = key;
  far.headers = far.options = near.headers = "others";
  ASSERT_TRUE(writeCubin(folder.path(), far, {"code", ""}));
  ASSERT_TRUE(writeCubin(folder.path(), near, {"code", ""}));
  EXPECT_EQ(whyLacking(folder.path(), std::span(&key, 1)),
            " (1 were compiled with other device headers)");
}

// Kernels of the simulated GPU have the same texts.
TEST(CubinFolder, KernelsOfAnotherKindAreNotCompared) {
  TemporaryDirectory folder;
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  ASSERT_TRUE(writeCubin(folder.path(), CubinKey::ofHost("text", "", "", "1"), {"code", ""}));
  EXPECT_EQ(whyLacking(folder.path(), std::span(&key, 1)), "");
}

TEST(CubinFolder, TellsWhatIsKeptAndWhatIsDamaged) {
  TemporaryDirectory folder;
  EXPECT_TRUE(keptCubins(folder.path() / "nothing").empty());
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  ASSERT_TRUE(writeCubin(folder.path(), key, {"code", ""}));
  folder.write("zzz.nvrtc-13.0.cubin", "no kernel");
  folder.write(".lock", "");
  fs::create_directory(folder.path() / "folder");
  std::vector<KeptCubin> kept = keptCubins(folder.path());
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].key, key);
  EXPECT_EQ(kept[0].damage, "");
  EXPECT_EQ(kept[0].bytes, fs::file_size(folder.path() / key.fileName()));
  EXPECT_EQ(kept[1].damage, "expected a file that begins with DSV3CUB3");
}

TEST(CubinFolder, AKernelThatIsReadCountsAsUsed) {
  TemporaryDirectory folder;
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  ASSERT_TRUE(writeCubin(folder.path(), key, {"code", ""}));
  auto old = fs::file_time_type::clock::now() - std::chrono::hours(48);
  fs::last_write_time(folder.path() / key.fileName(), old);
  ASSERT_TRUE(readCubin(folder.path(), key));
  EXPECT_GT(keptCubins(folder.path())[0].used, old + std::chrono::hours(24));
}

TEST(CubinFolder, RemovesWhatKilledProcessesLeftAndNothingElse) {
  TemporaryDirectory folder;
  auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const char *name : {".aside-left", ".aside-held", ".aside-young", ".lock", "a.cubin"}) {
    folder.write(name, "x");
    if (name != std::string(".aside-young")) {
      fs::last_write_time(folder.path() / name, old);
    }
  }
  int descriptor = open((folder.path() / ".aside-held").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(flock(descriptor, LOCK_EX), 0);
  EXPECT_EQ(removeAbandonedCubins(folder.path()), 1U);
  EXPECT_FALSE(fs::exists(folder.path() / ".aside-left"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 4);
  close(descriptor);
  EXPECT_EQ(removeAbandonedCubins(folder.path()), 1U);
}
