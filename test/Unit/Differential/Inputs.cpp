//===- Inputs.cpp - inputs that a kernel could get ------------------------===//
#include "KernelRun.h"

#include "Graph/Extent.h"
#include "dsv3/Reference/Interpreter.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/Hash.h"
#include "dsv3/Support/Sampling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>

using namespace mlir;

namespace dsv3::differential {
namespace {

class InputMaker {
public:
  InputMaker(kern::DefOp definition, int64_t tokens)
      : definition(definition), tokens(tokens),
        random(hash128(definition.getSymName()).first + static_cast<uint64_t>(tokens)) {}
  KernelInputs run();

private:
  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
  }
  reference::Tensor floats(RankedTensorType type);
  /// Of the argument that the value is, or is a view of.
  reference::Tensor &tensorOf(Value value) {
    while (Operation *view = value.getDefiningOp()) {
      value = view->getOperand(0);
    }
    return inputs.tensors[cast<BlockArgument>(value).getArgNumber()];
  }
  void setIndices();
  void setParts(kern::AttentionCombineOp op);
  void setQueries(kern::ExpandedAttentionOp op);
  void setExpanded(kern::PrefillAttentionOp op);
  void setLogits(reference::Tensor &x);
  void setSampling(kern::SampleOp op);
  void fill(Value value, const std::function<int64_t(int64_t)> &element);
  void setCache(graph::CacheType type);
  void placeTokens(Value positions, Value requests, int64_t limit, bool distinct);
  /// The tokens' experts, then their entries in order of expert.
  void setGroups(int64_t experts, Value offsets, Value rows, int64_t entries, int64_t perToken);
  std::vector<int64_t> shapeOf(RankedTensorType type);

  kern::DefOp definition;
  int64_t tokens;
  std::mt19937_64 random;
  KernelInputs inputs;
};

} // namespace

std::vector<int64_t> InputMaker::shapeOf(RankedTensorType type) {
  std::vector<int64_t> shape;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    graph::Extent extent = graph::extentOf(type, static_cast<unsigned>(dim));
    if (extent.isStatic()) {
      shape.push_back(extent.value);
      continue;
    }
    auto [base, factor] = graph::DimsAttr::split(extent.name);
    inputs.sizes[base.str()] = tokens;
    shape.push_back(tokens * factor);
  }
  return shape;
}

/// About normal, rounded to the element type. Scales of codes come through here too.
reference::Tensor InputMaker::floats(RankedTensorType type) {
  reference::Tensor tensor(shapeOf(type));
  std::normal_distribution<double> normal;
  Type element = type.getElementType();
  for (int64_t i = 0; element.isInteger() && i < tensor.size(); ++i) {
    tensor[i] = static_cast<double>(element.isInteger(4) ? below(16) : below(255) - 127);
  }
  if (element.isInteger()) {
    return tensor;
  }
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = reference::roundTo(element, normal(random), reference::Precision::F32);
    if (isa<Float8E4M3FNType>(element)) {
      // All codes but the NaNs; every second column without exponent 0, which code that
      // expands several columns at once treats apart.
      auto code = static_cast<uint8_t>(random());
      value = f8e4m3ToFloat(isF8E4M3NaN(code) ? uint8_t(0) : code) / 64.0F;
      value = f8e4m3ToFloat(floatToF8E4M3(value));
      bool evenColumn = i % type.getShape().back() % 2 == 0;
      value = evenColumn && std::fabs(value) < 0x1p-6F ? std::copysign(0x1p-6F, value) : value;
    }
    tensor[i] = value;
  }
  return tensor;
}

void InputMaker::fill(Value value, const std::function<int64_t(int64_t)> &element) {
  reference::Tensor &tensor = tensorOf(value);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor[i] = static_cast<double>(element(i));
  }
}

void InputMaker::setCache(graph::CacheType type) {
  std::normal_distribution<double> normal;
  int64_t most = std::min<int64_t>(static_cast<int64_t>(type.getMaxContext()), 200);
  for (int64_t request = 0; request < static_cast<int64_t>(type.getMaxRequests()); ++request) {
    int64_t length = std::max<int64_t>(1, most - 7 * request);
    std::vector<std::vector<double>> rows;
    for (int64_t s = 0; s < length; ++s) {
      std::vector<double> row;
      row.reserve(size_t(type.getLatent() + type.getRope()));
      for (int64_t i = 0; i < type.getLatent() + type.getRope(); ++i) {
        row.push_back(
            reference::roundTo(type.getElementType(), normal(random), reference::Precision::F32));
      }
      rows.push_back(std::move(row));
    }
    inputs.cached.push_back(std::move(rows));
  }
}

/// Gives tokens requests and positions; `distinct`: no two the same place. As in a step, tokens of
/// a request are mostly neighbours.
void InputMaker::placeTokens(Value positions, Value requests, int64_t limit, bool distinct) {
  auto count = static_cast<int64_t>(inputs.cached.size());
  std::vector<int64_t> request, position;
  int64_t first = below(std::max<int64_t>(1, limit - tokens));
  for (int64_t t = 0; t < tokens; ++t) {
    bool stays = !request.empty() && below(4) > 0;
    request.push_back(stays ? request.back() : below(count));
    auto cached = static_cast<int64_t>(inputs.cached[static_cast<size_t>(request.back())].size());
    position.push_back(distinct ? first + t : below(cached));
  }
  if (!distinct && tokens > 1) {
    // What a token must not see does not matter, whatever it is: the last cached row of
    // each request is no number, and one token does see that.
    auto &own = inputs.cached[static_cast<size_t>(request.back())];
    position.back() = static_cast<int64_t>(own.size()) - 1;
    for (auto &rows : inputs.cached) {
      rows.back()[0] = std::numeric_limits<double>::quiet_NaN();
    }
  }
  fill(positions, [&](int64_t i) { return position[static_cast<size_t>(i)]; });
  fill(requests, [&](int64_t i) { return request[static_cast<size_t>(i)]; });
}

void InputMaker::setGroups(int64_t experts, Value offsets, Value rows, int64_t entries,
                           int64_t perToken) {
  std::vector<int64_t> expertOf(static_cast<size_t>(entries)),
      begin(static_cast<size_t>(experts) + 1);
  for (int64_t &expert : expertOf) {
    // Uneven on purpose; some experts get nothing.
    expert = std::min(below(experts), below(experts));
    ++begin[static_cast<size_t>(expert) + 1];
  }
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  fill(offsets, [&](int64_t e) { return begin[static_cast<size_t>(e)]; });
  if (rows) {
    fill(rows, [&](int64_t i) { return (i * 7 + 3) % entries / perToken; });
  }
}

/// Makes each part of a token's keys one that has keys, or none, whose rest is no number: the first
/// has some.
void InputMaker::setParts(kern::AttentionCombineOp op) {
  reference::Tensor &partials = tensorOf(op.getPartials());
  auto parts = static_cast<int64_t>(op.getParts());
  int64_t width = partials.dim(2) / parts, all = partials.rows() * partials.dim(1) * parts;
  for (int64_t part = 0; part < all; ++part) {
    double *values = partials.row(0) + part * width;
    values[width - 1] = 1 + static_cast<double>(below(1000)) / 64;
    if (part % parts != 0 && below(3) == 0) {
      std::fill_n(values, width - 1, std::numeric_limits<double>::quiet_NaN());
      values[width - 1] = 0.0;
    }
  }
}

static double rootOfMeanSquare(const reference::Tensor &tensor) {
  double squares =
      std::inner_product(tensor.data(), tensor.data() + tensor.size(), tensor.data(), 0.0);
  return std::sqrt(squares / static_cast<double>(std::max<int64_t>(1, tensor.size())));
}

/// Makes queries so short that scores are of about 2, whatever weights and their scales are. With
/// scores of some hundreds a token takes the value of one key, and which depends on how keys are
/// rounded.
void InputMaker::setQueries(kern::ExpandedAttentionOp op) {
  reference::Tensor &query = tensorOf(op.getQuery());
  auto weight = cast<RankedTensorType>(op.getWeight().getType());
  double keys = rootOfMeanSquare(tensorOf(op.getWeight())) *
                (op.getScales() ? rootOfMeanSquare(tensorOf(op.getScales())) : 1) *
                std::sqrt(static_cast<double>(weight.getDimSize(2)));
  auto viewed = cast<RankedTensorType>(op.getQuery().getType());
  double score =
      keys * std::sqrt(static_cast<double>(viewed.getDimSize(2))) * op.getScale().convertToDouble();
  for (int64_t i = 0; i < query.size(); ++i) {
    query[i] = reference::roundTo(viewed.getElementType(), query[i] * std::min(1.0, 2 / score),
                                  reference::Precision::F32);
  }
}

/// Some tokens of some requests, of which each has keys up to a position that one token sees and
/// whose key is no number. What nobody reads is none either.
void InputMaker::setExpanded(kern::PrefillAttentionOp op) {
  reference::Tensor &keys = tensorOf(op.getKeys()), &ropeKeys = tensorOf(op.getRopeKeys());
  reference::Tensor &values = tensorOf(op.getValues());
  int64_t context = op.getContextAttr().getInt(), rows = kern::expandedRows(context);
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<int64_t> lengths, request;
  for (int64_t first = 0; first < keys.rows(); first += rows) {
    lengths.push_back(std::max<int64_t>(1, std::min<int64_t>(context, 200) - 7 * first / rows));
    keys.row(first + lengths.back() - 1)[0] = nan;
    for (int64_t row = first + kern::expandedRows(lengths.back()); row < first + rows; ++row) {
      std::fill_n(keys.row(row), keys.columns(), nan);
      std::fill_n(ropeKeys.row(row), ropeKeys.columns(), nan);
      for (int64_t i = row; i < values.size(); i += values.dim(2)) {
        values[i] = nan;
      }
    }
  }
  fill(op.getRequests(), [&](int64_t) {
    request.push_back(below(static_cast<int64_t>(lengths.size())));
    return request.back();
  });
  fill(op.getPositions(), [&](int64_t t) {
    int64_t length = lengths[static_cast<size_t>(request[static_cast<size_t>(t)])];
    return t == tokens - 1 ? length - 1 : below(length);
  });
}

/// Rows as they come, with a few values in many places, with numbers among NaNs, without any
/// number, with infinities, all alike, and far apart.
void InputMaker::setLogits(reference::Tensor &x) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  int64_t columns = x.columns();
  for (int64_t t = 0; t < x.rows(); ++t) {
    double *row = x.row(t);
    int64_t kind = below(9), kept = below(columns);
    for (int64_t i = 0; i < columns; ++i) {
      row[i] = kind == 1   ? std::round(row[i])
               : kind == 2 ? (below(3) == 0 ? row[i] : nan)
               : kind == 3 ? (below(2) == 0 ? -infinity : nan)
               : kind == 4 ? -std::fabs(row[i])
               : kind == 6 ? (i % 2 == 0 ? 0.0 : -0.0)
               : kind == 7 ? (i == kept ? row[i] : -infinity)
               : kind == 8 ? static_cast<float>(std::copysign(std::exp2(20 * row[i]), row[i]))
                           : row[i];
    }
    if (kind == 5) {
      row[kept] = infinity;
    }
  }
}

/// Limits on both sides of what there is, greedy choices and draws, with filters that keep one
/// token, some, or all, and random numbers at both ends.
void InputMaker::setSampling(kern::SampleOp op) {
  reference::Tensor &x = tensorOf(op.getX()), &rows = tensorOf(op.getRows());
  setLogits(x);
  int64_t columns = x.columns();
  auto oneOf = [&](std::initializer_list<uint32_t> words) {
    return words.begin()[below(static_cast<int64_t>(words.size()))];
  };
  for (int64_t t = 0; t < rows.rows(); ++t) {
    int64_t limits[] = {columns, columns,   below(columns + 1), columns + 1,
                        -1,      INT32_MIN, INT32_MAX};
    SamplingRow row =
        samplingRow({.temperature = std::exp2(static_cast<double>(below(9)) - 5)}, 0, 0);
    row.scale = below(3) == 0   ? 0
                : below(8) == 0 ? 0x1p-100F
                : below(8) == 0 ? 0x1p100F
                                : row.scale;
    row.topK = static_cast<int32_t>(oneOf({0, 0, 1, 2, static_cast<uint32_t>(below(columns) + 1),
                                           static_cast<uint32_t>(columns), INT32_MAX}));
    auto any = [&] { return static_cast<uint32_t>(random()); };
    row.cut = oneOf({0, 0, any(), any() >> 8, UINT32_MAX});
    row.least = oneOf({0, 0, any() >> 4, any() >> 16, UINT32_MAX});
    row.drawHigh = oneOf({0, any(), any(), any(), UINT32_MAX});
    row.drawLow = oneOf({0, any(), UINT32_MAX});
    row.limit = static_cast<int32_t>(limits[below(std::size(limits))]);
    auto words = std::bit_cast<std::array<int32_t, samplingWords>>(row);
    std::copy(words.begin(), words.end(), rows.row(t));
  }
}

void InputMaker::setIndices() {
  Operation *core = definition.getCore();
  if (auto op = dyn_cast<kern::GatherOp>(core)) {
    int64_t limit = tensorOf(op.getTable()).rows();
    fill(op.getIds(), [&](int64_t) { return below(limit); });
  } else if (auto op = dyn_cast<kern::RopeTableOp>(core)) {
    fill(op.getPositions(), [&](int64_t) { return below(163840); });
  } else if (auto op = dyn_cast<kern::RopeAppendOp>(core)) {
    auto type = cast<graph::CacheType>(op.getCache().getType());
    placeTokens(op.getPositions(), op.getRequests(), static_cast<int64_t>(type.getMaxContext()),
                true);
  } else if (auto op = dyn_cast<kern::LatentAttentionOp>(core)) {
    placeTokens(op.getPositions(), op.getRequests(), 1, false);
  } else if (auto op = dyn_cast<kern::AttentionCombineOp>(core)) {
    setParts(op);
  } else if (auto op = dyn_cast<kern::ExpandedAttentionOp>(core)) {
    placeTokens(op.getPositions(), op.getRequests(), 1, false);
    setQueries(op);
  } else if (auto op = dyn_cast<kern::ExpandLatentsOp>(core)) {
    placeTokens(op.getPositions(), op.getRequests(), 1, false);
  } else if (auto op = dyn_cast<kern::PrefillAttentionOp>(core)) {
    setExpanded(op);
  } else if (auto op = dyn_cast<kern::DispatchOp>(core)) {
    int64_t experts = cast<RankedTensorType>(op.getOffsets().getType()).getDimSize(0) - 1;
    // One has most, one none.
    int64_t most = below(experts), none = (most + 1) % experts;
    fill(op.getExperts(), [&](int64_t) {
      int64_t expert = below(3) == 0 ? below(experts) : most;
      return expert == none ? most : expert;
    });
  } else if (auto op = dyn_cast<kern::CombineOp>(core)) {
    int64_t entries = tensorOf(op.getX()).rows();
    std::vector<int64_t> order(static_cast<size_t>(entries));
    std::iota(order.begin(), order.end(), int64_t(0));
    std::shuffle(order.begin(), order.end(), random);
    fill(op.getSlots(), [&](int64_t i) { return order[static_cast<size_t>(i)]; });
  } else if (auto op = dyn_cast<kern::SampleOp>(core)) {
    setSampling(op);
  } else if (auto op = dyn_cast<kern::GroupedGemmOp>(core)) {
    auto result = shapeOf(cast<RankedTensorType>(op.getResult().getType()));
    int64_t experts = cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
    if (std::optional<uint64_t> capacity = op.getCapacity()) {
      // One has none, one as many as there is room for.
      auto most = static_cast<int64_t>(*capacity);
      fill(op.getOffsets(), [&](int64_t e) { return e < 2 ? e * most : below(most + 1); });
      return;
    }
    setGroups(experts, op.getOffsets(), op.getRows(), result[0],
              std::max<int64_t>(1, result[0] / tokens));
  }
}

KernelInputs InputMaker::run() {
  for (BlockArgument argument : definition.getInputs()) {
    if (auto cache = dyn_cast<graph::CacheType>(argument.getType())) {
      setCache(cache);
      inputs.tensors.emplace_back();
      continue;
    }
    auto type = cast<RankedTensorType>(argument.getType());
    inputs.tensors.push_back(type.getElementType().isInteger(32) ? reference::Tensor(shapeOf(type))
                                                                 : floats(type));
  }
  for (BlockArgument argument : definition.getDestinations()) {
    shapeOf(cast<RankedTensorType>(argument.getType())); // for its sizes
  }
  setIndices();
  return std::move(inputs);
}

int64_t mostTokensOf(kern::DefOp definition) {
  auto most = std::numeric_limits<int64_t>::max();
  if (ArrayAttr maxima = definition.getMaximaAttr()) {
    for (auto size : maxima.getAsRange<graph::SizeAttr>()) {
      most = std::min(most, size.getMax());
    }
  }
  return most;
}

KernelInputs makeInputs(kern::DefOp definition, int64_t tokens) {
  return InputMaker(definition, tokens).run();
}

} // namespace dsv3::differential
