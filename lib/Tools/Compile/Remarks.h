//===- Remarks.h - what the passes decided, and why -------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include "mlir/IR/MLIRContext.h"

#include <string>

namespace dsv3::compile {

/// Where remarks go.
struct RemarkFlags {
  std::string lines; ///< regular expression; empty: no lines
  std::string file;  ///< empty: no file
};

/// The remarks of all passes that run in a context. Outlives the context.
class Remarks {
public:
  explicit Remarks(RemarkFlags flags) : flags(std::move(flags)) {}
  Remarks(const Remarks &) = delete;
  Remarks &operator=(const Remarks &) = delete;

  /// From now on every remark whose line matches is a line of stderr,
  ///
  ///     @decode.moe: lower-rope-append: passed: norm of the latent, … in one launch
  ///
  /// and every remark at all is kept for the file. Nothing, where the flags ask for nothing.
  Status collect(mlir::MLIRContext &context);
  /// Writes the file, as YAML that LLVM's tools for remarks read.
  Status write() const;

private:
  RemarkFlags flags;
  std::string yaml;
};

} // namespace dsv3::compile
