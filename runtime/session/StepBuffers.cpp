//===- StepBuffers.cpp - inputs and outputs of steps ----------------------===//

#include "runtime/session/StepBuffers.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Sampling.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

/// What this runtime knows of a port.
struct KnownPort {
  std::string_view name;
  DType type;
  enum Width : uint8_t { One, HiddenSize, Vocabulary, SamplingWords } width;
  enum Rows : uint8_t { Tokens, Outputs } rows;
};

} // namespace

/// In the order of InputPort and OutputPort.
static constexpr std::array<KnownPort, inputPorts> knownInputs{{
    {plan::portIds, DType::I32, KnownPort::One, KnownPort::Tokens},
    {plan::portPositions, DType::I32, KnownPort::One, KnownPort::Tokens},
    {plan::portRequests, DType::I32, KnownPort::One, KnownPort::Tokens},
    {plan::portRows, DType::I32, KnownPort::One, KnownPort::Outputs},
    {plan::portSampling, DType::I32, KnownPort::SamplingWords, KnownPort::Outputs},
    {plan::portHidden, DType::F32, KnownPort::HiddenSize, KnownPort::Tokens},
}};
static constexpr std::array<KnownPort, outputPorts> knownOutputs{{
    {plan::portLogits, DType::F32, KnownPort::Vocabulary, KnownPort::Outputs},
    {plan::portNormed, DType::F32, KnownPort::HiddenSize, KnownPort::Outputs},
    {plan::portTokens, DType::I32, KnownPort::One, KnownPort::Outputs},
}};

template <size_t count>
static size_t indexOf(const std::array<KnownPort, count> &known, std::string_view name) {
  return size_t(std::ranges::find(known, name, &KnownPort::name) - known.begin());
}

/// Finds the known port and its place, or says what does not fit.
template <size_t count>
static Expected<size_t> findPort(const std::array<KnownPort, count> &known, const plan::Port &port,
                                 const plan::Plan &plan, const StepSizes &sizes) {
  size_t index = indexOf(known, port.name);
  if (index == count) {
    std::string names;
    for (const KnownPort &each : known) {
      names += (names.empty() ? "" : ", ") + std::string(each.name);
    }
    return Failure{"expected one of the ports that this runtime knows (" + names + "), found '" +
                   port.name + "'"};
  }
  const KnownPort &wanted = known[index];
  std::array<int64_t, 4> widths{1, plan.hiddenSize, plan.vocabSize, samplingWords};
  if (port.type != wanted.type || port.columns != widths[wanted.width]) {
    return Failure{"expected " + std::to_string(widths[wanted.width]) + " columns of " +
                   std::string(name(wanted.type)) + " for '" + port.name + "', found " +
                   std::to_string(port.columns) + " of " + std::string(name(port.type))};
  }
  int32_t size = wanted.rows == KnownPort::Tokens ? sizes.tokens : sizes.outputs;
  if (port.size != size) {
    return Failure{"expected " + plan.sizes[size_t(size)].name + " rows for '" + port.name +
                   "', found " + plan.sizes[size_t(port.size)].name};
  }
  return index;
}

Status StepBuffers::measure(const plan::Plan &plan) {
  for (size_t i = 0; i < plan.sizes.size(); ++i) {
    const std::string &size = plan.sizes[i].name;
    if (size != plan::sizeTokens && size != plan::sizeOutputs) {
      return Failure{"expected the sizes T and O, found '" + size + "'", "plan"};
    }
    (size == plan::sizeTokens ? stepSizes.tokens : stepSizes.outputs) = int32_t(i);
  }
  if (stepSizes.tokens < 0 || stepSizes.outputs < 0) {
    return Failure{"expected the sizes T and O, found only one of them", "plan"};
  }
  for (const plan::Entry &entry : plan.entries) {
    auto note = [&](auto &ports, const auto &known, const plan::Port &port) -> Status {
      Expected<size_t> index = findPort(known, port, plan, stepSizes);
      if (!index) {
        return Failure{index.failure().what, "entry '" + entry.name + "'",
                       "compile the model again"};
      }
      ports[*index].bytes = std::max(ports[*index].bytes, int64_t(plan::portBytes(entry, port)));
      return {};
    };
    for (const plan::Port &port : entry.inputs) {
      if (Status status = note(inputs, knownInputs, port); !status) {
        return status;
      }
    }
    for (const plan::Port &port : entry.outputs) {
      if (Status status = note(outputs, knownOutputs, port); !status) {
        return status;
      }
    }
  }
  return {};
}

Status StepBuffers::allocate() {
  auto make = [&](Port &port, std::string_view name) -> Status {
    if (port.bytes == 0) {
      return {};
    }
    auto buffer = device->allocate(port.bytes, "the port '" + std::string(name) + "'");
    if (!buffer) {
      return buffer.status();
    }
    port.buffer = std::move(*buffer);
    return {};
  };
  for (size_t i = 0; i < inputPorts; ++i) {
    if (Status status = make(inputs[i], knownInputs[i].name); !status) {
      return status;
    }
  }
  for (size_t i = 0; i < outputPorts; ++i) {
    Port &port = outputs[i];
    if (Status status = make(port, knownOutputs[i].name); !status) {
      return status;
    }
    if (port.buffer && !port.buffer->hostAddress()) {
      Expected<Memory> copy = Memory::allocate(uint64_t(port.bytes), "a copy of the outputs");
      if (!copy) {
        return copy.status();
      }
      port.copy = std::move(*copy);
    }
  }
  return {};
}

Expected<StepBuffers> StepBuffers::create(Device &device, const plan::Plan &plan) {
  StepBuffers buffers(device);
  if (Status status = buffers.measure(plan); !status) {
    return status;
  }
  if (Status status = buffers.allocate(); !status) {
    return status;
  }
  return buffers;
}

std::vector<Address> StepBuffers::inputsOf(const plan::Entry &entry) const {
  std::vector<Address> addresses;
  for (const plan::Port &port : entry.inputs) {
    addresses.push_back(inputs[indexOf(knownInputs, port.name)].buffer->address());
  }
  return addresses;
}

std::vector<Address> StepBuffers::outputsOf(const plan::Entry &entry) const {
  std::vector<Address> addresses;
  for (const plan::Port &port : entry.outputs) {
    addresses.push_back(outputs[indexOf(knownOutputs, port.name)].buffer->address());
  }
  return addresses;
}

Status StepBuffers::upload(InputPort port, std::span<const std::byte> values) {
  Port &to = inputs[size_t(port)];
  return to.buffer ? device->upload(*to.buffer, 0, values) : Status();
}

Expected<const void *> StepBuffers::find(OutputPort port, size_t bytes) {
  Port &from = outputs[size_t(port)];
  if (bytes == 0) {
    return nullptr;
  }
  if (const void *data = from.buffer->hostAddress()) {
    return data;
  }
  auto used = from.copy.bytes().first(bytes);
  if (Status status = device->download(used, *from.buffer, 0); !status) {
    return status;
  }
  return used.data();
}
