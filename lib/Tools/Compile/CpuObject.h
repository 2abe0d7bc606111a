//===- CpuObject.h - kernels for CPUs in a bundle ---------------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "dsv3/Target/Cpu.h"

#include "mlir/IR/BuiltinOps.h"

#include <filesystem>
#include <future>
#include <memory>
#include <string>

namespace dsv3::compile {

/// The kernels of a variant for CPUs while a thread of their own compiles them; there are four
/// variants at most. Where no thread is to be had, wait() compiles. Waits at its end.
class CpuObject {
public:
  /// `variant` outlives it. What kernels become on the way goes to the folder `dump`, unless that
  /// is empty.
  static Expected<CpuObject> start(mlir::ModuleOp module, plan::Variant &variant,
                                   const std::string &dump);
  /// Returns when they are compiled.
  void wait() { bytes.wait(); }
  /// Links them into `directory`, once. Fails if they could not be compiled.
  Status finish(const std::filesystem::path &directory);

private:
  CpuObject(plan::Variant &variant, std::string dump) : variant(&variant), dump(std::move(dump)) {}
  Status dumpAs(const char *ending, llvm::StringRef code) const;

  plan::Variant *variant;
  std::string dump;
  std::unique_ptr<cpu::CodeText> text;      ///< which the thread fills, if there is a dump
  std::future<Expected<std::string>> bytes; ///< waits for the thread before the text goes
};

} // namespace dsv3::compile
