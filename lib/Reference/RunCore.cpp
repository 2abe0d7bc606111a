//===- RunCore.cpp - core ops with scalar regions -------------------------===//
#include "Frame.h"
#include "ScalarProgram.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::reference {

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
  FailureOr<ScalarProgram> apply = ScalarProgram::make(op.getApply(), machine.precision);
  FailureOr<ScalarProgram> contribution, finish;
  bool reduces = op.getReduction() != kern::Reduction::None;
  if (reduces) {
    contribution = ScalarProgram::make(op.getContribution(), machine.precision);
    finish = ScalarProgram::make(op.getFinish(), machine.precision);
  }
  if (failed(apply) || (reduces && (failed(contribution) || failed(finish)))) {
    return failure();
  }
  size_t count = op.getApply().front().getTerminator()->getNumOperands();
  std::vector<Tensor> results;
  results.reserve(count);
  while (results.size() < count) {
    results.emplace_back(std::vector<int64_t>{rows, n});
  }
  Type f32 = Float32Type::get(op.getContext());
  std::vector<double> arguments, applied(results.size());
  auto setArguments = [&](int64_t t, int64_t i) {
    arguments.clear();
    for (auto [input, access] : llvm::zip_equal(op.getInputs(), op.getAccess())) {
      arguments.push_back(scalarAt(get(input), access, {t, i, n, n, 0}));
    }
  };
  for (int64_t t = 0; t < rows; ++t) {
    double scale = 0.0;
    if (reduces) {
      double reduced = 0.0;
      for (int64_t i = 0; i < n; ++i) {
        setArguments(t, i);
        double one = 0.0;
        contribution->run(arguments, one);
        reduced += one;
      }
      finish->run(roundTo(f32, reduced, machine.precision), scale);
    }
    for (int64_t i = 0; i < n; ++i) {
      setArguments(t, i);
      if (reduces) {
        arguments.push_back(scale);
      }
      apply->run(arguments, applied);
      for (auto [result, value] : llvm::zip_equal(results, applied)) {
        result[t * n + i] = value;
      }
    }
  }
  ValueRange outputs = op.getOutputs();
  if (op.getQuantiseGroup()) {
    defineQuantised(outputs.drop_back().back(), outputs.back(), results.back(),
                    static_cast<int64_t>(*op.getQuantiseGroup()), op.getUe8m0());
    outputs = outputs.drop_back(2);
    results.pop_back();
  }
  for (auto [value, tensor] : llvm::zip_equal(outputs, results)) {
    define(value, tensor);
  }
  return success();
}

FailureOr<Tensor> Frame::prologued(Region &region, Tensor weight) {
  if (region.empty()) {
    return weight;
  }
  FailureOr<ScalarProgram> program = ScalarProgram::make(region, machine.precision);
  if (failed(program)) {
    return failure();
  }
  Tensor result(weight.shape());
  parallel(context(), weight.size(), [&](int64_t i) { program->run(weight[i], result.data()[i]); });
  return result;
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
  FailureOr<ScalarProgram> program = ScalarProgram::make(region, machine.precision);
  if (failed(program)) {
    return failure();
  }
  std::vector<double> arguments;
  for (int64_t t = 0; t < accumulators.rows(); ++t) {
    for (int64_t i = 0; i < n; ++i) {
      arguments.clear();
      for (int64_t part = 0; part < parts; ++part) {
        int64_t column = i / width * width * parts + part * width + i % width;
        arguments.push_back(roundTo(f32, accumulators.row(t)[column], machine.precision));
      }
      for (auto [input, kind] : llvm::zip_equal(inputs, access)) {
        int64_t group = heads ? i / width : groupOf ? groupOf(t) : 0;
        arguments.push_back(scalarAt(get(input), kind, {t, i, n, width, group}));
      }
      program->run(arguments, result[t * n + i]);
    }
  }
  return result;
}

template <typename OpT>
LogicalResult Frame::finishProduct(OpT op, FailureOr<Tensor> result) {
  if (failed(result)) {
    return failure();
  }
  if (!op.getQuantiseGroup()) {
    define(op.getResult(), *result);
    return success();
  }
  Tensor rows = result->reshaped({result->rows(), result->columns()}); // heads side by side
  defineQuantised(op.getResult(), op.getResultScales(), rows,
                  static_cast<int64_t>(*op.getQuantiseGroup()), op.getUe8m0());
  return success();
}

LogicalResult Frame::gemm(kern::GemmOp op) {
  FailureOr<Tensor> weight =
      prologued(op.getPrologue(), expanded(op.getWeight(), op.getScales(), op.getBlock()));
  if (failed(weight)) {
    return failure();
  }
  Tensor a = activations(op.getA(), op.getAScales(), op.getBlock());
  bool heads = weight->shape().size() == 3;
  Tensor sums = heads ? headProduct(context(), a, *weight) : product(context(), a, *weight);
  return finishProduct(op, epilogue(op.getEpilogue(), sums, static_cast<int64_t>(op.getParts()),
                                    op.getEpilogueInputs(), op.getAccess()));
}

/// Rows of experts that have room for `capacity` each, of which the first `counts` are there: those
/// behind them nobody writes. They are infinite, so that neither they nor codes and scales of them
/// are numbers.
static void clearMasked(Tensor &result, const Tensor &counts, int64_t capacity) {
  for (int64_t e = 0; e < counts.size(); ++e) {
    std::fill(result.row(e * capacity + static_cast<int64_t>(counts[e])),
              result.row(e * capacity) + capacity * result.columns(),
              std::numeric_limits<double>::infinity());
  }
}

LogicalResult Frame::groupedGemm(kern::GroupedGemmOp gemm) {
  auto capacity = static_cast<int64_t>(gemm.getCapacity().value_or(0));
  if (failed(capacity > 0 ? checkCounts(*gemm, gemm.getOffsets(), capacity)
                          : checkGroups(*gemm, gemm.getA(), gemm.getOffsets(), gemm.getRows()))) {
    return failure();
  }
  Tensor offsets = get(gemm.getOffsets());
  if (capacity > 0) {
    offsets = Tensor({offsets.size() + 1});
    for (int64_t e = 0; e < offsets.size(); ++e) {
      offsets[e] = static_cast<double>(e * capacity);
    }
  }
  auto entries = static_cast<int64_t>(offsets[offsets.size() - 1]);
  FailureOr<Tensor> weight =
      prologued(gemm.getPrologue(), expanded(gemm.getWeight(), gemm.getScales(), gemm.getBlock()));
  if (failed(weight)) {
    return failure();
  }
  Tensor sums =
      groupedProduct(context(), activations(gemm.getA(), gemm.getAScales(), gemm.getBlock()),
                     offsets, gemm.getRows() ? &get(gemm.getRows()) : nullptr, *weight, entries);
  auto expertOf = [&](int64_t entry) {
    int64_t expert = 0;
    while (offsets[expert + 1] <= static_cast<double>(entry)) {
      ++expert;
    }
    return expert;
  };
  FailureOr<Tensor> result =
      epilogue(gemm.getEpilogue(), sums, static_cast<int64_t>(gemm.getParts()),
               gemm.getEpilogueInputs(), gemm.getAccess(), expertOf);
  if (succeeded(result) && capacity > 0) {
    clearMasked(*result, get(gemm.getOffsets()), capacity);
  }
  return finishProduct(gemm, result);
}

LogicalResult Frame::runCore(Operation &op, bool &known) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](kern::RowwiseOp op) { return rowwise(op); })
      .Case([&](kern::GemmOp op) { return gemm(op); })
      .Case([&](kern::GroupedGemmOp gemm) { return groupedGemm(gemm); })
      .Case([&](kern::CombineOp sum) -> LogicalResult {
        if (failed(checkSlots(op, sum.getX(), sum.getSlots()))) {
          return failure();
        }
        FailureOr<Tensor> result = epilogue(
            sum.getEpilogue(), combine(get(sum.getX()), get(sum.getSlots()), get(sum.getWeights())),
            1, sum.getEpilogueInputs(), sum.getAccess());
        if (failed(result)) {
          return failure();
        }
        define(sum.getResult(), *result);
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
