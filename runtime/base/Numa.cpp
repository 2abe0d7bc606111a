//===- Numa.cpp - threads and memory on machines with several nodes -------===//
//
// Asks sysfs and calls Linux itself: libnuma would be one more thing to install for two calls.
//
//===----------------------------------------------------------------------===//
#include "runtime/base/Numa.h"

#include "dsv3/Support/Choices.h"
#include "dsv3/Support/Cpus.h"
#include "runtime/base/Cpu.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <linux/mempolicy.h>
#include <ranges>
#include <sched.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;
namespace fs = std::filesystem;

/// More than Linux can be built for.
static constexpr int mostNodes = 1024, mostCpus = 1 << 20;

static constexpr std::array<std::pair<std::string_view, NumaMode>, 4> modes{
    {{"none", NumaMode::None},
     {"pin", NumaMode::Pin},
     {"distribute", NumaMode::Distribute},
     {"isolate", NumaMode::Isolate}}};

std::optional<NumaMode> runtime::numaModeFromName(std::string_view text) {
  for (const auto &[name, mode] : modes) {
    if (name == text) {
      return mode;
    }
  }
  return std::nullopt;
}

std::string runtime::numaModeNames() { return choicesText(modes | std::views::keys); }

/// Takes a number from the front of `text`.
static std::optional<int> takeNumber(std::string_view &text) {
  int number = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || number >= mostCpus) {
    return std::nullopt;
  }
  text.remove_prefix(size_t(end - text.data()));
  return number;
}

std::optional<std::vector<int>> runtime::parseCpuList(std::string_view text) {
  std::vector<int> cpus;
  while (!text.empty()) {
    std::optional<int> first = takeNumber(text), last = first;
    if (first && text.starts_with('-')) {
      text.remove_prefix(1);
      last = takeNumber(text);
    }
    if (!first || !last || *last < *first) {
      return std::nullopt;
    }
    for (int cpu = *first; cpu <= *last; ++cpu) {
      cpus.push_back(cpu);
    }
    if (text.starts_with(',') && text.size() > 1) {
      text.remove_prefix(1);
    } else if (!text.empty()) {
      return std::nullopt;
    }
  }
  return cpus;
}

std::vector<NumaNode> runtime::numaNodes(const fs::path &folder) {
  std::vector<int> allowed = allowedCpus();
  std::vector<NumaNode> nodes;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, error)) {
    constexpr std::string_view prefix = "node";
    std::string name = entry.path().filename().string();
    std::string_view rest = name;
    if (!rest.starts_with(prefix)) {
      continue;
    }
    rest.remove_prefix(prefix.size());
    std::optional<int> number = takeNumber(rest);
    std::ifstream file(entry.path() / "cpulist");
    std::string list;
    std::getline(file, list);
    std::optional<std::vector<int>> cpus = parseCpuList(list);
    if (!number || *number >= mostNodes || !rest.empty() || !cpus) {
      continue;
    }
    std::erase_if(*cpus, [&](int cpu) { return !std::ranges::binary_search(allowed, cpu); });
    if (!cpus->empty()) { // nodes of memory alone have none
      nodes.push_back({*number, *std::move(cpus)});
    }
  }
  std::ranges::sort(nodes, {}, &NumaNode::number);
  return nodes.empty() ? std::vector<NumaNode>{{0, std::move(allowed)}} : nodes;
}

std::vector<int> runtime::distributedCpus(const std::vector<NumaNode> &nodes) {
  std::vector<int> cpus;
  size_t most = 0;
  for (const NumaNode &node : nodes) {
    most = std::max(most, node.cpus.size());
  }
  for (size_t i = 0; i < most; ++i) {
    for (const NumaNode &node : nodes) {
      if (i < node.cpus.size()) {
        cpus.push_back(node.cpus[i]);
      }
    }
  }
  return cpus;
}

/// What memory the thread gets from now on; why not, if not.
static std::string setMemoryPolicy(int policy, const std::vector<NumaNode> &nodes) {
  constexpr size_t bitsPerWord = 8 * sizeof(unsigned long);
  std::array<unsigned long, mostNodes / bitsPerWord> mask{};
  for (const NumaNode &node : nodes) {
    mask[size_t(node.number) / bitsPerWord] |= 1UL << (size_t(node.number) % bitsPerWord);
  }
  // The kernel reads one bit less than it is told of.
  if (syscall(SYS_set_mempolicy, policy, mask.data(), mostNodes + 1) == 0) {
    return {};
  }
  return std::string("note: memory is not placed as --numa wants: ") + std::strerror(errno);
}

static NumaPlacement isolate(const std::vector<NumaNode> &nodes) {
  int here = sched_getcpu();
  auto node = std::ranges::find_if(
      nodes, [&](const NumaNode &each) { return std::ranges::binary_search(each.cpus, here); });
  if (node == nodes.end() || !runThisThreadOn(node->cpus)) {
    return {{}, "note: threads are not placed as --numa wants: the system does not agree"};
  }
  return {{}, setMemoryPolicy(MPOL_PREFERRED, {*node})};
}

NumaPlacement runtime::placeOnNodes(NumaMode mode, const std::vector<NumaNode> &nodes) {
  if (mode == NumaMode::None) {
    return {};
  }
  if (mode == NumaMode::Pin) {
    return {allowedCpus(), ""};
  }
  if (nodes.size() == 1) {
    bool ties = mode == NumaMode::Distribute;
    return {ties ? nodes[0].cpus : std::vector<int>{},
            std::string("note: there is one NUMA node here: --numa ") +
                (ties ? "ties threads to CPUs and does nothing else" : "does nothing")};
  }
  return mode == NumaMode::Isolate
             ? isolate(nodes)
             : NumaPlacement{distributedCpus(nodes), setMemoryPolicy(MPOL_INTERLEAVE, nodes)};
}
