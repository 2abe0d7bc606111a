//===- CudaDevice.cpp - an NVIDIA GPU as a device -------------------------===//

#include "runtime/drivers/cuda/CudaDevice.h"

#include "dsv3/Plan/Chip.h"
#include "dsv3/Support/BytesText.h"
#include "runtime/drivers/cuda/CublasLtProducts.h"
#include "runtime/drivers/cuda/CudaExecutable.h"
#include "runtime/drivers/cuda/CudaStaging.h"

#include <algorithm>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

namespace {

class CudaBuffer final : public Buffer {
public:
  CudaBuffer(std::shared_ptr<const CudaContext> context, DevicePointer start, int64_t bytes)
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver gives addresses as numbers
      : Buffer(reinterpret_cast<Address>(start), bytes, nullptr), context(std::move(context)),
        start(start) {}
  ~CudaBuffer() override {
    context->use();
    context->api->StreamSynchronize(context->stream);
    context->api->MemFree(start);
  }

private:
  std::shared_ptr<const CudaContext> context;
  DevicePointer start;
};

/// Page-locked memory of the host.
class MappedBuffer final : public Buffer {
public:
  MappedBuffer(std::shared_ptr<const CudaContext> context, DevicePointer start, int64_t bytes,
               std::byte *onHost)
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the driver gives addresses as numbers
      : Buffer(reinterpret_cast<Address>(start), bytes, onHost), context(std::move(context)) {}
  ~MappedBuffer() override {
    context->use();
    context->api->StreamSynchronize(context->stream);
    context->api->MemFreeHost(hostAddress());
  }

private:
  std::shared_ptr<const CudaContext> context;
};

class CudaDevice final : public runtime::Device {
public:
  CudaDevice(std::shared_ptr<const CudaContext> context, KernelCompilerOptions options)
      : context(std::move(context)), options(std::move(options)), staging(this->context) {}
  Status allocateMark();

  std::string_view name() const override { return "cuda"; }
  std::string_view productName() const override { return context->name; }
  std::string description() const override {
    return "cuda, " + context->name + " of compute capability " + context->capabilityText();
  }
  std::optional<uint64_t> availableMemory() const override;
  std::optional<size_t> preferredVariant(std::span<const std::string_view> names) const override;
  Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what) override;
  Expected<std::unique_ptr<Buffer>> allocateMapped(int64_t bytes, std::string_view what) override;
  Status upload(Buffer &to, int64_t offset, std::span<const std::byte> from) override;
  Status copy(Buffer &to, const Buffer &from) override;
  Status download(std::span<std::byte> to, const Buffer &from, int64_t offset) override;
  Expected<std::unique_ptr<Object>> loadObject(const ObjectFile &file,
                                               std::span<const std::string> symbols) override;
  Expected<std::unique_ptr<Executable>> prepare(const Program &program,
                                                const Object &object) override;
  Status run(Executable &executable, std::span<const int64_t> sizes,
             ObservationSink *sink) override {
    return static_cast<CudaExecutable &>(executable).run(sizes, sink);
  }
  Status profile(Executable &executable, std::span<const int64_t> sizes,
                 LaunchProfile &times) override {
    return static_cast<CudaExecutable &>(executable).profile(sizes, times);
  }
  Expected<std::unique_ptr<PeerProducts>> peerProducts() override {
    return createCublasLtProducts(context, *this);
  }

private:
  std::shared_ptr<const CudaContext> context;
  KernelCompilerOptions options;
  std::unique_ptr<Buffer> mark;
  CudaStaging staging;
};

} // namespace

static DevicePointer pointerOf(const Buffer &buffer) {
  return reinterpret_cast<DevicePointer>(buffer.address());
}

/// The newest variant whose code, or whose text compiled anew, this GPU can run: text for a newer
/// GPU, or with instructions of another one alone, it cannot.
std::optional<size_t> CudaDevice::preferredVariant(std::span<const std::string_view> names) const {
  std::optional<size_t> best;
  int32_t newest = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const plan::GpuVariant *variant = plan::findGpuVariant(names[i]);
    bool fits = variant && plan::canRun(*variant, context->capability);
    if (fits && variant->capability > newest) {
      best = i;
      newest = variant->capability;
    }
  }
  return best;
}

std::optional<uint64_t> CudaDevice::availableMemory() const {
  context->use();
  size_t available = 0, total = 0;
  bool known = context->api->MemGetInfo(&available, &total) == success;
  return known ? std::optional<uint64_t>(available) : std::nullopt;
}

Status CudaDevice::allocateMark() {
  Expected<std::unique_ptr<Buffer>> made = allocate(sizeof(uint64_t), "the mark of failures");
  if (!made) {
    return made.status();
  }
  mark = *std::move(made);
  return {};
}

Expected<std::unique_ptr<Buffer>> CudaDevice::allocate(int64_t bytes, std::string_view what) {
  const DriverApi &api = *context->api;
  context->use();
  DevicePointer start = 0;
  Result result =
      bytes < 0 ? outOfMemory : api.MemAlloc(&start, size_t(std::max<int64_t>(1, bytes)));
  std::string reserving = "cannot reserve " + bytesText(uint64_t(bytes)) + " for " +
                          std::string(what) + " on " + context->name;
  std::optional<uint64_t> available =
      result == outOfMemory ? availableMemory() : std::optional<uint64_t>();
  if (available) {
    return Failure{reserving + ": " + bytesText(*available) + " are free there", "", noMemoryHint};
  }
  if (Status reserved = api.check(result, reserving); !reserved) {
    return reserved.failure();
  }
  auto buffer = std::make_unique<CudaBuffer>(context, start, bytes);
  Status zeroed =
      api.check(api.MemsetD8Async(start, 0, size_t(std::max<int64_t>(1, bytes)), context->stream),
                "cannot clear memory");
  if (!zeroed) {
    return zeroed;
  }
  return std::unique_ptr<Buffer>(std::move(buffer));
}

Expected<std::unique_ptr<Buffer>> CudaDevice::allocateMapped(int64_t bytes, std::string_view what) {
  const DriverApi &api = *context->api;
  context->use();
  auto size = size_t(std::max<int64_t>(1, bytes));
  void *onHost = nullptr;
  Result result = bytes < 0 ? outOfMemory : api.MemHostAlloc(&onHost, size, hostDeviceMap);
  if (result != success) {
    return Failure{"cannot reserve " + bytesText(uint64_t(bytes)) + " for " + std::string(what) +
                       " in page-locked memory of the host: the driver says " + api.nameOf(result),
                   "",
                   "end other programs; limits of the system (ulimit -l, control groups) count"};
  }
  std::memset(onHost, 0, size);
  DevicePointer start = 0;
  Status mapped = api.check(api.MemHostGetDevicePointer(&start, onHost, 0),
                            "cannot map memory of the host for " + std::string(what));
  if (!mapped) {
    api.MemFreeHost(onHost);
    return mapped;
  }
  return std::unique_ptr<Buffer>(
      std::make_unique<MappedBuffer>(context, start, bytes, static_cast<std::byte *>(onHost)));
}

Status CudaDevice::upload(Buffer &to, int64_t offset, std::span<const std::byte> from) {
  Status status = to.checkRange(offset, from.size());
  if (!status || from.empty()) {
    return status;
  }
  context->use();
  return staging.copy(pointerOf(to) + uint64_t(offset), from);
}

Status CudaDevice::download(std::span<std::byte> to, const Buffer &from, int64_t offset) {
  Status status = from.checkRange(offset, to.size());
  if (!status || to.empty()) {
    return status;
  }
  context->use();
  const DriverApi &api = *context->api;
  status = api.check(api.MemcpyDtoHAsync(to.data(), pointerOf(from) + uint64_t(offset), to.size(),
                                         context->stream),
                     "cannot copy from the GPU");
  return status ? api.check(api.StreamSynchronize(context->stream), "cannot copy from the GPU")
                : status;
}

Status CudaDevice::copy(Buffer &to, const Buffer &from) {
  auto bytes = size_t(from.bytes());
  Status status = to.checkRange(0, bytes);
  if (!status || bytes == 0) {
    return status;
  }
  context->use();
  const DriverApi &api = *context->api;
  status = api.check(api.MemcpyDtoDAsync(pointerOf(to), pointerOf(from), bytes, context->stream),
                     "cannot copy on the GPU");
  return status ? api.check(api.StreamSynchronize(context->stream), "cannot copy on the GPU")
                : status;
}

Expected<std::unique_ptr<Object>> CudaDevice::loadObject(const ObjectFile &file,
                                                         std::span<const std::string> symbols) {
  Expected<std::unique_ptr<CudaObject>> object = CudaObject::open(context, file, symbols, options);
  if (!object) {
    return object.failure();
  }
  return std::unique_ptr<Object>(*std::move(object));
}

Expected<std::unique_ptr<Executable>> CudaDevice::prepare(const Program &program,
                                                          const Object &object) {
  // Only objects of this device are ever passed to it.
  Expected<std::unique_ptr<CudaExecutable>> executable = CudaExecutable::create(
      context, program, static_cast<const CudaObject &>(object).kernels(), pointerOf(*mark));
  if (!executable) {
    return executable.failure();
  }
  return std::unique_ptr<Executable>(*std::move(executable));
}

/// Fills in what the driver tells of GPU number `ordinal`.
static Status openContext(CudaContext &context, int ordinal) {
  const DriverApi &api = *context.api;
  int count = 0;
  if (Status status = api.check(api.DeviceGetCount(&count), "cannot count the GPUs"); !status) {
    return status;
  }
  if (ordinal < 0 || ordinal >= count) {
    return Failure{"expected a GPU from cuda:0 to cuda:" + std::to_string(count - 1) +
                       ", found cuda:" + std::to_string(ordinal),
                   "--device", "nvidia-smi lists them"};
  }
  char name[256] = "";
  int major = 0, minor = 0;
  std::string what = "cannot use cuda:" + std::to_string(ordinal);
  for (Result result :
       {api.DeviceGet(&context.device, ordinal),
        api.DeviceGetName(name, int(sizeof name), context.device),
        api.DeviceGetAttribute(&major, attributeCapabilityMajor, context.device),
        api.DeviceGetAttribute(&minor, attributeCapabilityMinor, context.device),
        api.DeviceGetAttribute(&context.multiprocessors, attributeMultiprocessors, context.device),
        api.DevicePrimaryCtxRetain(&context.context, context.device),
        api.CtxSetCurrent(context.context), api.StreamCreate(&context.stream, streamNonBlocking)}) {
    if (Status status = api.check(result, what); !status) {
      return status;
    }
  }
  context.name = name;
  context.capability = 10 * major + minor;
  int32_t oldest = plan::gpuVariants().front().capability;
  if (context.capability < oldest) {
    return Failure{"expected a GPU of compute capability " + std::to_string(oldest / 10) + "." +
                       std::to_string(oldest % 10) + " or newer, found " + context.name + " of " +
                       context.capabilityText(),
                   "--device", "use the CPU: leave --device out"};
  }
  return {};
}

Expected<std::unique_ptr<runtime::Device>>
runtime::createCudaDevice(int ordinal, const KernelCompilerOptions &options) {
  Expected<std::shared_ptr<const DriverApi>> api = DriverApi::load();
  if (!api) {
    return api.failure();
  }
  auto context = std::make_shared<CudaContext>();
  context->api = *std::move(api);
  if (Status status = openContext(*context, ordinal); !status) {
    return status;
  }
  auto device = std::make_unique<CudaDevice>(std::move(context), options);
  if (Status status = device->allocateMark(); !status) {
    return status;
  }
  return std::unique_ptr<Device>(std::move(device));
}
