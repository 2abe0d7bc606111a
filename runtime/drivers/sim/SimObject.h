//===- SimObject.h - kernels on the simulated GPU ---------------*- C++ -*-===//
//
// From a variant's file of kernel texts (dsv3/Plan/GpuKernel.h) to functions of the host.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/base/MemoryFile.h"
#include "runtime/drivers/sim/SimDevice.h"
#include "runtime/drivers/sim/check/Checker.h"
#include "runtime/hal/Device.h"
#include "runtime/kernels/sim/entry.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::sim {

struct SimKernel {
  std::string symbol;
  size_t threads = 0;     ///< of a block
  int64_t registers = 0;  ///< of a thread on the chip whose times are predicted; 0: not known
  plan::GridShape grid;   ///< blocks
  bool dependent = false; ///< may begin before earlier launches have ended
  std::vector<plan::MappedMatrix> mapped; ///< whose tensor maps it gets behind its other parameters
  const dsv3::sim::Entry *entry = nullptr;
  std::unique_ptr<void, int (*)(void *)> library{nullptr, nullptr};
  std::unique_ptr<MemoryFile> file; ///< the shared object
  /// Where it lies, constants included.
  std::span<const std::byte> code;
  /// The same kernel, which tells of its loads and stores. Null unless times are to be predicted.
  std::unique_ptr<SimKernel> observed;

  /// Where places in the code come from: "kernel.cu:12", or "family/gemm.cuh:30, from
  /// kernel.cu:12". Empty where that is not known.
  std::vector<std::string> linesOf(std::span<const void *const> places) const;
  std::string lineOf(const void *place) const { return linesOf({&place, 1})[0]; }
};

/// Unloads its kernels when destroyed.
class SimObject final : public Object {
public:
  /// Fails if the file cannot be read, is not the one of the checksum, lacks a symbol, or its
  /// kernels cannot be compiled. `checker`, which may be null, outlives it.
  static Expected<std::unique_ptr<SimObject>> open(const ObjectFile &file,
                                                   std::span<const std::string> symbols,
                                                   const SimOptions &options, Checker *checker);
  ~SimObject() override;

  /// In the order of the symbols.
  std::span<const SimKernel> kernels() const { return loaded; }
  std::vector<SimCounts> counts() const;

private:
  SimObject(Checker *checker, std::function<void(const std::string &)> say)
      : checker(checker), say(std::move(say)) {}

  Checker *checker;
  std::function<void(const std::string &)> say;
  std::vector<SimKernel> loaded;
};

} // namespace dsv3::runtime::sim
