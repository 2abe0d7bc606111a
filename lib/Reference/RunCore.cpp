//===- RunCore.cpp - core ops with scalar regions -------------------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace dsv3::reference {

/// One op of the scalar table; nullopt if it is not in it.
static std::optional<double> scalarOp(StringRef name, double a, double b) {
  using Float = double;
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU)                                                    \
  if (name == (NAME)) {                                                                            \
    return VALUE;                                                                                  \
  }
#include "dsv3/Support/ScalarOps.def"
  return std::nullopt;
}

FailureOr<std::vector<double>> runScalars(Region &region, ArrayRef<double> arguments,
                                          Precision precision) {
  llvm::SmallDenseMap<Value, double, 16> values;
  Block &block = region.front();
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments)) {
    values[argument] = value;
  }
  for (Operation &op : block.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      values[constant.getResult()] =
          cast<FloatAttr>(constant.getValue()).getValue().convertToDouble();
      continue;
    }
    double a = op.getNumOperands() > 0 ? values[op.getOperand(0)] : 0.0;
    double b = op.getNumOperands() > 1 ? values[op.getOperand(1)] : 0.0;
    std::optional<double> result = scalarOp(op.getName().getStringRef(), a, b);
    if (!result) {
      return op.emitError("'") << op.getName() << "' is not in the table of scalar operations";
    }
    values[op.getResult(0)] = roundTo(op.getResult(0).getType(), *result, precision);
  }
  std::vector<double> results;
  for (Value value : block.getTerminator()->getOperands()) {
    results.push_back(values[value]);
  }
  return results;
}

/// Where a region looks: row t, column i of n. Heads have `width` columns each; `group`
/// is the head or the expert.
struct Place {
  int64_t t, i, n, width, group;
};

/// The scalar that a region sees of `tensor`.
static double scalarAt(const Tensor &tensor, int32_t access, const Place &place) {
  switch (static_cast<kern::AccessKind>(access)) {
  case kern::AccessKind::Element:
    return tensor[place.t * place.n + place.i];
  case kern::AccessKind::Row:
    return tensor[place.t];
  case kern::AccessKind::Column:
    return tensor[place.i % place.width];
  case kern::AccessKind::Group:
    return tensor[place.group];
  }
  return 0.0;
}

LogicalResult Frame::rowwise(kern::RowwiseOp op) {
  auto type = cast<RankedTensorType>(op.getOutputs().front().getType());
  int64_t n = type.getShape().back(), rows = 0;
  for (auto [input, access] : llvm::zip_equal(op.getInputs(), op.getAccess())) {
    if (static_cast<kern::AccessKind>(access) == kern::AccessKind::Element) {
      rows = get(input).rows();
    }
  }
  std::vector<Tensor> results;
  for (size_t i = 0; i < op.getOutputs().size(); ++i) {
    results.emplace_back(std::vector<int64_t>{rows, n});
  }
  auto scalars = [&](int64_t t, int64_t i) {
    std::vector<double> arguments;
    for (auto [input, access] : llvm::zip_equal(op.getInputs(), op.getAccess())) {
      arguments.push_back(scalarAt(get(input), access, {t, i, n, n, 0}));
    }
    return arguments;
  };
  bool reduces = op.getReduction() != kern::Reduction::None;
  for (int64_t t = 0; t < rows; ++t) {
    double scale = 0.0;
    if (reduces) {
      double reduced = 0.0;
      for (int64_t i = 0; i < n; ++i) {
        auto one = runScalars(op.getContribution(), scalars(t, i), machine.precision);
        if (failed(one)) {
          return failure();
        }
        reduced += (*one)[0];
      }
      auto finished = runScalars(
          op.getFinish(), {roundTo(Float32Type::get(op.getContext()), reduced, machine.precision)},
          machine.precision);
      if (failed(finished)) {
        return failure();
      }
      scale = (*finished)[0];
    }
    for (int64_t i = 0; i < n; ++i) {
      std::vector<double> arguments = scalars(t, i);
      if (reduces) {
        arguments.push_back(scale);
      }
      auto applied = runScalars(op.getApply(), arguments, machine.precision);
      if (failed(applied)) {
        return failure();
      }
      for (auto [result, value] : llvm::zip_equal(results, *applied)) {
        result[t * n + i] = value;
      }
    }
  }
  for (auto [value, tensor] : llvm::zip_equal(op.getOutputs(), results)) {
    define(value, tensor);
  }
  return success();
}

FailureOr<Tensor> Frame::epilogue(Region &region, const Tensor &accumulators, int64_t parts,
                                  OperandRange inputs, ArrayRef<int32_t> access,
                                  llvm::function_ref<int64_t(int64_t)> groupOf) {
  // The columns of a head are its parts, one after the other.
  bool heads = accumulators.shape().size() == 3;
  int64_t groups = heads ? accumulators.dim(1) : 1;
  int64_t width = accumulators.shape().back() / parts, n = groups * width;
  std::vector<int64_t> shape = accumulators.shape();
  shape.back() = width;
  Tensor result(shape);
  Type f32 = Float32Type::get(region.getContext());
  for (int64_t t = 0; t < accumulators.rows(); ++t) {
    for (int64_t i = 0; i < n; ++i) {
      std::vector<double> arguments;
      for (int64_t part = 0; part < parts; ++part) {
        int64_t column = i / width * width * parts + part * width + i % width;
        arguments.push_back(roundTo(f32, accumulators.row(t)[column], machine.precision));
      }
      for (auto [input, kind] : llvm::zip_equal(inputs, access)) {
        int64_t group = heads ? i / width : groupOf ? groupOf(t) : 0;
        arguments.push_back(scalarAt(get(input), kind, {t, i, n, width, group}));
      }
      auto value = runScalars(region, arguments, machine.precision);
      if (failed(value)) {
        return failure();
      }
      result[t * n + i] = (*value)[0];
    }
  }
  return result;
}

LogicalResult Frame::runCore(Operation &op, bool &known) {
  auto finish = [&](Value result, FailureOr<Tensor> tensor) -> LogicalResult {
    if (failed(tensor)) {
      return failure();
    }
    define(result, *tensor);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](kern::RowwiseOp op) { return rowwise(op); })
      .Case([&](kern::GemmOp gemm) {
        Tensor weight = expanded(gemm.getWeight(), gemm.getScales(), gemm.getBlock());
        const Tensor &a = get(gemm.getA());
        bool heads = weight.shape().size() == 3;
        return finish(gemm.getResult(), epilogue(gemm.getEpilogue(),
                                                 heads ? headProduct(context(), a, weight)
                                                       : product(context(), a, weight),
                                                 static_cast<int64_t>(gemm.getParts()),
                                                 gemm.getEpilogueInputs(), gemm.getAccess()));
      })
      .Case([&](kern::GroupedGemmOp gemm) -> LogicalResult {
        if (failed(checkGroups(op, gemm.getA(), gemm.getOffsets(), gemm.getRows()))) {
          return failure();
        }
        const Tensor &offsets = get(gemm.getOffsets());
        auto entries = static_cast<int64_t>(offsets[offsets.size() - 1]);
        Tensor weight = expanded(gemm.getWeight(), gemm.getScales(), gemm.getBlock());
        Tensor sums =
            groupedProduct(context(), get(gemm.getA()), offsets,
                           gemm.getRows() ? &get(gemm.getRows()) : nullptr, weight, entries);
        auto expertOf = [&](int64_t entry) {
          int64_t expert = 0;
          while (offsets[expert + 1] <= static_cast<double>(entry)) {
            ++expert;
          }
          return expert;
        };
        return finish(gemm.getResult(),
                      epilogue(gemm.getEpilogue(), sums, static_cast<int64_t>(gemm.getParts()),
                               gemm.getEpilogueInputs(), gemm.getAccess(), expertOf));
      })
      .Case([&](kern::CombineOp sum) -> LogicalResult {
        if (failed(checkSlots(op, sum.getX(), sum.getSlots()))) {
          return failure();
        }
        return finish(sum.getResult(),
                      epilogue(sum.getEpilogue(),
                               combine(get(sum.getX()), get(sum.getSlots()), get(sum.getWeights())),
                               1, sum.getEpilogueInputs(), sum.getAccess()));
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
