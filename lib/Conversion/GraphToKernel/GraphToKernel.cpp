//===- GraphToKernel.cpp - every kern.def as one core op ------------------===//
//
// Finds in a definition the dsv3 op that decides its family; everything else in it
// is a view before it or scalar work around it.
//
//===----------------------------------------------------------------------===//
#include "CoreBuilder.h"
#include "dsv3/Conversion/Passes.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_CONVERTGRAPHTOKERNEL
#include "dsv3/Conversion/Passes.h.inc"

ValueRange CoreBuilder::yielded() {
  return definition.getBody().front().getTerminator()->getOperands();
}

LogicalResult CoreBuilder::findStage() {
  SmallVector<graph::QuantiseOp> stages(definition.getBody().getOps<graph::QuantiseOp>());
  if (stages.empty()) {
    return success();
  }
  ValueRange results = yielded();
  if (stages.size() > 1 || results.size() < 2 ||
      !llvm::equal(results.take_back(2), stages[0]->getResults())) {
    return stages.back().emitError("expected one dsv3.quantise in a kernel, its codes and scales "
                                   "being what is yielded last");
  }
  quantise = stages[0];
  return success();
}

SmallVector<Value> CoreBuilder::computed() {
  SmallVector<Value> values(yielded());
  if (quantise) {
    values.pop_back();
    values.back() = quantise.getX();
  }
  return values;
}

static bool isProduct(Operation *op) {
  return isa<graph::LinearOp, graph::LmHeadOp, graph::HeadLinearOp, graph::GroupedLinearOp>(op);
}

/// Ops that scalar regions and views express.
static bool isAround(Operation *op) {
  return isa<graph::AddOp, graph::CastOp, graph::DequantiseOp, graph::QuantiseOp, graph::RmsNormOp,
             graph::SiluMulOp, graph::RopeOp, graph::SliceOp, graph::SplitHeadsOp,
             graph::MergeHeadsOp, kern::YieldOp>(op);
}

CoreResults CoreBuilder::build() {
  if (failed(findStage())) {
    return failure();
  }
  SmallVector<Operation *> deciding;
  bool rotates = false;
  for (Operation &op : definition.getBody().front()) {
    rotates |= isa<graph::RopeOp>(op);
    if (!isAround(&op)) {
      deciding.push_back(&op);
    }
  }
  if (deciding.size() > 1 || (deciding.empty() && rotates)) {
    std::string names;
    for (Operation &op : definition.getBody().front().without_terminator()) {
      names += (names.empty() ? "" : ", ") + op.getName().getStringRef().str();
    }
    return definition.emitError("no core op computes ")
           << names << " together; make them groups of their own";
  }
  if (deciding.empty()) {
    return buildRowwise(*this);
  }
  Operation *op = deciding.front();
  if (isProduct(op)) {
    return buildProduct(*this, op);
  }
  if (quantise) {
    return quantise.emitError("no core op quantises the result of ")
           << op->getName() << "; leave it out of the group";
  }
  if (auto combine = dyn_cast<graph::CombineOp>(op)) {
    return buildCombine(*this, combine);
  }
  return buildStep(*this, op);
}

namespace {
struct ConvertGraphToKernel : impl::ConvertGraphToKernelBase<ConvertGraphToKernel> {
  void runOnOperation() override {
    for (auto definition : getOperation().getOps<kern::DefOp>()) {
      if (!definition.getCore() && failed(convert(definition))) {
        return signalPassFailure();
      }
    }
  }

  LogicalResult convert(kern::DefOp definition) {
    Block &body = definition.getBody().front();
    Operation *yield = body.getTerminator();
    SmallVector<Operation *> old;
    for (Operation &op : body.without_terminator()) {
      old.push_back(&op);
    }
    OpBuilder builder(yield);
    FailureOr<SmallVector<Value>> results = CoreBuilder(definition, builder).build();
    if (failed(results)) {
      return failure();
    }
    yield->setOperands(*results);
    for (Operation *op : llvm::reverse(old)) {
      op->erase();
    }
    definition.setFamilyAttr(builder.getStringAttr(definition.getCore()->getName().stripDialect()));
    definition.setSizesAttr(sizesOf(definition));
    return success();
  }

  /// The names of the sizes that the definition's tensors have, in order of arguments.
  ArrayAttr sizesOf(kern::DefOp definition) {
    llvm::SetVector<StringRef> names;
    for (BlockArgument argument : definition.getBody().getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      auto dims =
          type ? dyn_cast_if_present<graph::DimsAttr>(type.getEncoding()) : graph::DimsAttr();
      for (StringAttr name : dims ? dims.getNames() : ArrayRef<StringAttr>()) {
        names.insert(graph::DimsAttr::split(name).first);
      }
    }
    return Builder(&getContext()).getStrArrayAttr(names.getArrayRef());
  }
};
} // namespace
} // namespace dsv3
