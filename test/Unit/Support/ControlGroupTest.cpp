//===- ControlGroupTest.cpp - what control groups grant -------------------===//

#include "dsv3/Support/ControlGroup.h"

#include "dsv3/Support/Cpus.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

using namespace dsv3;
namespace fs = std::filesystem;

namespace {

/// A tree with /proc and /sys, removed at the end.
class ControlGroups : public testing::Test {
protected:
  ControlGroups() {
    std::string name = (fs::temp_directory_path() / "dsv3-groups-XXXXXX").string();
    root = mkdtemp(name.data());
  }
  ~ControlGroups() override { fs::remove_all(root); }

  void write(const std::string &path, const std::string &text) const {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text << '\n';
  }

  fs::path root;
};

TEST_F(ControlGroups, NoneGrantsAll) {
  EXPECT_FALSE(groupLimits(root).cpus);
  EXPECT_FALSE(groupLimits(root).memory);
  write("proc/self/cgroup", "0::/a");
  write("sys/fs/cgroup/a/cpu.max", "max 100000");
  write("sys/fs/cgroup/a/memory.max", "max");
  write("sys/fs/cgroup/a/memory.current", "5000");
  EXPECT_FALSE(groupLimits(root).cpus);
  EXPECT_FALSE(groupLimits(root).memory);
}

TEST_F(ControlGroups, TheLeastOnTheWayUpHolds) {
  write("proc/self/cgroup", "3:cpu:/elsewhere\n0::/service/ours");
  write("sys/fs/cgroup/service/ours/cpu.max", "400000 100000");
  write("sys/fs/cgroup/service/cpu.max", "150000 100000");
  write("sys/fs/cgroup/service/ours/memory.max", "3000");
  write("sys/fs/cgroup/service/ours/memory.current", "1000");
  write("sys/fs/cgroup/service/ours/memory.stat", "anon 600\nfile 400");
  write("sys/fs/cgroup/memory.max", "9000");
  write("sys/fs/cgroup/memory.current", "8000");
  GroupLimits limits = groupLimits(root);
  EXPECT_EQ(limits.cpus, 1.5);
  EXPECT_EQ(limits.memory, 1000U);
  write("sys/fs/cgroup/memory.max", "20000");
  EXPECT_EQ(groupLimits(root).memory, 2400U); // less the 600 that are no file cache
}

TEST_F(ControlGroups, MoreUsedThanGrantedLeavesNothing) {
  write("proc/self/cgroup", "0::/");
  write("sys/fs/cgroup/memory.max", "1000");
  write("sys/fs/cgroup/memory.current", "4000");
  EXPECT_EQ(groupLimits(root).memory, 0U);
}

TEST_F(ControlGroups, AGroupThatIsNotBelowTheMountedOneIsThat) {
  write("sys/fs/cgroup/cpu.max", "50000 100000");
  write("sys/fs/cgroup/other/cpu.max", "10000 100000");
  for (const char *name : {"0::/docker/1234", "0::/../other"}) {
    write("proc/self/cgroup", name);
    EXPECT_EQ(groupLimits(root).cpus, 0.5) << name;
  }
}

TEST(Cpus, ThreadsAreWithinTheAllowedCpus) {
  std::vector<int> cpus = allowedCpus();
  ASSERT_FALSE(cpus.empty());
  EXPECT_TRUE(std::ranges::is_sorted(cpus));
  EXPECT_GE(usefulThreads(), 1);
  EXPECT_LE(usefulThreads(), int(cpus.size()));
}

} // namespace
