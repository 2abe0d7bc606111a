//===- RegionCheck.cpp - constraints of scalar regions --------------------===//
#include "RegionCheck.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using dsv3::graph::ShapeCheck;

namespace dsv3::kern {

static Type elementOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

/// Operands of an op of the scalar table; -1 if it is not in it.
static int arityOf(StringRef name) {
  return llvm::StringSwitch<int>(name)
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU, CUDA) .Case(NAME, ARITY)
#include "dsv3/Support/ScalarOps.def"
      .Default(-1);
}

static std::string spell(TypeRange types) {
  return "(" +
         llvm::join(llvm::map_range(types, [](Type type) { return graph::spell(type); }), ", ") +
         ")";
}

void checkAccess(ShapeCheck &check, ValueRange inputs, ArrayRef<int32_t> access,
                 ArrayRef<StringRef> element, StringRef group) {
  if (inputs.size() != access.size()) {
    (void)check.fail("an access kind for each of " + Twine(inputs.size()) + " operands",
                     Twine(access.size()), "element, row, column or group");
    return;
  }
  for (auto [index, input] : llvm::enumerate(inputs)) {
    std::optional<AccessKind> kind = symbolizeAccessKind(uint32_t(access[index]));
    if (!kind || (*kind == AccessKind::Group && group.empty())) {
      (void)check.fail("an access kind of this op for operand " + Twine(index),
                       kind ? stringifyAccessKind(*kind) : "no kind",
                       group.empty() ? "element, row or column" : "element, row, column or group");
      return;
    }
    std::string name =
        "operand " + std::to_string(index) + " (" + stringifyAccessKind(*kind).str() + ")";
    switch (*kind) {
    case AccessKind::Element:
      check.shape(name, input, element);
      break;
    case AccessKind::Row:
      check.shape(name, input, element.take_front());
      break;
    case AccessKind::Column:
      check.shape(name, input, element.take_back());
      break;
    case AccessKind::Group:
      check.shape(name, input, group);
      break;
    }
    if (check.ok() && !isa<Float32Type, BFloat16Type, Float16Type>(elementOf(input))) {
      (void)check.fail("elements of '" + name + "' to be f32, bf16 or f16",
                       graph::spell(elementOf(input)));
    }
  }
}

void checkRegion(ShapeCheck &check, StringRef name, Region &region, TypeRange arguments,
                 TypeRange results) {
  if (!check.ok()) {
    return;
  }
  std::string label = ("region '" + name + "'").str();
  if (!region.hasOneBlock()) {
    (void)check.fail("one block in " + label, Twine(region.getBlocks().size()));
    return;
  }
  Block &block = region.front();
  if (block.getArgumentTypes() != arguments) {
    (void)check.fail("arguments " + spell(arguments) + " of " + label,
                     spell(block.getArgumentTypes()));
    return;
  }
  for (Operation &op : block) {
    bool scalar = isa<arith::ConstantOp>(op) && isa<FloatType>(op.getResult(0).getType());
    scalar |= arityOf(op.getName().getStringRef()) == int(op.getNumOperands()) &&
              op.getNumResults() == 1 && isa<FloatType>(op.getResult(0).getType());
    if (!scalar && !isa<YieldOp>(op)) {
      (void)check.fail("ops of the scalar table in " + label,
                       "'" + op.getName().getStringRef() + "'",
                       "see include/dsv3/Support/ScalarOps.def");
      return;
    }
    for (Value operand : op.getOperands()) {
      if (operand.getParentRegion() != &region) {
        (void)check.fail("values of " + label + " alone",
                         "an operand of '" + op.getName().getStringRef() + "' from outside",
                         "make it an input");
        return;
      }
    }
  }
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getValues().getTypes() != results) {
    (void)check.fail(label + " to yield " + spell(results),
                     yield ? spell(yield.getValues().getTypes()) : "no yield");
  }
}

void checkEpilogue(ShapeCheck &check, Region &region, int64_t parts, ValueRange inputs,
                   Type result) {
  if (!check.ok()) {
    return;
  }
  // Before anything is sized by it.
  int64_t accumulators = int64_t(region.getNumArguments()) - int64_t(inputs.size());
  if (accumulators != parts) {
    (void)check.fail("an accumulator for each of " + Twine(parts) +
                         " parts and an argument for each of " + Twine(inputs.size()) +
                         " operands in region 'epilogue'",
                     Twine(region.getNumArguments()) + " arguments");
    return;
  }
  Type f32 = Float32Type::get(region.getContext());
  SmallVector<Type> arguments(parts, f32);
  for (Value input : inputs) {
    arguments.push_back(elementOf(input));
  }
  checkRegion(check, "epilogue", region, arguments, result);
}

} // namespace dsv3::kern
