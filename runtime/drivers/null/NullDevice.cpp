//===- NullDevice.cpp - a device that runs nothing ------------------------===//

#include "runtime/drivers/null/NullDevice.h"

#include "runtime/hal/HostMemory.h"

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

struct NullObject final : Object {
  explicit NullObject(size_t kernels) : kernels(kernels) {}
  size_t kernels;
};

struct NullExecutable final : Executable {
  explicit NullExecutable(const Program &program) : program(program) {}
  Program program;
};

} // namespace

Expected<std::unique_ptr<Buffer>> NullDevice::allocate(int64_t bytes, std::string_view what) {
  allocations.push_back({std::string(what), bytes});
  return allocateOnHost(bytes, what, hostVisible);
}

Expected<std::unique_ptr<Buffer>> NullDevice::allocateMapped(int64_t bytes, std::string_view what) {
  allocations.push_back({std::string(what), bytes});
  return allocateOnHost(bytes, what, true);
}

Status NullDevice::upload(Buffer &to, int64_t offset, std::span<const std::byte> from) {
  return uploadToHost(to, offset, from);
}

Status NullDevice::download(std::span<std::byte> to, const Buffer &from, int64_t offset) {
  return downloadFromHost(to, from, offset);
}

Status NullDevice::copy(Buffer &to, const Buffer &from) { return copyOnHost(to, from); }

Expected<std::unique_ptr<Object>> NullDevice::loadObject(const ObjectFile &file,
                                                         std::span<const std::string> symbols) {
  objects.push_back(file);
  return std::unique_ptr<Object>(new NullObject(symbols.size()));
}

Expected<std::unique_ptr<Executable>> NullDevice::prepare(const Program &program,
                                                          const Object &object) {
  size_t kernels = static_cast<const NullObject &>(object).kernels;
  if (kernels != program.kernels.size()) {
    return Failure{"expected an object with " + std::to_string(program.kernels.size()) +
                       " kernels, found " + std::to_string(kernels),
                   "entry '" + program.name + "'"};
  }
  programs.push_back(program);
  return std::unique_ptr<Executable>(new NullExecutable(program));
}

Status NullDevice::run(Executable &executable, std::span<const int64_t> sizes,
                       ObservationSink *sink) {
  const Program &program = static_cast<NullExecutable &>(executable).program;
  if (sizes.size() != size_t(program.sizeCount)) {
    return Failure{"expected " + std::to_string(program.sizeCount) + " sizes for a step, found " +
                       std::to_string(sizes.size()),
                   "entry '" + program.name + "'"};
  }
  runs.push_back({program.name, {sizes.begin(), sizes.end()}, sink != nullptr});
  for (const Command &command : program.commands) {
    if (sink && command.kind == Command::Kind::Observe) {
      sink->observed(command.target, command.layer, program.args[command.firstArg]);
    }
  }
  return {};
}
