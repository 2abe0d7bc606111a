//===- Session.h - prompts on the reference interpreter ---------*- C++ -*-===//
//
// Feeds a prompt to the entries of a module in chunks, the way that the runtime's
// session does, and collects what score and generate want.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Reference/Interpreter.h"

#include <map>
#include <string>
#include <vector>

namespace dsv3::interpret {

/// What a prompt gave: tensors by the names of `score --output`.
using Scores = std::map<std::string, reference::Tensor>;

class Session {
public:
  Session(mlir::ModuleOp module, reference::Interpreter &machine, int64_t chunk)
      : module(module), machine(machine), chunk(chunk) {}

  /// Appends tokens, all of whose rows give output. Adds to `scores` logits, hidden and
  /// router.L.*, for rows [position, position + tokens).
  mlir::LogicalResult score(llvm::ArrayRef<int64_t> ids, Scores &scores);
  /// Runs the MTP module over the tokens scored before: `mtp_logits`.
  mlir::LogicalResult scoreMtp(llvm::ArrayRef<int64_t> ids, Scores &scores);
  /// Appends tokens; the logits of the last row.
  mlir::FailureOr<std::vector<double>> advance(llvm::ArrayRef<int64_t> ids);

private:
  /// The first entry of the role that admits `tokens`, and the most it takes.
  mlir::FailureOr<std::pair<std::string, int64_t>> entryFor(llvm::StringRef role, int64_t tokens);
  mlir::FailureOr<std::map<std::string, reference::Tensor>>
  step(llvm::ArrayRef<int64_t> ids, bool allRows, const reference::Observer &observer);

  mlir::ModuleOp module;
  reference::Interpreter &machine;
  int64_t chunk;
  int64_t position = 0;
};

} // namespace dsv3::interpret
