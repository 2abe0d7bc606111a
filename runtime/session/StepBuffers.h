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

enum class InputPort : uint8_t { Ids, Positions, Requests, Rows, Sampling, Hidden };
enum class OutputPort : uint8_t { Logits, Normed, Tokens };
inline constexpr size_t inputPorts = 6, outputPorts = 3;

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
  /// Precondition: T is the port's type; count is 0, or the entry that ran has the output.
  template <typename T>
  Expected<std::span<const T>> read(OutputPort port, int64_t count) {
    Expected<const void *> data = find(port, size_t(count) * sizeof(T));
    if (!data) {
      return data.failure();
    }
    return std::span(static_cast<const T *>(*data), size_t(count));
  }

private:
  struct Port {
    int64_t bytes = 0; ///< the maximum over the entries; 0: no entry has it
    std::unique_ptr<Buffer> buffer;
    Memory copy; ///< of an output that the host does not see
  };

  explicit StepBuffers(Device &device) : device(&device) {}
  Status measure(const plan::Plan &plan);
  /// Where the host finds the first bytes of an output; null if it wants none.
  Expected<const void *> find(OutputPort port, size_t bytes);
  Status allocate();

  Device *device;
  StepSizes stepSizes;
  std::array<Port, inputPorts> inputs;
  std::array<Port, outputPorts> outputs;
};

} // namespace dsv3::runtime
