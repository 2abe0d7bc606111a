//===- KernelCode.cpp - arguments, sizes and scalar regions ---------------===//
#include "KernelCode.h"

#include "Graph/Extent.h"

using namespace mlir;

namespace dsv3::cpu {

Rows KernelCode::rows(Value value) const {
  auto type = cast<RankedTensorType>(value.getType());
  Rows result;
  result.columns = type.getShape().back();
  auto view = value.getDefiningOp<kern::ViewOp>();
  Value source = view ? view.getSource() : value;
  auto sourceType = cast<RankedTensorType>(source.getType());
  result.rowStride = 1;
  for (int64_t size : sourceType.getShape().drop_front()) {
    result.rowStride *= size;
  }
  result.memory = arguments.lookup(source);
  if (view) {
    result.memory = result.memory + static_cast<int64_t>(view.getOffset());
    result.headStride = static_cast<int64_t>(view.getStride());
  } else {
    result.headStride = result.columns;
  }
  return result;
}

CachePages KernelCode::cache(Value value) const { return caches.lookup(value); }

Num KernelCode::rowCount(Value value) const {
  graph::Extent extent = graph::extentOf(cast<RankedTensorType>(value.getType()), 0);
  if (extent.isStatic()) {
    return code.integer(extent.value);
  }
  auto [base, factor] = graph::DimsAttr::split(extent.name);
  return code.wrap(sizes.lookup(base)) * factor;
}

void KernelCode::forRows(Value result, Num tile, llvm::function_ref<void(Num)> body) const {
  int64_t rows = field("rows");
  Num first = tile * rows;
  code.loop(first, code.min(first + rows, rowCount(result)), 1, body);
}

void KernelCode::checked(Num index, Num limit, llvm::function_ref<void()> body) const {
  code.when(
      index < 0 || !(index < limit),
      [&] { error->set(code.integer(static_cast<int64_t>(plan::KernelError::IndexOutOfRange))); },
      body);
}

void KernelCode::checkedToken(const CachePages &cache, Memory positions, Memory requests, Num t,
                              llvm::function_ref<void(TokenPlace)> body) const {
  TokenPlace place{(positions + t).integer(), (requests + t).integer()};
  checked(place.position, code.integer(static_cast<int64_t>(cache.type.getMaxContext())), [&] {
    checked(place.request, code.integer(static_cast<int64_t>(cache.type.getMaxRequests())),
            [&] { body(place); });
  });
}

void KernelCode::checkedPage(const CachePages &cache, Num request, Num index,
                             llvm::function_ref<void(Memory)> body) const {
  Num page = (cache.table + (request * cache.pagesPerRequest() + index)).integer();
  checked(page, code.integer(std::numeric_limits<int32_t>::max()),
          [&] { body(cache.pages + page * (cache.pageTokens() * cache.width())); });
}

/// One op of the table of scalar operations (Support/ScalarOps.def).
static Num emitScalar(Code &code, Operation &op, ArrayRef<Num> operands) {
  StringRef name = op.getName().getStringRef();
  auto is = [&](StringRef wanted) { return name == wanted; };
  if (is("arith.addf")) {
    return operands[0] + operands[1];
  }
  if (is("arith.subf")) {
    return operands[0] - operands[1];
  }
  if (is("arith.mulf")) {
    return operands[0] * operands[1];
  }
  if (is("arith.divf")) {
    return operands[0] / operands[1];
  }
  if (is("arith.negf")) {
    return code.negate(operands[0]);
  }
  if (is("arith.maximumf")) {
    return code.max(operands[0], operands[1]);
  }
  if (is("arith.minimumf")) {
    return code.min(operands[0], operands[1]);
  }
  if (is("math.absf")) {
    return code.abs(operands[0]);
  }
  if (is("math.exp")) {
    return code.exp(operands[0]);
  }
  if (is("math.sqrt")) {
    return code.sqrt(operands[0]);
  }
  if (is("math.rsqrt")) {
    return code.splat(code.number(1.0), widthOf(operands[0])) / code.sqrt(operands[0]);
  }
  // Memory gives every float type as f32; kernels that narrow are refused before.
  assert(is("arith.extf") && "an op of the scalar table");
  return operands[0];
}

SmallVector<Num> emitScalars(Code &code, Region &region, ArrayRef<Num> arguments, int64_t width) {
  DenseMap<Value, Num> values;
  for (auto [argument, value] : llvm::zip_equal(region.getArguments(), arguments)) {
    values[argument] = code.splat(value, width);
  }
  for (Operation &op : region.front().without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      double value = cast<FloatAttr>(constant.getValue()).getValueAsDouble();
      values[constant.getResult()] = code.splat(code.number(value), width);
      continue;
    }
    SmallVector<Num> operands;
    for (Value operand : op.getOperands()) {
      operands.push_back(values.lookup(operand));
    }
    values[op.getResult(0)] = emitScalar(code, op, operands);
  }
  SmallVector<Num> results;
  for (Value value : region.front().getTerminator()->getOperands()) {
    results.push_back(values.lookup(value));
  }
  return results;
}

void appendRegionInputs(const KernelCode &kernel, OperandRange inputs, ArrayRef<int32_t> access,
                        const RegionPlace &place, SmallVectorImpl<Num> &arguments) {
  for (auto [input, kind] : llvm::zip_equal(inputs, access)) {
    Rows rows = kernel.rows(input);
    switch (static_cast<kern::AccessKind>(kind)) {
    case kern::AccessKind::Element:
      arguments.push_back((rows.row(place.t, place.head) + place.column).floats(place.width));
      break;
    case kern::AccessKind::Row:
      arguments.push_back((rows.memory + place.t).floats());
      break;
    case kern::AccessKind::Column:
      arguments.push_back((rows.memory + place.column).floats(place.width));
      break;
    case kern::AccessKind::Group:
      arguments.push_back((rows.memory + place.group).floats());
      break;
    }
  }
}

} // namespace dsv3::cpu
