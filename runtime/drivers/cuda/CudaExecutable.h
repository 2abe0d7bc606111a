//===- CudaExecutable.h - a program as launches on a stream -----*- C++ -*-===//
//
// Everything that a launch is given is laid out when the program is prepared; a step
// fills in the sizes and launches in order. A step of the same sizes as the one before is
// captured as a graph, and replayed from then on. Kernels that follow a failed one do nothing;
// the mark is read at the end of the step.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/cuda/CudaGraph.h"
#include "runtime/drivers/cuda/CudaObject.h"
#include "runtime/drivers/cuda/CudaTensorMap.h"
#include "runtime/hal/Device.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::cuda {

class CudaExecutable final : public Executable {
public:
  /// `mark` is the step's failure mark in device memory.
  static Expected<std::unique_ptr<CudaExecutable>>
  create(std::shared_ptr<const CudaContext> context, const Program &program,
         std::span<const CudaKernel> kernels, DevicePointer mark);

  Status run(std::span<const int64_t> values, ObservationSink *sink);
  Status profile(std::span<const int64_t> values, LaunchProfile &times);

private:
  struct Kernel {
    std::string symbol;
    CudaKernel code;
    std::vector<int32_t> sizeIndices;
    plan::TileCount tileCount;
    unsigned shared = 0;
    std::vector<int64_t> sizes; ///< of the step
    plan::LaunchGrid grid;      ///< of the step
  };
  /// A launch, or where `kernel` is null an observation.
  struct Step {
    Kernel *kernel = nullptr;
    int64_t layer = -1;
    uint32_t number = 0;       ///< of the launch, as kernels report it
    size_t firstParameter = 0; ///< in `parameters`
    size_t firstMap = 0;       ///< in `tensorMaps`
    int32_t observation = 0;
    DevicePointer observed = 0;
  };

  /// The launches of all steps of such sizes.
  struct StepGraph {
    std::vector<int64_t> sizes;
    std::unique_ptr<CudaGraph> graph; ///< null: the driver could not make one
  };

  explicit CudaExecutable(std::shared_ptr<const CudaContext> context)
      : context(std::move(context)) {}
  Status addKernels(const Program &program, std::span<const CudaKernel> code);
  Status addSteps(const Program &program);
  /// Encodes those tensor maps of a launch whose rows the step's sizes say, or the others.
  Status encodeTensorMaps(const Step &step, bool sized);
  Status setSizes(std::span<const int64_t> values);
  Status clearMark();
  /// With `overlap` it may begin before the launch that the stream was given last has ended, if
  /// its kernel can.
  Status launch(const Step &step, bool overlap);
  /// Orders the whole step, from a graph where there is one or can be made.
  Status launchAll();
  Status launchAndObserve(ObservationSink &sink);
  Status observe(const Step &step, ObservationSink &sink);
  /// Waits for what was launched, which `part` names: the step, or what of it came so far. Fails
  /// as a kernel reported.
  Status finish(const std::string &part);
  std::string whereOf(const Step &step) const;
  /// Success, or what went wrong in the step, for which `where` stands.
  Status checkStep(Result result, const char *what, const std::string &where) const;

  std::shared_ptr<const CudaContext> context;
  std::string name; ///< of the entry
  size_t sizeCount = 0;
  std::vector<int64_t> sizes; ///< of the step
  bool repeated = false;      ///< they were those of the step before
  std::vector<StepGraph> graphs;
  std::vector<Kernel> kernels;
  std::vector<Step> steps;
  std::vector<const Step *> launches; ///< by their numbers
  std::vector<DevicePointer> args;
  std::vector<void *> parameters; ///< of all launches, one behind the other
  std::vector<uint32_t> numbers;
  std::vector<TensorMap> tensorMaps; ///< of all launches, likewise
  std::vector<ProgramObservation> observations;
  std::vector<std::byte> copy; ///< of what is observed
  DevicePointer mark = 0;
  uint64_t failure = 0; ///< the mark, read back
};

} // namespace dsv3::runtime::cuda
