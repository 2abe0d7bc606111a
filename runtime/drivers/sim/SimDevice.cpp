//===- SimDevice.cpp - a GPU that is simulated ----------------------------===//

#include "runtime/drivers/sim/SimDevice.h"

#include "dsv3/Plan/Families.h"
#include "runtime/drivers/sim/MappedMemory.h"
#include "runtime/drivers/sim/SimExecutable.h"
#include "runtime/hal/HostMemory.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// The compute capability whose code is preferred: all of its instructions are modelled.
static constexpr int32_t capability = 80;

namespace {

class SimDevice final : public runtime::Device {
public:
  SimDevice(const SimOptions &options, std::unique_ptr<Checker> checker,
            std::unique_ptr<Predictor> predictor, std::unique_ptr<Grid> grid,
            std::shared_ptr<MappedMemory> mapped)
      : options(options), checker(std::move(checker)), predictor(std::move(predictor)),
        grid(std::move(grid)), mapped(std::move(mapped)) {}

  std::string_view name() const override { return "sim"; }
  std::optional<size_t> preferredVariant(std::span<const std::string_view> names) const override;
  Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what) override {
    return checker ? checker->arena().allocate(bytes, what) : allocateOnHost(bytes, what, false);
  }
  Expected<std::unique_ptr<Buffer>> allocateMapped(int64_t bytes, std::string_view what) override;
  void forget(Buffer &buffer) override {
    if (checker) {
      checker->arena().forget(buffer);
    }
  }
  Status upload(Buffer &to, int64_t offset, std::span<const std::byte> from) override;
  Status copy(Buffer &to, const Buffer &from) override;
  Status download(std::span<std::byte> to, const Buffer &from, int64_t offset) override {
    return downloadFromHost(to, from, offset);
  }
  Expected<std::unique_ptr<Object>> loadObject(const ObjectFile &file,
                                               std::span<const std::string> symbols) override;
  Expected<std::unique_ptr<Executable>> prepare(const Program &program,
                                                const Object &object) override;
  Status run(Executable &executable, std::span<const int64_t> sizes,
             ObservationSink *sink) override {
    return static_cast<SimExecutable &>(executable).run(sizes, sink);
  }
  Status profile(Executable &executable, std::span<const int64_t> sizes,
                 LaunchProfile &times) override {
    return static_cast<SimExecutable &>(executable).profile(sizes, times);
  }

private:
  int64_t multiprocessors() const;

  SimOptions options;
  std::unique_ptr<Checker> checker;     ///< null: nothing is checked
  std::unique_ptr<Predictor> predictor; ///< null: no times are predicted
  std::unique_ptr<Grid> grid;
  std::shared_ptr<MappedMemory> mapped;
};

} // namespace

/// Those of the chip whose times are predicted; else few, so that blocks of persistent kernels have
/// several tiles of small products, and with a seed as many as it chooses.
int64_t SimDevice::multiprocessors() const {
  constexpr int64_t few = 4, most = 8;
  if (options.chip) {
    return options.chip->multiprocessors;
  }
  return options.seed == 0 ? few : 1 + int64_t(options.seed % most);
}

/// That of sm_80, else of the oldest GPU: texts of newer ones may hold what is not modelled.
std::optional<size_t> SimDevice::preferredVariant(std::span<const std::string_view> names) const {
  std::optional<size_t> best;
  int32_t bestCapability = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const plan::GpuVariant *variant = plan::findGpuVariant(names[i]);
    if (variant && variant->capability >= capability &&
        (!best || variant->capability < bestCapability)) {
      best = i;
      bestCapability = variant->capability;
    }
  }
  return best;
}

Expected<std::unique_ptr<Buffer>> SimDevice::allocateMapped(int64_t bytes, std::string_view what) {
  Expected<std::unique_ptr<Buffer>> memory = allocate(bytes, what);
  if (!memory) {
    return memory;
  }
  return std::unique_ptr<Buffer>(std::make_unique<MappedBuffer>(*std::move(memory), mapped));
}

Status SimDevice::upload(Buffer &to, int64_t offset, std::span<const std::byte> from) {
  Status status = uploadToHost(to, offset, from);
  if (status && checker && !from.empty()) {
    checker->arena().shadow().set(static_cast<std::byte *>(to.address()) + offset, from.size(),
                                  ByteState::Written);
  }
  return status;
}

Status SimDevice::copy(Buffer &to, const Buffer &from) {
  Status status = copyOnHost(to, from);
  if (status && checker) {
    checker->arena().shadow().set(to.address(), size_t(from.bytes()), ByteState::Written);
  }
  return status;
}

Expected<std::unique_ptr<Object>> SimDevice::loadObject(const ObjectFile &file,
                                                        std::span<const std::string> symbols) {
  Expected<std::unique_ptr<SimObject>> object =
      SimObject::open(file, symbols, options, checker.get());
  if (!object) {
    return object.failure();
  }
  return std::unique_ptr<Object>(*std::move(object));
}

Expected<std::unique_ptr<Executable>> SimDevice::prepare(const Program &program,
                                                         const Object &object) {
  // Only objects of this device are ever passed to it.
  Expected<std::unique_ptr<SimExecutable>> executable =
      SimExecutable::create(*grid, predictor.get(), multiprocessors(), program,
                            static_cast<const SimObject &>(object).kernels());
  if (!executable) {
    return executable.failure();
  }
  return std::unique_ptr<Executable>(*std::move(executable));
}

Expected<std::unique_ptr<runtime::Device>> runtime::createSimDevice(const SimOptions &options) {
  auto mapped = std::make_shared<MappedMemory>();
  std::unique_ptr<Checker> checker;
  if (options.check) {
    Expected<std::unique_ptr<Checker>> made = Checker::create(mapped);
    if (!made) {
      return made.failure();
    }
    checker = *std::move(made);
  }
  Expected<std::unique_ptr<Grid>> grid = Grid::create(options.threads, options.seed, checker.get());
  if (!grid) {
    return grid.failure();
  }
  std::unique_ptr<Predictor> predictor;
  if (options.chip) {
    Expected<std::unique_ptr<Predictor>> made = Predictor::create(*options.chip, mapped);
    if (!made) {
      return made.failure();
    }
    predictor = *std::move(made);
  }
  return std::unique_ptr<Device>(std::make_unique<SimDevice>(
      options, std::move(checker), std::move(predictor), *std::move(grid), std::move(mapped)));
}
