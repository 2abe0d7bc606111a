//===- OpsProgram.cpp - what a plan does ----------------------------------===//
//
// Verifiers of the ops of OpsProgram.td, each of which looks at one op and what is
// in it.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace dsv3::planir;

LogicalResult EntryOp::verify() {
  auto low = int64_t(getMinTokens()), high = int64_t(getMaxTokens());
  if (low < 1 || high < low) {
    return emitOpError() << "expected a range of tokens from 1 on, found " << low << " to " << high;
  }
  if (int64_t(getArena()) < 0) {
    return emitOpError() << "expected an arena of 0 bytes or more, found " << int64_t(getArena());
  }
  for (NamedAttribute maximum : getMaxima()) {
    auto value = dyn_cast<IntegerAttr>(maximum.getValue());
    if (!value || !value.getType().isInteger(64) || value.getInt() < 1) {
      return emitOpError() << "expected positive maxima of type i64, found " << maximum.getName()
                           << " = " << maximum.getValue();
    }
  }
  for (ArrayAttr ports : {getInputs(), getOutputs(), getObservations()}) {
    llvm::SmallDenseSet<Attribute> names;
    for (auto port : ports.getAsRange<PortAttr>()) {
      if (!names.insert(port.getName()).second) {
        return emitOpError() << "has two ports " << port.getName()
                             << "; hint: give one of them another name";
      }
    }
  }
  return success();
}

LogicalResult EntryOp::verifyRegions() {
  llvm::SmallDenseSet<Attribute> names;
  for (Operation &op : getBody().front()) {
    if (auto body = dyn_cast<BodyOp>(op)) {
      if (!names.insert(body.getNameAttr()).second) {
        return body.emitOpError() << "is called " << body.getNameAttr()
                                  << " like another; hint: calls go by name";
      }
    } else if (!isa<LaunchOp, CallOp, ObserveOp>(op)) {
      return op.emitOpError("within an entry; hint: it holds bodies, launches, calls and "
                            "observations");
    }
  }
  return success();
}

LogicalResult BodyOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    if (!isa<LaunchOp, ObserveOp>(op)) {
      return op.emitOpError("within a body; hint: it holds launches and observations, and an "
                            "entry calls bodies");
    }
    if (auto layer = op.getAttrOfType<IntegerAttr>("layer")) {
      return op.emitOpError() << "names layer " << layer.getInt()
                              << " within a body; hint: the call names it";
    }
  }
  return success();
}

LogicalResult ObserveOp::verify() {
  if (getArgs().size() != 1) {
    return emitOpError() << "expected one value, found " << getArgs().size();
  }
  return success();
}
