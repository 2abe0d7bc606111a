//===- SetPrecision.cpp - the precision policy, written into the module ---===//
//
// The last pass of phase graph: it sees every product that there will be, and what comes
// after it only groups and moves what it wrote. So every later execution of the module means
// the same numbers. Element types of values carry most of a policy; casts, expansions of
// weights and quantised rows are ops of their own.
//
//===----------------------------------------------------------------------===//
#include "WeightReads.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Choices.h"
#include "dsv3/Transforms/Precision.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_SETPRECISION
#include "dsv3/Transforms/Passes.h.inc"

Status checkPolicy(const std::string &policy) {
  std::string unknown = refuseOther(plan::policyNames, policy);
  if (!unknown.empty()) {
    return Failure{unknown, "--policy", "f32 is the default, and exact"};
  }
  return {};
}

Status checkCacheType(const std::string &policy, const std::string &type) {
  std::string unknown = refuseOther(plan::cacheTypeNames, type);
  if (!type.empty() && !unknown.empty()) {
    return Failure{unknown, "--cache-type", "leave it out for what the policy says"};
  }
  if (!type.empty() && policy != "f32" && type != "bf16") {
    return Failure{"policy " + policy + " keeps a cache of bf16, but " + type + " was asked for",
                   "--cache-type", "leave it out, or take policy f32"};
  }
  return {};
}

namespace {

/// What `policy` keeps the cache in, unless a type is asked for.
FloatType cacheElement(Builder &builder, StringRef policy, StringRef asked) {
  StringRef type = !asked.empty() ? asked : policy == "f32" ? "f32" : "bf16";
  return type == "f32"   ? FloatType(builder.getF32Type())
         : type == "f16" ? FloatType(builder.getF16Type())
                         : FloatType(builder.getBF16Type());
}

/// Caches are arguments alone, of entries and of layers.
void setCacheElement(ModuleOp module, FloatType element) {
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal()) {
      continue;
    }
    for (BlockArgument argument : function.getArguments()) {
      if (auto cache = dyn_cast<graph::CacheType>(argument.getType())) {
        argument.setType(graph::CacheType::get(module.getContext(), element, cache.getLatent(),
                                               cache.getRope(), cache.getPage(),
                                               cache.getMaxContext(), cache.getMaxRequests()));
      }
    }
    function.setFunctionType(FunctionType::get(module.getContext(),
                                               function.getBody().front().getArgumentTypes(),
                                               function.getResultTypes()));
  }
}

bool isF32(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  return tensor && tensor.getElementType().isF32();
}

/// Rewrites the functions of a module from f32 to bf16 or w8a8.
class PolicyWriter {
public:
  PolicyWriter(ModuleOp module, bool quantises)
      : module(module), builder(module.getContext()), quantises(quantises) {
    auto format = module->getAttrOfType<StringAttr>(graph::scaleFormatAttrName);
    powersOfTwo = format && format.getValue() == graph::scaleFormatUe8m0;
  }

  void write() {
    for (auto function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      if (function->hasAttr(graph::entryAttrName) && !function.isExternal()) {
        writeEntry(function);
      }
    }
  }

private:
  Type withElement(Type type, Type element) {
    auto tensor = cast<RankedTensorType>(type);
    return RankedTensorType::get(tensor.getShape(), element, tensor.getEncoding());
  }
  Value cast16(Value value) {
    return graph::CastOp::create(builder, value.getLoc(),
                                 withElement(value.getType(), builder.getBF16Type()), value);
  }

  /// What a session gives and takes stays f32.
  void writeEntry(func::FuncOp function) {
    Block &body = function.getBody().front();
    for (BlockArgument argument : body.getArguments()) {
      if (isF32(argument)) {
        builder.setInsertionPointToStart(&body);
        Value narrow = cast16(argument);
        argument.replaceAllUsesExcept(narrow, narrow.getDefiningOp());
      }
    }
    writeBody(body);
    Operation *end = body.getTerminator();
    builder.setInsertionPoint(end);
    for (OpOperand &result : end->getOpOperands()) {
      Type wanted = function.getResultTypes()[result.getOperandNumber()];
      if (result.get().getType() != wanted) {
        result.set(graph::CastOp::create(builder, end->getLoc(), wanted, result.get()));
      }
    }
    setFunctionType(function, function.getResultTypes());
  }

  void setFunctionType(func::FuncOp function, TypeRange results) {
    function.setFunctionType(
        builder.getFunctionType(function.getBody().front().getArgumentTypes(), results));
  }

  /// A layer function takes what its first caller gives it.
  void writeLayer(func::FuncOp function, ValueRange inputs) {
    if (!written.insert(function).second) {
      return;
    }
    Block &body = function.getBody().front();
    for (auto [argument, input] : llvm::zip_equal(body.getArguments(), inputs)) {
      argument.setType(input.getType());
    }
    OpBuilder::InsertionGuard guard(builder);
    writeBody(body);
    setFunctionType(function, body.getTerminator()->getOperandTypes());
  }

  void writeBody(Block &body) {
    for (Operation &op : llvm::make_early_inc_range(body)) {
      if (auto call = dyn_cast<graph::CallLayerOp>(op)) {
        auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
        writeLayer(callee, call.getInputs());
        for (auto [result, type] : llvm::zip_equal(call.getResults(), callee.getResultTypes())) {
          result.setType(type);
        }
        continue;
      }
      if (!isa<graph::WeightOp, graph::CastOp>(op)) {
        writeOp(op);
      }
    }
  }

  /// Rotations, and what choices are made by, stay f32: scores of experts and of tokens.
  static bool staysF32(Operation &op) {
    return isa<graph::RopeTableOp, graph::RouterOp, graph::LmHeadOp>(op) || isRouterLogits(op);
  }
  static bool isRouterLogits(Operation &op) {
    return isa<graph::LinearOp>(op) && llvm::any_of(op.getUsers(), llvm::IsaPred<graph::RouterOp>);
  }

  void writeOp(Operation &op) {
    if (!staysF32(op)) {
      for (Value result : op.getResults()) {
        if (isF32(result)) {
          result.setType(withElement(result.getType(), builder.getBF16Type()));
        }
      }
    }
    llvm::TypeSwitch<Operation *>(&op)
        .Case([&](graph::LinearOp linear) {
          if (!isRouterLogits(op)) {
            writeProduct(linear);
          }
        })
        .Case([&](graph::GroupedLinearOp linear) { writeProduct(linear); })
        .Case([&](graph::HeadLinearOp linear) { expand(linear, linear.getWeightMutable()); })
        .Case(
            [&](graph::MlaAttentionOp attention) { expand(attention, attention.getKvBMutable()); })
        .Case([&](graph::LmHeadOp head) { expand(head, head.getWeightMutable()); });
  }

  /// Codes times codes where both sides have FP8, else bf16 times bf16.
  template <typename OpT>
  void writeProduct(OpT op) {
    Type weight = cast<RankedTensorType>(op.getWeight().getType()).getElementType();
    if (!quantises || !isa<Float8E4M3FNType>(weight)) {
      expand(op, op.getWeightMutable());
      return;
    }
    graph::QuantiseOp rows = quantised(op.getX(), (*op.getBlock())[1]);
    op.getXMutable().assign(rows.getCodes());
    op.getXScalesMutable().assign(rows.getScales());
    remark::passed(op.getLoc(), remarkOptions("set-precision", op))
        << "rows quantised before the product of FP8 codes";
  }

  /// The codes and scales of `x`, made once for each width of group.
  graph::QuantiseOp quantised(Value x, int64_t group) {
    graph::QuantiseOp &known = codes[{x, group}];
    if (!known) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfterValue(x);
      auto type = cast<RankedTensorType>(x.getType());
      SmallVector<graph::Extent> scales = graph::extentsOf(type);
      scales.back() = static_cast<int64_t>(llvm::divideCeil(type.getShape().back(), group));
      known = graph::QuantiseOp::create(
          builder, x.getLoc(),
          TypeRange{withElement(type, Float8E4M3FNType::get(module.getContext())),
                    graph::tensorOf(scales, builder.getF32Type())},
          x, builder.getI64IntegerAttr(group), powersOfTwo ? builder.getUnitAttr() : UnitAttr());
    }
    return known;
  }

  /// The bf16 values of the weight, where it is stored otherwise.
  template <typename OpT>
  void expand(OpT op, OpOperand &operand) {
    auto weight = operand.get().getDefiningOp<graph::WeightOp>();
    if (!weight || isBf16(weight)) {
      return;
    }
    builder.setInsertionPoint(op);
    WeightRead read = readWeight(builder, weight, op.getBlockAttr(), builder.getBF16Type());
    operand.set(read.data);
    op.getScalesMutable().clear();
    op.removeBlockAttr();
    if (quantises && weight.getScales()) {
      remark::missed(op.getLoc(), remarkOptions("set-precision", op))
          << sentence("@{0} in bf16: its rows are not quantised", weight.getParameter());
    }
  }

  static bool isBf16(graph::WeightOp weight) {
    return cast<RankedTensorType>(weight.getData().getType()).getElementType().isBF16();
  }

  ModuleOp module;
  OpBuilder builder;
  bool quantises, powersOfTwo;
  llvm::DenseSet<func::FuncOp> written;
  llvm::DenseMap<std::pair<Value, int64_t>, graph::QuantiseOp> codes;
};

struct SetPrecision : impl::SetPrecisionBase<SetPrecision> {
  using SetPrecisionBase::SetPrecisionBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (const Status &known : {checkPolicy(policy), checkCacheType(policy, cacheType)}) {
      if (!known) {
        module.emitError(known.failure().where)
            << ": " << known.failure().what << "; hint: " << known.failure().hint;
        return signalPassFailure();
      }
    }
    if (failed(checkImported(module))) {
      return signalPassFailure();
    }
    module->setAttr(graph::policyAttrName, StringAttr::get(&getContext(), policy.getValue()));
    Builder builder(&getContext());
    FloatType element = cacheElement(builder, policy, cacheType);
    setCacheElement(module, element);
    if (policy != "f32") {
      PolicyWriter(module, policy == "w8a8").write();
    }
    remark::analysis(module.getLoc(), remarkOptions("set-precision", module))
        << sentence("policy {0}: {1}; cache {2}", policy.getValue(),
                    policy == "f32"    ? "activations f32, weights as stored"
                    : policy == "bf16" ? "activations and weights bf16, sums f32"
                                       : "as bf16, but FP8 weights times rows quantised to FP8",
                    element);
  }

  /// That functions have the types that the importer gives them, and products are alone.
  LogicalResult checkImported(ModuleOp module) {
    for (auto function : module.getOps<func::FuncOp>()) {
      for (Type type : function.getArgumentTypes()) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        auto cache = dyn_cast<graph::CacheType>(type);
        Type element = tensor ? tensor.getElementType() : cache ? cache.getElementType() : Type();
        if (isa_and_present<FloatType>(element) && !element.isF32()) {
          return function.emitError("expected f32 activations and cache before a policy is set, "
                                    "found ")
                 << type << "; import the model again";
        }
      }
      WalkResult whole = function.walk([&](graph::ExpertsOp experts) {
        if (policy == "f32") {
          return WalkResult::advance();
        }
        experts.emitError("expected the products of experts one by one, found '")
            << experts->getName() << "'; run dsv3-lower-experts first";
        return WalkResult::interrupt();
      });
      if (whole.wasInterrupted()) {
        return failure();
      }
    }
    return success();
  }
};
} // namespace
} // namespace dsv3
