//===- SimExecutable.cpp - a program as launches, simulated ---------------===//

#include "runtime/drivers/sim/SimExecutable.h"

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/hal/KernelFailure.h"

#include <algorithm>
#include <chrono>
#include <limits>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

SimExecutable::SimExecutable(Grid &grid, Predictor *predictor, int64_t multiprocessors,
                             const Program &program, std::span<const SimKernel> kernels)
    : grid(grid), predictor(predictor), multiprocessors(multiprocessors), program(program),
      kernels(kernels), tiles(kernels.size()), grids(kernels.size()) {
  for (const ProgramKernel &kernel : program.kernels) {
    sizesOf.emplace_back(kernel.sizes.size());
  }
}

Status SimExecutable::addSteps() {
  uint32_t launches = 0;
  for (size_t i = 0; i < program.commands.size(); ++i) {
    const Command &command = program.commands[i];
    size_t end =
        i + 1 < program.commands.size() ? program.commands[i + 1].firstArg : program.args.size();
    Step &step = steps.emplace_back();
    step.layer = command.layer;
    if (command.kind == Command::Kind::Observe) {
      step.observation = command.target;
      step.observed = program.args[command.firstArg];
      continue;
    }
    step.number = size_t(command.target);
    step.kernel = &kernels[step.number];
    step.launch = launches++;
    for (size_t arg = command.firstArg; arg < end; ++arg) {
      step.parameters.push_back(static_cast<void *>(&program.args[arg]));
    }
    for (int64_t &size : sizesOf[step.number]) {
      step.parameters.push_back(&size);
    }
    size_t more = 2 + step.kernel->mapped.size(); // failure mark, number, tensor maps
    if (step.parameters.size() + more != size_t(step.kernel->entry->parameters)) {
      return Failure{"expected a launch with " + std::to_string(step.kernel->entry->parameters) +
                         " parameters, found " + std::to_string(step.parameters.size() + more),
                     whereOf(step), "compile the model again"};
    }
    Status checked = plan::checkMatrices(step.kernel->mapped, end - command.firstArg,
                                         sizesOf[step.number].size(), whereOf(step));
    if (!checked) {
      return checked;
    }
    for (const plan::MappedMatrix &matrix : step.kernel->mapped) {
      step.tensorMaps.push_back({program.args[command.firstArg + size_t(matrix.argument)], 0,
                                 matrix.rowBytes, int(matrix.boxRows)});
    }
  }
  for (Step &step : steps) { // whose places are final now
    if (step.kernel) {
      step.parameters.push_back(static_cast<void *>(&markPlace));
      step.parameters.push_back(&step.launch);
      for (dsv3::sim::TensorMap &map : step.tensorMaps) {
        step.parameters.push_back(&map);
      }
    }
  }
  return {};
}

Expected<std::unique_ptr<SimExecutable>> SimExecutable::create(Grid &grid, Predictor *predictor,
                                                               int64_t multiprocessors,
                                                               const Program &program,
                                                               std::span<const SimKernel> kernels) {
  if (kernels.size() != program.kernels.size()) {
    return Failure{"expected an object with " + std::to_string(program.kernels.size()) +
                       " kernels, found " + std::to_string(kernels.size()),
                   "entry '" + program.name + "'"};
  }
  std::unique_ptr<SimExecutable> executable(
      new SimExecutable(grid, predictor, multiprocessors, program, kernels));
  if (Status added = executable->addSteps(); !added) {
    return added;
  }
  return executable;
}

std::string SimExecutable::whereOf(const Step &step) const {
  return "entry '" + program.name + "'" +
         (step.layer < 0 ? "" : ", layer " + std::to_string(step.layer)) + ", kernel '" +
         step.kernel->symbol + "'";
}

Status SimExecutable::begin(std::span<const int64_t> sizes) {
  if (sizes.size() != size_t(program.sizeCount)) {
    return Failure{"expected " + std::to_string(program.sizeCount) + " sizes for a step, found " +
                       std::to_string(sizes.size()),
                   "entry '" + program.name + "'"};
  }
  for (size_t i = 0; i < kernels.size(); ++i) {
    const ProgramKernel &kernel = program.kernels[i];
    for (size_t j = 0; j < kernel.sizes.size(); ++j) {
      sizesOf[i][j] = sizes[size_t(kernel.sizes[j])];
    }
    tiles[i] = kernel.tiles.evaluate(sizesOf[i].data());
    if (tiles[i] < 0 || tiles[i] > std::numeric_limits<int32_t>::max()) {
      return Failure{"expected a number of tiles below 2^31, found " + std::to_string(tiles[i]),
                     "entry '" + program.name + "', kernel '" + kernel.symbol + "'"};
    }
    grids[i] = kernels[i].grid.of(tiles[i], multiprocessors);
  }
  for (Step &step : steps) {
    for (size_t i = 0; i < step.tensorMaps.size(); ++i) {
      step.tensorMaps[i].rows = step.kernel->mapped[i].rowsOf(sizesOf[step.number]);
    }
  }
  mark = plan::noFailure;
  grid.beginStep();
  return {};
}

BlockWork SimExecutable::workOf(const Step &step, const SimKernel &kernel) const {
  BlockWork work;
  work.entry = kernel.entry;
  work.parameters = step.parameters.data();
  work.threads = kernel.threads;
  work.registers = step.kernel->registers;
  work.sharedBytes = size_t(program.kernels[step.number].scratchBytes);
  work.grid = grids[step.number];
  work.tiles = tiles[step.number];
  work.dependent = kernel.dependent;
  return work;
}

Status SimExecutable::launch(const Step &step) {
  Expected<std::optional<BlockFailure>> ran =
      grid.run(workOf(step, *step.kernel), step.kernel->symbol, step.launch);
  if (!ran) {
    return Failure{ran.failure().what, whereOf(step)};
  }
  return *ran ? describe(step, *step.kernel, **ran) : Status();
}

/// `kernel`, whose code failed, is that of the step.
Status SimExecutable::describe(const Step &step, const SimKernel &kernel,
                               const BlockFailure &failed) const {
  std::string line = kernel.lineOf(failed.site);
  return Failure{failed.what,
                 whereOf(step) + ", block " + std::to_string(failed.block) + ", thread " +
                     std::to_string(failed.thread) + (line.empty() ? "" : ", at " + line),
                 "this is a mistake of the kernel; please report it"};
}

Status SimExecutable::stepFailure() const {
  if (mark == plan::noFailure) {
    return {};
  }
  auto failed = std::ranges::find_if(steps, [&](const Step &step) {
    return step.kernel && step.launch == plan::failedLaunch(mark);
  });
  if (failed == steps.end()) {
    return Failure{"the mark of failures names launch " + std::to_string(plan::failedLaunch(mark)),
                   "entry '" + program.name + "'", "compile the model again"};
  }
  return kernelFailure(plan::failureCode(mark), whereOf(*failed));
}

Status SimExecutable::run(std::span<const int64_t> sizes, ObservationSink *sink) {
  Status status = begin(sizes);
  for (size_t i = 0; i < steps.size() && status; ++i) {
    const Step &step = steps[i];
    if (step.kernel) {
      status = launch(step);
    } else if (sink) {
      // Of a step that failed there is nothing to see.
      status = stepFailure();
      if (status) {
        sink->observed(step.observation, step.layer, step.observed);
      }
    }
  }
  return status ? stepFailure() : status;
}

Status SimExecutable::measure(const Step &step, LaunchProfile &times) {
  using Clock = std::chrono::steady_clock;
  Status status;
  for (int repeat = 0; repeat <= times.repeats && status; ++repeat) {
    Clock::time_point start = Clock::now();
    status = launch(step);
    double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (repeat == 0) {
      times.first.push_back(seconds);
    } else if (repeat == 1) {
      times.again.push_back(seconds);
    } else {
      times.again.back() = std::min(times.again.back(), seconds);
    }
  }
  return status;
}

Status SimExecutable::predict(const Step &step, LaunchProfile &times) {
  const SimKernel &observed = *step.kernel->observed;
  LaunchPrediction prediction;
  LaunchUse use = times.uses.empty() ? LaunchUse::Results : times.uses[step.number];
  if (use == LaunchUse::Nothing) {
    times.first.push_back(0);
    times.again.push_back(0);
    times.predictions.push_back(std::move(prediction));
    return {};
  }
  Expected<std::optional<BlockFailure>> ran =
      predictor->predict(workOf(step, observed), observed.code, prediction);
  if (!ran) {
    return Failure{ran.failure().what, whereOf(step)};
  }
  if (*ran) {
    return describe(step, observed, **ran);
  }
  times.first.push_back(prediction.seconds);
  times.again.push_back(prediction.seconds);
  bool whole = prediction.observedBlocks == prediction.blocks;
  times.predictions.push_back(std::move(prediction));
  // Later launches need what all blocks give.
  return whole || use == LaunchUse::Time ? Status() : launch(step);
}

Status SimExecutable::profile(std::span<const int64_t> sizes, LaunchProfile &times) {
  times.first.clear();
  times.again.clear();
  times.predictions.clear();
  if (!times.uses.empty() && times.uses.size() != kernels.size()) {
    return Failure{"expected a use of each of " + std::to_string(kernels.size()) +
                       " kernels, found " + std::to_string(times.uses.size()),
                   "entry '" + program.name + "'"};
  }
  Status status = begin(sizes);
  if (predictor) {
    times.predictedFor = predictor->chip().name;
    predictor->beginStep();
  }
  for (size_t i = 0; i < steps.size() && status; ++i) {
    if (steps[i].kernel) {
      status = predictor ? predict(steps[i], times) : measure(steps[i], times);
    }
  }
  return status ? stepFailure() : status;
}
