//===- SimExecutable.h - a program as launches, simulated -------*- C++ -*-===//
//
// Launches run one after the other, as on a stream. What they are given is laid out when
// the program is prepared.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Grid.h"
#include "runtime/drivers/sim/SimObject.h"
#include "runtime/drivers/sim/predict/Predictor.h"
#include "runtime/hal/Device.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::sim {

class SimExecutable final : public Executable {
public:
  /// `grid`, `predictor`, which may be null, and `kernels` outlive it.
  static Expected<std::unique_ptr<SimExecutable>> create(Grid &grid, Predictor *predictor,
                                                         int64_t multiprocessors,
                                                         const Program &program,
                                                         std::span<const SimKernel> kernels);

  Status run(std::span<const int64_t> sizes, ObservationSink *sink);
  Status profile(std::span<const int64_t> sizes, LaunchProfile &times);

private:
  /// A launch, or where `kernel` is null an observation.
  struct Step {
    const SimKernel *kernel = nullptr;
    size_t number = 0; ///< of the kernel in the program
    int64_t layer = -1;
    uint32_t launch = 0;            ///< its number within the step, as kernels report it
    std::vector<void *> parameters; ///< their places
    std::vector<dsv3::sim::TensorMap> tensorMaps;
    int32_t observation = 0;
    Address observed = nullptr;
  };

  SimExecutable(Grid &grid, Predictor *predictor, int64_t multiprocessors, const Program &program,
                std::span<const SimKernel> kernels);
  Status addSteps();
  Status begin(std::span<const int64_t> sizes);
  BlockWork workOf(const Step &step, const SimKernel &kernel) const;
  Status launch(const Step &step);
  Status describe(const Step &step, const SimKernel &kernel, const BlockFailure &failed) const;
  Status measure(const Step &step, LaunchProfile &times);
  Status predict(const Step &step, LaunchProfile &times);
  Status stepFailure() const;
  std::string whereOf(const Step &step) const;

  Grid &grid;
  Predictor *predictor;
  int64_t multiprocessors;
  Program program; ///< a copy: arguments are passed by their places in it
  std::span<const SimKernel> kernels;
  std::vector<Step> steps;
  std::vector<std::vector<int64_t>> sizesOf; ///< of each kernel in the step
  std::vector<int64_t> tiles;                ///< likewise
  std::vector<plan::LaunchGrid> grids;       ///< likewise
  uint64_t mark = 0;                         ///< of failures
  uint64_t *markPlace = &mark;
};

} // namespace dsv3::runtime::sim
