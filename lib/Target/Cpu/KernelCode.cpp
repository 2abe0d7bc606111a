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

Num KernelCode::tileCount() const {
  ArrayRef<int64_t> count = config.getAs<DenseI64ArrayAttr>("tiles").asArrayRef();
  int64_t size = count[0], factor = count[1], divisor = count[2], times = count[3], plus = count[4];
  if (size < 0) {
    return code.integer(plus);
  }
  kern::DefOp op = definition;
  auto name = cast<StringAttr>(op.getSizesAttr()[static_cast<size_t>(size)]);
  Num rows = code.wrap(sizes.lookup(name.getValue())) * factor;
  return (rows + (divisor - 1)) / divisor * times + plus;
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
  checked(cache.number(request, index), code.integer(std::numeric_limits<int32_t>::max()),
          [&] { body(cache.page(request, index)); });
}

/// One op of the table of scalar operations; nullopt if the table has no code for it.
static std::optional<Num> emitScalar(Code &code, StringRef name, Num a, Num b) {
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU, CUDA)                                              \
  if (name == NAME) {                                                                              \
    return CPU;                                                                                    \
  }
#include "dsv3/Support/ScalarOps.def"
  return std::nullopt;
}

bool isRoundedWhenStored(Operation &op) {
  return isa<arith::TruncFOp>(op) && op.getResult(0).getType().isBF16() &&
         llvm::all_of(op.getUsers(), llvm::IsaPred<kern::YieldOp>);
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
    Num first = values.lookup(op.getOperand(0));
    if (isRoundedWhenStored(op)) {
      values[op.getResult(0)] = first;
      continue;
    }
    Num second = op.getNumOperands() > 1 ? values.lookup(op.getOperand(1)) : Num();
    std::optional<Num> result = emitScalar(code, op.getName().getStringRef(), first, second);
    assert(result && "the verifier knows the table, and kernels that narrow are refused");
    values[op.getResult(0)] = *result;
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
