//===- SetPrecision.cpp - the precision policy, written into the module ---===//
//
// Runs before everything else of phase graph, so that every execution of the module
// means the same numbers. Under f32 the module is as imported; this pass checks that.
//
//===----------------------------------------------------------------------===//
#include "Common.h"
#include "dsv3/Transforms/Precision.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_SETPRECISION
#include "dsv3/Transforms/Passes.h.inc"

Status checkPolicy(const std::string &policy) {
  return policy == "f32" ? Status()
                         : Failure{"expected the precision policy f32, found '" + policy + "'", "",
                                   "leave --policy out: there is code for f32 alone"};
}

namespace {
struct SetPrecision : impl::SetPrecisionBase<SetPrecision> {
  using SetPrecisionBase::SetPrecisionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (Status known = checkPolicy(policy); !known) {
      module.emitError(known.failure().what) << "; hint: " << known.failure().hint;
      return signalPassFailure();
    }
    module->setAttr(graph::policyAttrName, StringAttr::get(&getContext(), policy.getValue()));
    for (auto function : module.getOps<func::FuncOp>()) {
      for (Type type : function.getArgumentTypes()) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        auto cache = dyn_cast<graph::CacheType>(type);
        Type element = tensor ? tensor.getElementType() : cache ? cache.getElementType() : Type();
        if (isa_and_present<FloatType>(element) && !element.isF32()) {
          function.emitError("policy f32 expects f32 activations and cache, found ")
              << type << "; import the model again";
          return signalPassFailure();
        }
      }
    }
    remark::analysis(module.getLoc(), remarkOptions("set-precision", module))
        << "policy f32: activations and cache f32, weights as stored";
  }
};
} // namespace
} // namespace dsv3
