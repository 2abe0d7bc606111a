//===- StepBuffers.h - inputs and outputs of steps --------------*- C++ -*-===//
//
// The buffers behind the ports of all entries, allocated once to the maxima and
// shared by the entries, and the check that this runtime knows every port.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "runtime/base/Memory.h"
#include "runtime/hal/Device.h"

#include <array>
#include <span>
#include <vector>

namespace dsv3::runtime {

/// The named sizes that a session fills in.
struct StepSizes {
  int32_t tokens = -1;  ///< index of T in Plan::sizes
  int32_t outputs = -1; ///< index of O
};

enum class InputPort : uint8_t { Ids, Positions, Requests, Rows, Hidden };
enum class OutputPort : uint8_t { Logits, Normed };
inline constexpr size_t inputPorts = 5, outputPorts = 2;

/// Not thread-safe. The device must outlive it.
class StepBuffers {
public:
  /// Fails, naming entry and port, if an entry has a port or size that this runtime
  /// does not know, or one of another type or width than it must have.
  static Expected<StepBuffers> create(Device &device, const plan::Plan &plan);

  StepSizes sizes() const { return stepSizes; }
  /// Of the ports of an entry, in its order.
  std::vector<Address> inputsOf(const plan::Entry &entry) const;
  std::vector<Address> outputsOf(const plan::Entry &entry) const;

  Status upload(InputPort port, std::span<const std::byte> values);
  /// The first `count` elements of an output for the host, downloaded if need be.
  /// Precondition: count is 0, or the entry that ran has the output.
  Expected<std::span<const float>> read(OutputPort port, int64_t count);

private:
  struct Port {
    int64_t bytes = 0; ///< the maximum over the entries; 0: no entry has it
    std::unique_ptr<Buffer> buffer;
    Memory copy; ///< of an output that the host does not see
  };

  explicit StepBuffers(Device &device) : device(&device) {}
  Status measure(const plan::Plan &plan);
  Status allocate();

  Device *device;
  StepSizes stepSizes;
  std::array<Port, inputPorts> inputs;
  std::array<Port, outputPorts> outputs;
};

} // namespace dsv3::runtime
