//===- CpuDevice.cpp - the CPUs of this machine as a device ---------------===//

#include "runtime/drivers/cpu/CpuDevice.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/base/Memory.h"
#include "runtime/drivers/cpu/CpuExecutable.h"
#include "runtime/drivers/cpu/SharedObject.h"
#include "runtime/hal/HostMemory.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

class CpuDevice final : public Device {
public:
  explicit CpuDevice(std::unique_ptr<ThreadTeam> team) : team(std::move(team)) {}

  std::string_view name() const override { return "cpu"; }
  Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what) override {
    return allocateOnHost(bytes, what, true);
  }
  Expected<std::unique_ptr<Buffer>> allocateMapped(int64_t bytes, std::string_view what) override {
    return allocate(bytes, what);
  }
  Status upload(Buffer &to, int64_t offset, std::span<const std::byte> from) override {
    return uploadToHost(to, offset, from);
  }
  Status copy(Buffer &to, const Buffer &from) override { return copyOnHost(to, from); }
  Status download(std::span<std::byte> to, const Buffer &from, int64_t offset) override {
    return downloadFromHost(to, from, offset);
  }
  Expected<std::unique_ptr<Object>> loadObject(const ObjectFile &file,
                                               std::span<const std::string> symbols) override;
  Expected<std::unique_ptr<Executable>> prepare(const Program &program,
                                                const Object &object) override;
  Status run(Executable &executable, std::span<const int64_t> sizes,
             ObservationSink *sink) override;
  Status profile(Executable &executable, std::span<const int64_t> sizes,
                 LaunchProfile &times) override;

private:
  std::unique_ptr<ThreadTeam> team;
  Memory scratch;
  int64_t scratchStride = 0;
};

} // namespace

Expected<std::unique_ptr<Object>> CpuDevice::loadObject(const ObjectFile &file,
                                                        std::span<const std::string> symbols) {
  Expected<std::unique_ptr<SharedObject>> object = SharedObject::open(file, symbols);
  if (!object) {
    return object.failure();
  }
  return std::unique_ptr<Object>(std::move(*object));
}

Expected<std::unique_ptr<Executable>> CpuDevice::prepare(const Program &program,
                                                         const Object &object) {
  // Only objects of this device are ever passed to it.
  const auto &kernels = static_cast<const SharedObject &>(object);
  if (kernels.kernels().size() != program.kernels.size()) {
    return Failure{"expected an object with " + std::to_string(program.kernels.size()) +
                       " kernels, found " + std::to_string(kernels.kernels().size()),
                   "entry '" + program.name + "'"};
  }
  int64_t most = 0;
  for (const ProgramKernel &kernel : program.kernels) {
    most = std::max(most, kernel.scratchBytes);
  }
  most = plan::scratchStride(most);
  if (most > scratchStride) {
    Expected<Memory> memory =
        Memory::allocate(uint64_t(most) * uint64_t(team->size()), "the scratch of kernels");
    if (!memory) {
      return memory.failure();
    }
    scratch = std::move(*memory);
    scratchStride = most;
  }
  return std::unique_ptr<Executable>(new CpuExecutable(program, kernels.kernels()));
}

Status CpuDevice::run(Executable &executable, std::span<const int64_t> sizes,
                      ObservationSink *sink) {
  return static_cast<CpuExecutable &>(executable)
      .run(*team, {scratch.data(), size_t(scratchStride)}, sizes, sink);
}

Status CpuDevice::profile(Executable &executable, std::span<const int64_t> sizes,
                          LaunchProfile &times) {
  return static_cast<CpuExecutable &>(executable)
      .run(*team, {scratch.data(), size_t(scratchStride)}, sizes, nullptr, &times);
}

Expected<std::unique_ptr<Device>> runtime::createCpuDevice(const TeamOptions &options) {
  Expected<std::unique_ptr<ThreadTeam>> team = ThreadTeam::create(options);
  if (!team) {
    return team.failure();
  }
  return std::unique_ptr<Device>(new CpuDevice(std::move(*team)));
}
