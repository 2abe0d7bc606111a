//===- CompileCacheTest.cpp - compiled once, used again -------------------===//
//
// A shell script stands in for dsv3-compile: it copies a bundle to where -o says and
// leaves a line in a log.
//
//===----------------------------------------------------------------------===//

#include "../Plan/SmallPlan.h"
#include "TemporaryDirectory.h"

#include "dsv3/Checkpoint/AsideFolder.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/KeyLock.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/bundle/CompileKey.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;
namespace fs = std::filesystem;

namespace {
class CompileCacheTest : public testing::Test {
protected:
  CompileCacheTest() : cache(directory.path() / "cache" / "dsv3") {
    plan::Plan plan = smallPlan();
    plan.families = plan::familyTableHash();
    for (plan::Variant &variant : plan.variants) {
      variant.checksum = hash128(std::string_view("{}")).hex();
    }
    fs::create_directory(directory.path() / "bundle");
    directory.write("bundle/plan.dsv3", plan::serialise(plan));
    for (const char *name : {"bundle/config.json", "bundle/v3.so", "bundle/v4.so"}) {
      directory.write(name, "{}");
    }
    setCompiler("echo \"$@\" >> " + (directory.path() / "log").string() + "\ncp -r " +
                (directory.path() / "bundle").string() + " \"$4\"\n");
    request.input = "/models/a";
    request.identity = "0123";
    request.variant = "x86-64-v3";
    request.say = [this](const std::string &line) { said.push_back(line); };
  }
  void setCompiler(const std::string &script) {
    compiler = directory.write("compiler", "#!/bin/sh\n" + script);
    fs::permissions(compiler, fs::perms::owner_all);
    // The date is part of the key; tests that change the script mean the same compiler.
    fs::last_write_time(compiler, fs::file_time_type(std::chrono::hours(1)));
  }
  Expected<Bundle> get() { return compiledBundle(request, cache, compiler); }
  size_t compilations() {
    auto log = readFile(directory.path() / "log", 1 << 20);
    return log.ok() ? size_t(std::count(log->begin(), log->end(), '\n')) : 0;
  }
  /// In the cache, without the file of locks.
  size_t entries() {
    return size_t(std::count_if(fs::directory_iterator(cache), {}, [](const auto &entry) {
      return entry.path().filename() != KeyLock::fileName;
    }));
  }

  TemporaryDirectory directory;
  fs::path cache, compiler;
  CompileRequest request;
  std::vector<std::string> said;
};
} // namespace

TEST_F(CompileCacheTest, CompilesOnceAndSaysSo) {
  auto first = get();
  ASSERT_TRUE(first.ok()) << first.failure().message();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0], "compiling /models/a for x86-64-v3 into " + first->directory().string());
  auto second = get();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->directory(), first->directory());
  EXPECT_EQ(compilations(), 1U);
  EXPECT_EQ(said.size(), 1U);
  EXPECT_EQ(entries(), 1U) << "something was left aside";
}

TEST_F(CompileCacheTest, KeysDifferByInputItsFlagAndCompiler) {
  ASSERT_TRUE(get().ok());
  request.identity = "4567";
  ASSERT_TRUE(get().ok());
  request.inputFlag = "--config";
  ASSERT_TRUE(get().ok());
  request.variant = "x86-64-v4";
  ASSERT_TRUE(get().ok());
  request.options = {"--weights", "int8"};
  ASSERT_TRUE(get().ok());
  fs::last_write_time(compiler, fs::file_time_type(std::chrono::hours(2)));
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(compilations(), 6U);
  EXPECT_EQ(entries(), 6U);
  auto log = readFile(directory.path() / "log", 1 << 20);
  EXPECT_NE(log->find("--config /models/a -o "), std::string::npos) << *log;
  EXPECT_NE(log->find("--variant x86-64-v3\n"), std::string::npos) << "for one CPU alone: " << *log;
  EXPECT_NE(log->find(" --weights int8"), std::string::npos) << *log;
}

TEST_F(CompileCacheTest, WhatIsNotAdmittedIsNotCompiled) {
  bool asked = false;
  request.admit = [&]() -> Status {
    asked = true;
    return Failure{"no memory"};
  };
  auto refused = get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().what, "no memory");
  EXPECT_FALSE(fs::exists(cache));
  EXPECT_TRUE(said.empty());
  request.admit = [] { return Status(); };
  ASSERT_TRUE(get().ok());
  // What is there is not asked for.
  request.admit = [] { return Failure{"no memory"}; };
  EXPECT_TRUE(asked && get().ok());
}

TEST_F(CompileCacheTest, KeysHoldWhatTheBundleDependsOn) {
  CompileKey key = CompileKey::of(request, compiler);
  EXPECT_EQ(key.parts[CompileKey::InputFlag], "--model");
  EXPECT_EQ(key.parts[CompileKey::Identity], "0123");
  EXPECT_EQ(key.parts[CompileKey::Variant], "x86-64-v3");
  EXPECT_EQ(key.parts[CompileKey::Version],
            std::to_string(plan::planFormatVersion) + " " + plan::familyTableHash());
  EXPECT_EQ(key.parts[CompileKey::Compiler],
            std::to_string(fs::file_size(compiler)) + " " +
                std::to_string(fs::last_write_time(compiler).time_since_epoch().count()));
  EXPECT_EQ(key.parts[CompileKey::Options], "");
  auto bundle = get();
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ(bundle->directory().filename(), key.name());
}

TEST_F(CompileCacheTest, KeysOfOtherOptionsDiffer) {
  std::set<std::string> names;
  for (const std::vector<std::string> &options : std::vector<std::vector<std::string>>{{},
                                                                                       {""},
                                                                                       {"", ""},
                                                                                       {"", "a"},
                                                                                       {"\\e"},
                                                                                       {"a"},
                                                                                       {"a", "b"},
                                                                                       {"a b"},
                                                                                       {"a\\ b"},
                                                                                       {"a\\", "b"},
                                                                                       {"a\nb"},
                                                                                       {"a\\nb"}}) {
    request.options = options;
    CompileKey key = CompileKey::of(request, compiler);
    EXPECT_TRUE(names.insert(key.name()).second) << key.text();
    EXPECT_TRUE(CompileKey::parse(key.text())) << key.text();
  }
}

TEST_F(CompileCacheTest, KeysTellWhereTheInputLies) {
  fs::create_directories(directory.path() / "a");
  fs::create_directories(directory.path() / "b");
  fs::create_directory_symlink(directory.path() / "a", directory.path() / "link");
  auto nameOf = [&](const std::string &input) {
    request.input = directory.path() / input;
    return CompileKey::of(request, compiler).name();
  };
  EXPECT_NE(nameOf("a"), nameOf("b")) << "each has packed weights of its own";
  EXPECT_EQ(nameOf("a"), nameOf("link"));
  EXPECT_EQ(nameOf("a"), nameOf("b/../a"));
}

TEST(CompileKey, EachPartChangesTheName) {
  const CompileKey key{
      {"/models/a", "--model", "ab", "v3", "1 cd", "1000 -2000", "--weights int8"}};
  std::set<std::string> names{key.name()};
  EXPECT_EQ(key.name(), CompileKey(key).name());
  for (size_t part = 0; part < CompileKey::partCount; ++part) {
    CompileKey other = key;
    other.parts[part] += "1";
    EXPECT_TRUE(names.insert(other.name()).second) << part;
  }
  CompileKey other = key;
  other.parts[CompileKey::InputFlag] = "--modela";
  other.parts[CompileKey::Identity] = "b";
  EXPECT_TRUE(names.insert(other.name()).second) << "the border of parts";
}

TEST(CompileKey, IsReadBack) {
  const CompileKey key{{"/models/a", "--model", "ab", "v3", "1 cd", "1000 -2000", ""}};
  std::optional<CompileKey> read = CompileKey::parse(key.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->parts, key.parts);
  EXPECT_FALSE(CompileKey::parse(key.text() + "more\n"));
  std::string text = key.text();
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(CompileKey::parse(text.substr(0, i))) << i;
    std::string damaged = text;
    damaged[i] ^= 1;
    std::optional<CompileKey> other = CompileKey::parse(damaged);
    EXPECT_TRUE(!other || other->name() != key.name()) << i;
  }
}

TEST_F(CompileCacheTest, AMissSaysWhatHasChanged) {
  auto why = [&] {
    said.clear();
    Expected<Bundle> made = get();
    size_t begin = made && said.size() == 1 ? said[0].find(" (") : std::string::npos;
    return begin == std::string::npos ? std::string() : said[0].substr(begin + 2);
  };
  EXPECT_EQ(why(), "") << "nothing was compiled before";
  request.variant = "x86-64-v4";
  EXPECT_EQ(why(), "it was compiled for x86-64-v3)");
  request.options = {"--weights", "int8"};
  EXPECT_EQ(why(), "it was compiled with other options: none)") << "the nearest is said";
  request.options = {"--weights", "int4"};
  EXPECT_EQ(why(), "it was compiled with other options: --weights int8)") << "the first in order";
  fs::last_write_time(compiler, fs::file_time_type(std::chrono::hours(2)));
  EXPECT_EQ(why(), "it was compiled by another dsv3-compile)");
  request.identity = "4567";
  EXPECT_EQ(why(), "it was compiled from other contents)");
  request.inputFlag = "--config";
  request.input = "/models/b";
  EXPECT_EQ(why(), "it was compiled from /models/a and by --model)") << "equal contents elsewhere";
  request.identity = "89ab";
  request.input = "/models/c";
  EXPECT_EQ(why(), "") << "another model";
  request.identity = "cdef";
  request.input = "m";
  EXPECT_EQ(why(), "") << "of this folder";
  request.identity = "ef01";
  request.input = fs::current_path() / "folder" / ".." / "m";
  EXPECT_EQ(why(), "it was compiled from other contents)") << "however it is written";
}

TEST_F(CompileCacheTest, AKeyThatIsDamagedExplainsNothing) {
  auto first = get();
  ASSERT_TRUE(first.ok());
  fs::resize_file(first->directory() / "cache-key", 20);
  request.variant = "x86-64-v4";
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(said.back().find('('), std::string::npos) << said.back();
}

TEST_F(CompileCacheTest, RebuildReplacesTheBundle) {
  ASSERT_TRUE(get().ok());
  directory.write("bundle/config.json", "{\"new\": 1}");
  request.rebuild = true;
  auto again = get();
  ASSERT_TRUE(again.ok()) << again.failure().message();
  EXPECT_EQ(again->configText(), "{\"new\": 1}");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(CompileCacheTest, DamagedBundlesAreCompiledAgain) {
  auto first = get();
  ASSERT_TRUE(first.ok());
  fs::resize_file(first->directory() / "plan.dsv3", 50);
  ASSERT_TRUE(get().ok());
  EXPECT_EQ(compilations(), 2U);
  ASSERT_EQ(said.size(), 3U);
  EXPECT_NE(said[1].find("cannot be used"), std::string::npos) << said[1];
}

TEST_F(CompileCacheTest, FailedCompilationsLeaveNothing) {
  setCompiler("mkdir \"$4\"\nexit 3\n");
  auto bundle = get();
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.failure().message(), compiler.string() + ": failed with exit code 3");
  EXPECT_EQ(entries(), 0U);
  // Success without a bundle.
  setCompiler("exit 0\n");
  EXPECT_FALSE(get().ok());
  EXPECT_EQ(entries(), 0U);
}

TEST_F(CompileCacheTest, OfTwoWhoWantItOneCompiles) {
  // The compiler waits until the second one does, or compiles, too.
  fs::path go = directory.path() / "go", log = directory.path() / "log";
  setCompiler("echo \"$@\" >> " + log.string() + "\nwhile [ ! -e " + go.string() +
              " ] && [ $(wc -l < " + log.string() + ") = 1 ]; do :; done\ncp -r " +
              (directory.path() / "bundle").string() + " \"$4\"\n");
  CompileRequest second = request;
  std::thread first([&] { EXPECT_TRUE(get().ok()); });
  while (compilations() == 0) {
    std::this_thread::yield();
  }
  std::vector<std::string> others;
  second.say = [&](const std::string &line) {
    others.push_back(line);
    std::ofstream(go.string());
  };
  EXPECT_TRUE(compiledBundle(second, cache, compiler).ok());
  first.join();
  EXPECT_EQ(others,
            std::vector<std::string>{"waiting for another process that compiles /models/a"});
  EXPECT_EQ(compilations(), 1U);
}

TEST_F(CompileCacheTest, RemainsOfKilledProcessesDoNoHarm) {
  fs::path killed = cache / (std::string(checkpoint::AsideFolder::prefix) + "killed");
  fs::create_directories(killed / "bundle");
  fs::last_write_time(killed, fs::file_time_type::clock::now() - std::chrono::hours(48));
  ASSERT_TRUE(get().ok());
  EXPECT_FALSE(fs::exists(killed));
  EXPECT_EQ(entries(), 1U);
}

TEST_F(CompileCacheTest, InterruptionStopsTheCompiler) {
  std::atomic<bool> cancel = true;
  request.cancel = &cancel;
  setCompiler("exec tail -f /dev/null\n");
  auto *before = std::signal(SIGINT, SIG_IGN); // as in the background jobs of scripts
  auto bundle = get();
  (void)std::signal(SIGINT, before);
  ASSERT_FALSE(bundle.ok());
  EXPECT_EQ(bundle.failure().what, "interrupted");
  EXPECT_EQ(entries(), 0U);
}

TEST_F(CompileCacheTest, CacheThatCannotBeWrittenSaysWhatToDo) {
  // A file where the folder should be: root ignores permissions.
  directory.write("cache", "");
  auto bundle = get();
  ASSERT_FALSE(bundle.ok());
  std::string message = bundle.failure().message();
  EXPECT_NE(message.find("cannot write the cache of compiled models: Not a directory"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("XDG_CACHE_HOME"), std::string::npos);
  EXPECT_NE(message.find("dsv3-compile --model /models/a -o BUNDLE"), std::string::npos);
}

TEST_F(CompileCacheTest, WhatLiesInThePlaceIsSaidBeforeCompiling) {
  auto first = get();
  ASSERT_TRUE(first.ok());
  fs::path place = first->directory();
  fs::remove_all(place);
  directory.write(fs::relative(place, directory.path()), "no folder");
  auto refused = get();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.failure().where, place.string());
  EXPECT_NE(refused.failure().hint.find("remove it"), std::string::npos);
  fs::remove(place);
  fs::create_symlink("nowhere", place);
  EXPECT_FALSE(get().ok());
  EXPECT_EQ(compilations(), 1U);
  fs::remove(place);
  EXPECT_TRUE(get().ok());
}

TEST_F(CompileCacheTest, DirectoryFollowsTheEnvironment) {
  setenv("XDG_CACHE_HOME", "/var/tmp/x", 1);
  EXPECT_EQ(compileCacheDirectory(), fs::path("/var/tmp/x/dsv3"));
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/me", 1);
  EXPECT_EQ(compileCacheDirectory(), fs::path("/home/me/.cache/dsv3"));
}
