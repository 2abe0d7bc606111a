//===- NarrowActivations.cpp - rows of products in fewer bits -------------===//
//
// Runs after the policy is written, on policy f32: what it narrows is the rows that products
// read, each to what the product's weights can be multiplied with by instructions for dot
// products. What products give, and all between them, stays f32.
//
//===----------------------------------------------------------------------===//
#include "Common.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Choices.h"
#include "dsv3/Support/WeightEncoding.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_NARROWACTIVATIONS
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct NarrowActivations : impl::NarrowActivationsBase<NarrowActivations> {
  using NarrowActivationsBase::NarrowActivationsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    std::optional<DType> known = plan::activationsFromName(activations);
    if (!known) {
      module.emitError("activations: ") << refuseOther(plan::activationNames, activations)
                                        << "; hint: f32 is the default, and exact";
      return signalPassFailure();
    }
    wanted = *known;
    module->setAttr(graph::activationsAttrName,
                    StringAttr::get(&getContext(), activations.getValue()));
    if (wanted == DType::F32) {
      return;
    }
    auto policy = module->getAttrOfType<StringAttr>(graph::policyAttrName);
    if (!policy || policy != "f32") {
      module.emitError("expected precision policy f32 before activations are narrowed, found ")
          << (policy ? policy.getValue() : "none") << "; hint: run dsv3-set-precision first";
      return signalPassFailure();
    }
    int64_t narrowed = 0;
    module.walk([&](Operation *op) {
      if (auto linear = dyn_cast<graph::LinearOp>(op)) {
        bool routes = llvm::any_of(op->getUsers(), llvm::IsaPred<graph::RouterOp>);
        narrowed += !routes && narrow(linear);
      } else if (auto linear = dyn_cast<graph::GroupedLinearOp>(op)) {
        narrowed += narrow(linear);
      }
    });
    if (narrowed == 0) {
      module.emitError("expected products with weights of ")
          << (wanted == DType::I8 ? "i8 or i4" : "bf16") << " for " << activations
          << " activations, found none; hint: encode them, with --weights="
          << (wanted == DType::I8 ? "int8" : "bf16");
      return signalPassFailure();
    }
  }

  /// Whether the rows of `op` are narrower now.
  template <typename OpT>
  bool narrow(OpT op) {
    Type weight = cast<RankedTensorType>(op.getWeight().getType()).getElementType();
    std::optional<DType> codes = graph::codesOf(weight);
    bool suits = wanted == DType::I8 ? codes && isScaledAlongRows(*codes) : weight.isBF16();
    remark::RemarkOpts options = remarkOptions("narrow-activations", op);
    if (!suits) {
      remark::missed(op.getLoc(), options) << sentence(
          "rows stay f32: there is no product of {0} and {1}", activations.getValue(), weight);
      return false;
    }
    if (wanted == DType::I8) {
      graph::QuantiseOp rows = quantised(op.getX(), (*op.getBlock())[1]);
      op.getXMutable().assign(rows.getCodes());
      op.getXScalesMutable().assign(rows.getScales());
    } else {
      op.getXMutable().assign(rounded(op.getX()));
    }
    remark::passed(op.getLoc(), options)
        << sentence("rows of {0} before the product with {1}", activations.getValue(), weight);
    return true;
  }

  /// The codes and scales of `x`, made once.
  graph::QuantiseOp quantised(Value x, int64_t group) {
    graph::QuantiseOp &known = codes[x];
    if (!known) {
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfterValue(x);
      auto type = cast<RankedTensorType>(x.getType());
      SmallVector<graph::Extent> scales = graph::extentsOf(type);
      scales.back() = static_cast<int64_t>(llvm::divideCeil(type.getShape().back(), group));
      known = graph::QuantiseOp::create(builder, x.getLoc(),
                                        TypeRange{withElement(type, builder.getI8Type()),
                                                  graph::tensorOf(scales, builder.getF32Type())},
                                        x, builder.getI64IntegerAttr(group), UnitAttr());
    }
    return known;
  }

  /// `x` rounded to bf16, once.
  Value rounded(Value x) {
    Value &known = casts[x];
    if (!known) {
      OpBuilder builder(&getContext());
      builder.setInsertionPointAfterValue(x);
      known = graph::CastOp::create(
          builder, x.getLoc(),
          withElement(cast<RankedTensorType>(x.getType()), builder.getBF16Type()), x);
    }
    return known;
  }

  static RankedTensorType withElement(RankedTensorType type, Type element) {
    return RankedTensorType::get(type.getShape(), element, type.getEncoding());
  }

  DType wanted = DType::F32;
  llvm::DenseMap<Value, graph::QuantiseOp> codes;
  llvm::DenseMap<Value, Value> casts;
};
} // namespace
} // namespace dsv3
