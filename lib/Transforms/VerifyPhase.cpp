//===- VerifyPhase.cpp - what must not be left after a phase --------------===//
//
// So that nobody reads a bare "failed to legalize": leftovers are listed by op,
// count and the functions they are in. Sizes that no entry knows are refused too.
//
//===----------------------------------------------------------------------===//
#include "EntrySizes.h"
#include "dsv3/Transforms/Phases.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_VERIFYPHASE
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// Ops of a function that compute nothing themselves.
bool isGlue(Operation *op) {
  return isa<graph::WeightOp, graph::CallLayerOp, graph::ObserveOp, kern::EmptyOp, kern::LaunchOp,
             func::ReturnOp>(op);
}

struct VerifyPhase : impl::VerifyPhaseBase<VerifyPhase> {
  using VerifyPhaseBase::VerifyPhaseBase;

  Phase border = Phase::Import; ///< the phase that has ended

  bool mayStay(Operation *op) {
    if (isa<func::FuncOp, graph::ParameterOp>(op)) {
      return true;
    }
    auto definition = op->getParentOfType<kern::DefOp>();
    if (border <= Phase::Sharded) {
      return op->getName().getDialectNamespace() == "dsv3" || isa<func::ReturnOp>(op);
    }
    if (auto kernel = dyn_cast<kern::DefOp>(op)) {
      return border == Phase::Fused ||
             (kernel.getCore() && (border == Phase::Kernels || kernel.getConfigsAttr()));
    }
    if (!definition) {
      return isGlue(op);
    }
    bool isGraphOp = op->getName().getDialectNamespace() == "dsv3";
    return border == Phase::Fused ? isGraphOp || isa<kern::YieldOp>(op) : !isGraphOp;
  }

  /// That functions and kernels have no sizes but those that their entry has maxima for,
  /// once there are entries.
  LogicalResult checkSizes() {
    for (Operation &op : *getOperation().getBody()) {
      ArrayAttr sizes;
      if (auto function = dyn_cast<func::FuncOp>(op)) {
        sizes = entrySizes(function);
      } else if (auto definition = dyn_cast<kern::DefOp>(op)) {
        sizes = definition.getMaximaAttr();
      }
      if (!sizes || sizes.empty()) {
        continue;
      }
      WalkResult walked = op.walk<WalkOrder::PreOrder>(
          [&](Operation *inner) { return WalkResult(checkSizesKnown(inner, sizes)); });
      if (walked.wasInterrupted()) {
        return failure();
      }
    }
    return success();
  }

  void runOnOperation() override {
    std::optional<Phase> known = phaseFromName(phase);
    if (!known || *known > Phase::Configured) {
      getOperation().emitError("no border after phase '")
          << phase.getValue() << "'; there is one after " << phaseList(Phase::Configured);
      return signalPassFailure();
    }
    border = *known;
    if (failed(checkSizes()) || failed(checkLeftovers())) {
      signalPassFailure();
    }
  }

  /// That only ops are left that the phase leaves.
  LogicalResult checkLeftovers() {
    struct Leftover {
      int64_t count = 0;
      llvm::SetVector<StringRef> places;
    };
    llvm::MapVector<StringRef, Leftover> leftovers;
    getOperation().walk([&](Operation *op) {
      if (op == getOperation() || mayStay(op)) {
        return;
      }
      Leftover &entry = leftovers[op->getName().getStringRef()];
      ++entry.count;
      Operation *place = op;
      while (place->getParentOp() != getOperation()) {
        place = place->getParentOp();
      }
      if (auto symbol = dyn_cast<SymbolOpInterface>(place)) {
        entry.places.insert(symbol.getName());
      }
    });
    if (leftovers.empty()) {
      return success();
    }
    InFlightDiagnostic diagnostic = getOperation().emitError("after phase '")
                                    << phase.getValue() << "' these ops are left:";
    for (auto &[op, entry] : leftovers) {
      diagnostic << "\n  " << entry.count << " × " << op << " in";
      for (StringRef place : entry.places) {
        diagnostic << " @" << place;
      }
    }
    return failure();
  }
};
} // namespace
} // namespace dsv3
