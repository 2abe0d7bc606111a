//===- NumaTest.cpp - threads and memory on several nodes -----------------===//

#include "TemporaryDirectory.h"

#include "dsv3/Support/Cpus.h"
#include "runtime/base/Numa.h"

#include <gtest/gtest.h>

#include <fstream>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

TEST(Numa, ListsOfCpus) {
  EXPECT_EQ(parseCpuList("0-3,8"), (std::vector<int>{0, 1, 2, 3, 8}));
  EXPECT_EQ(parseCpuList("7"), std::vector<int>{7});
  EXPECT_EQ(parseCpuList(""), std::vector<int>{});
  for (const char *wrong : {"a", "1-", "3-1", "1,", ",1", "1 2", "-1", "0-99999999"}) {
    EXPECT_FALSE(parseCpuList(wrong)) << wrong;
  }
}

TEST(Numa, NamesOfModes) {
  EXPECT_EQ(numaModeFromName("distribute"), NumaMode::Distribute);
  EXPECT_FALSE(numaModeFromName("numactl"));
  EXPECT_EQ(numaModeNames(), "none, pin, distribute or isolate");
}

TEST(Numa, NodesAreThoseThatHaveCpusForUs) {
  std::vector<int> ours = allowedCpus();
  TemporaryDirectory directory;
  auto node = [&](const char *name, const std::string &list) {
    std::filesystem::create_directory(directory.path() / name);
    std::ofstream(directory.path() / name / "cpulist") << list << '\n';
  };
  node("node3", std::to_string(ours.front()));
  node("node1", "1048575"); // a CPU that is not ours
  node("node2", "");        // memory alone
  node("node4", "broken");
  node("nodes", std::to_string(ours.front()));
  std::vector<NumaNode> nodes = numaNodes(directory.path());
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].number, 3);
  EXPECT_EQ(nodes[0].cpus, std::vector<int>{ours.front()});
  // Where nothing is said there is one node.
  nodes = numaNodes(directory.path() / "absent");
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].cpus, ours);
}

TEST(Numa, DistributedThreadsTakeNodesInTurn) {
  EXPECT_EQ(distributedCpus({{0, {0, 1, 2}}, {1, {8}}, {4, {16, 17}}}),
            (std::vector<int>{0, 8, 16, 1, 17, 2}));
}

TEST(Numa, OneNodeIsSaid) {
  std::vector<NumaNode> one{{0, allowedCpus()}};
  EXPECT_TRUE(placeOnNodes(NumaMode::None, one).cpus.empty());
  EXPECT_EQ(placeOnNodes(NumaMode::Pin, one).cpus, allowedCpus());
  NumaPlacement distributed = placeOnNodes(NumaMode::Distribute, one);
  EXPECT_EQ(distributed.cpus, allowedCpus());
  EXPECT_NE(distributed.note.find("one NUMA node"), std::string::npos);
  NumaPlacement isolated = placeOnNodes(NumaMode::Isolate, one);
  EXPECT_TRUE(isolated.cpus.empty());
  EXPECT_NE(isolated.note.find("does nothing"), std::string::npos);
}

// The second node need not exist: the kernel takes what there is of those that are named.
TEST(Numa, MemoryFollowsThePolicyOfTheThread) {
  auto policyAfter = [](NumaMode mode, std::string &note) {
    int policy = -1;
    std::thread([&] {
      note = placeOnNodes(mode, {{0, allowedCpus()}, {1, {}}}).note;
      syscall(SYS_get_mempolicy, &policy, nullptr, 0, nullptr, 0);
    }).join();
    return policy;
  };
  for (auto [mode, wanted] : {std::pair(NumaMode::Distribute, int(MPOL_INTERLEAVE)),
                              std::pair(NumaMode::Isolate, int(MPOL_PREFERRED))}) {
    std::string note;
    int policy = policyAfter(mode, note);
    if (note.empty()) {
      EXPECT_EQ(policy, wanted);
    } else { // containers may forbid it
      EXPECT_TRUE(note.starts_with("note: memory is not placed as --numa wants: ")) << note;
    }
  }
}
