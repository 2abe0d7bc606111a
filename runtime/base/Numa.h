//===- Numa.h - threads and memory on machines with several nodes -*- C++ -*-===//
//
// Where CPUs have memory of their own (NUMA), it matters which of them reads what. Weights
// are read by all threads in turn, so they lie best spread over the nodes that compute, or
// all on one node that computes alone.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

enum class NumaMode : uint8_t {
  None,       ///< as the system likes
  Pin,        ///< each thread stays on a CPU
  Distribute, ///< the same, on the nodes in turn; new memory is spread over all nodes
  Isolate,    ///< threads and new memory stay on the node where the program runs now
};
/// "none", "pin", "distribute" or "isolate"; nothing for others.
std::optional<NumaMode> numaModeFromName(std::string_view text);
/// "none, pin, distribute or isolate".
std::string numaModeNames();

struct NumaNode {
  int number = 0;
  std::vector<int> cpus; ///< those that we may run on, ascending
};
/// The nodes that have CPUs for us; one of all CPUs where the system names none.
std::vector<NumaNode> numaNodes(const std::filesystem::path &folder = "/sys/devices/system/node");

/// The numbers of a list as Linux writes it: "0-3,8". Nothing if it is none.
std::optional<std::vector<int>> parseCpuList(std::string_view text);
/// The CPUs of all nodes: of each node its first, then of each its second, and so on.
std::vector<int> distributedCpus(const std::vector<NumaNode> &nodes);

struct NumaPlacement {
  std::vector<int> cpus; ///< for threads, in turn; empty: they are not tied
  std::string note;      ///< what a person should know; may be empty
};
/// Sets what the calling thread and those that it starts from now on inherit. `nodes` are those of
/// numaNodes.
NumaPlacement placeOnNodes(NumaMode mode, const std::vector<NumaNode> &nodes);

} // namespace dsv3::runtime
