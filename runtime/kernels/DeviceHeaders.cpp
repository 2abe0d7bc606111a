//===- DeviceHeaders.cpp - the device headers as text ---------------------===//
//
// The texts are in a file that EmbedHeaders.cmake writes, in the order of their names.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/DeviceHeaders.h"

#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <string_view>

using namespace dsv3;
using namespace dsv3::runtime;

namespace dsv3::runtime {
/// Those of runtime/kernels/cuda, then those of runtime/kernels/sim.
std::span<const DeviceHeader> embeddedHeaders();
} // namespace dsv3::runtime

static constexpr std::string_view cudaInstructions = "runtime/kernels/cuda/ptx/",
                                  simInstructions = "runtime/kernels/sim/ptx/",
                                  simFolder = "runtime/kernels/sim/";

static bool isSimulators(const DeviceHeader &header) {
  return std::string_view(header.name).starts_with(simFolder);
}

std::span<const DeviceHeader> runtime::deviceHeaders() {
  static const auto count =
      size_t(std::ranges::find_if(embeddedHeaders(), isSimulators) - embeddedHeaders().begin());
  return embeddedHeaders().first(count);
}

static std::string hashOf(std::span<const DeviceHeader> headers) {
  Hasher128 hasher;
  for (const DeviceHeader &header : headers) {
    for (std::string_view part : {header.name, header.text}) {
      hasher.update(uint64_t(part.size()));
      hasher.update(part);
    }
  }
  return hasher.finish().hex();
}

const std::string &runtime::deviceHeadersHash() {
  static const std::string hash = hashOf(deviceHeaders());
  return hash;
}

/// The name of a header of the simulator that stands for the one of an instruction.
static std::string simulated(std::string_view name) {
  return std::string(simInstructions) + std::string(name.substr(cudaInstructions.size()));
}

static std::vector<DeviceHeader> makeSimulatorHeaders() {
  std::vector<DeviceHeader> headers;
  auto all = embeddedHeaders();
  for (const DeviceHeader &header : all) {
    std::string_view name = header.name;
    if (name.starts_with(cudaInstructions)) {
      auto stand = std::ranges::find(all, simulated(name),
                                     [](const DeviceHeader &one) { return std::string(one.name); });
      headers.push_back({header.name, stand == all.end() ? "#error not simulated\n" : stand->text});
    } else if (!name.starts_with(simInstructions)) {
      headers.push_back(header);
    }
  }
  return headers;
}

const std::vector<DeviceHeader> &runtime::simulatorHeaders() {
  static const std::vector<DeviceHeader> headers = makeSimulatorHeaders();
  return headers;
}

const std::string &runtime::simulatorHeadersHash() {
  static const std::string hash = hashOf(simulatorHeaders());
  return hash;
}
