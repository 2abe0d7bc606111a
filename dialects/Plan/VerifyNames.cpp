//===- VerifyNames.cpp - what is used is declared -------------------------===//
//
// The verifier of a plan.module's contents: what one op says about another. It walks
// the module once, with tables of the names.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dsv3::planir;

namespace {

/// The names of a module.
class NameChecker {
public:
  explicit NameChecker(PlanOp plan) : plan(plan) {}

  LogicalResult check() {
    if (failed(declare())) {
      return failure();
    }
    for (Operation &op : plan.getBody().front()) {
      LogicalResult result = llvm::TypeSwitch<Operation *, LogicalResult>(&op)
                                 .Case<ParameterOp, KernelOp, EntryOp>(
                                     [&](auto declared) { return checkOp(declared); })
                                 .Default(success());
      if (failed(result)) {
        return failure();
      }
    }
    return success();
  }

private:
  PlanOp plan;
  int64_t variants = 0;
  llvm::SmallDenseSet<Attribute> sizes;
  llvm::DenseMap<Attribute, ParameterOp> parameters;
  llvm::SmallDenseSet<Attribute> kernels;

  LogicalResult declare() {
    for (Attribute size : plan.getSizes()) {
      if (!sizes.insert(size).second) {
        return plan.emitOpError() << "declares size " << size << " twice";
      }
    }
    int64_t caches = 0;
    for (Operation &op : plan.getBody().front()) {
      if (isa<VariantOp>(op)) {
        ++variants;
      } else if (isa<CacheOp>(op)) {
        ++caches;
      } else if (auto parameter = dyn_cast<ParameterOp>(op)) {
        parameters[parameter.getSymNameAttr()] = parameter;
      } else if (auto kernel = dyn_cast<KernelOp>(op)) {
        kernels.insert(kernel.getSymNameAttr());
      } else if (!isa<EntryOp>(op)) {
        return op.emitOpError("within a plan.module; hint: it holds variants, a cache, "
                              "parameters, kernels and entries");
      }
    }
    if (caches != 1 || variants < 1) {
      return plan.emitOpError() << "expected one plan.cache and at least one plan.variant, found "
                                << caches << " and " << variants;
    }
    return success();
  }

  LogicalResult checkCount(Operation *op, StringRef what, size_t count) {
    if (int64_t(count) != variants) {
      return op->emitOpError() << "has " << count << ' ' << what << ", the plan " << variants
                               << " variants; hint: one for each, in their order";
    }
    return success();
  }

  LogicalResult checkSize(Operation *op, StringAttr size) {
    if (!sizes.contains(size)) {
      return op->emitOpError() << "uses size " << size << ", the plan's are " << plan.getSizes()
                               << "; hint: add it to the `sizes` of plan.module";
    }
    return success();
  }

  LogicalResult checkOp(ParameterOp parameter) {
    return checkCount(parameter, "layouts", parameter.getLayouts().size());
  }

  LogicalResult checkOp(KernelOp kernel) {
    for (auto size : kernel.getSizes().getAsRange<StringAttr>()) {
      if (failed(checkSize(kernel, size))) {
        return failure();
      }
    }
    return checkCount(kernel, "tiles", kernel.getTiles().size());
  }

  LogicalResult checkOp(EntryOp entry) {
    if (entry.getMaxima().size() != sizes.size()) {
      return entry.emitOpError() << "has maxima for " << entry.getMaxima().size()
                                 << " sizes, the plan has " << sizes.size()
                                 << "; hint: bound each of " << plan.getSizes();
    }
    for (NamedAttribute maximum : entry.getMaxima()) {
      if (failed(checkSize(entry, maximum.getName()))) {
        return failure();
      }
    }
    for (ArrayAttr ports : {entry.getInputs(), entry.getOutputs(), entry.getObservations()}) {
      for (auto port : ports.getAsRange<PortAttr>()) {
        if (failed(checkSize(entry, port.getSize()))) {
          return failure();
        }
      }
    }
    llvm::SmallDenseSet<Attribute> bodies;
    for (auto body : entry.getBody().getOps<BodyOp>()) {
      bodies.insert(body.getNameAttr());
    }
    WalkResult walked =
        entry.walk([&](Operation *op) { return WalkResult(checkInstruction(entry, bodies, op)); });
    return failure(walked.wasInterrupted());
  }

  LogicalResult checkInstruction(EntryOp entry, const llvm::SmallDenseSet<Attribute> &bodies,
                                 Operation *op) {
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (!kernels.contains(launch.getKernelAttr().getAttr())) {
        return op->emitOpError() << "runs " << launch.getKernelAttr()
                                 << ", which is no plan.kernel of the module";
      }
      return checkArgs(entry, op, launch.getArgs());
    }
    if (auto call = dyn_cast<CallOp>(op)) {
      if (!bodies.contains(call.getBodyAttr())) {
        return op->emitOpError() << "calls " << call.getBodyAttr()
                                 << ", which is no plan.body of the entry";
      }
      return checkArgs(entry, op, call.getArgs());
    }
    if (auto observe = dyn_cast<ObserveOp>(op)) {
      if (!hasPort(entry.getObservations(), observe.getObservationAttr())) {
        return op->emitOpError() << "shows " << observe.getObservationAttr()
                                 << ", which is no observation of the entry; it has "
                                 << entry.getObservations();
      }
      return checkArgs(entry, op, observe.getArgs());
    }
    return success();
  }

  static bool hasPort(ArrayAttr ports, Attribute name) {
    return llvm::any_of(ports.getAsRange<PortAttr>(),
                        [&](PortAttr port) { return port.getName() == name; });
  }

  LogicalResult checkArgs(EntryOp entry, Operation *op, ArrayAttr args) {
    for (auto arg : args.getAsRange<ArgAttr>()) {
      if (failed(checkArg(entry, op, arg))) {
        return failure();
      }
    }
    return success();
  }

  LogicalResult checkArg(EntryOp entry, Operation *op, ArgAttr arg) {
    switch (arg.getKind()) {
    case ArgKind::Arena:
      if (arg.getNumber() >= int64_t(entry.getArena())) {
        return op->emitOpError() << "uses byte " << arg.getNumber() << " of an arena of "
                                 << entry.getArena() << " bytes";
      }
      return success();
    case ArgKind::Input:
    case ArgKind::Output: {
      bool input = arg.getKind() == ArgKind::Input;
      ArrayAttr ports = input ? entry.getInputs() : entry.getOutputs();
      if (!hasPort(ports, arg.getName())) {
        return op->emitOpError() << "uses " << (input ? "input " : "output ") << arg.getName()
                                 << ", the entry's are " << ports;
      }
      return success();
    }
    case ArgKind::Parameter:
    case ArgKind::Scales: {
      auto parameter = parameters.find(cast<FlatSymbolRefAttr>(arg.getName()).getAttr());
      if (parameter == parameters.end()) {
        return op->emitOpError() << "uses " << arg.getName()
                                 << ", which is no plan.parameter of the module";
      }
      if (arg.getKind() == ArgKind::Scales && !parameter->second.getScales()) {
        return op->emitOpError() << "uses the scales of " << arg.getName()
                                 << ", which has none; hint: `scales [rows, columns]`";
      }
      return success();
    }
    case ArgKind::Formal:
      if (isa<EntryOp>(op->getParentOp())) {
        return op->emitOpError() << "uses formal(" << arg.getNumber()
                                 << ") outside of a body; hint: an entry has inputs and outputs";
      }
      return success();
    case ArgKind::Cache:
    case ArgKind::PageTable:
      return success();
    }
    return success();
  }
};

} // namespace

LogicalResult PlanOp::verifyRegions() { return NameChecker(*this).check(); }
