//===- InterpretedModel.cpp - prompts on the interpreter ------------------===//
#include "InterpretedModel.h"

#include "dsv3/Plan/Names.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <array>
#include <bit>
#include <limits>

using namespace mlir;
using dsv3::reference::Tensor;
using dsv3::runtime::OutputRows;

namespace dsv3::interpret {

InterpretedModel::InterpretedModel(ModuleOp module, reference::Interpreter &machine,
                                   const checkpoint::ModelConfig &config, int64_t contextTokens,
                                   int64_t chunk)
    : machine(machine), config(config), contextTokens(contextTokens), chunk(chunk) {
  for (auto function : module.getOps<func::FuncOp>()) {
    auto info = function->getAttrOfType<DictionaryAttr>(graph::entryAttrName);
    auto role = info ? info.getAs<StringAttr>(graph::entryRoleKey) : StringAttr();
    if (!role) {
      continue;
    }
    auto low = info.getAs<IntegerAttr>(graph::entryMinTokensKey);
    auto high = info.getAs<IntegerAttr>(graph::entryMaxTokensKey);
    Role &entries = role.getValue() == StringRef(plan::roleMtp) ? mtp : steps;
    entries.names.push_back(function.getSymName().str());
    // Before entries are made there is one of each role, for any step.
    entries.ranges.push_back(low && high
                                 ? runtime::StepRange{low.getInt(), high.getInt()}
                                 : runtime::StepRange{1, std::numeric_limits<int64_t>::max()});
  }
}

template <typename T>
static Tensor tensorOf(std::span<const T> values, std::vector<int64_t> shape) {
  Tensor tensor(std::move(shape));
  std::copy(values.begin(), values.end(), tensor.data());
  return tensor;
}

static Tensor counted(int64_t from, int64_t count) {
  Tensor tensor({count});
  for (int64_t i = 0; i < count; ++i) {
    tensor[i] = static_cast<double>(from + i);
  }
  return tensor;
}

template <typename T>
static std::vector<T> valuesOf(const Tensor &tensor) {
  return std::vector<T>(tensor.data(), tensor.data() + tensor.size());
}

/// Shows a tensor with the element type that the runtime's observers see.
static void show(runtime::Observer &observer, runtime::ObservedValue seen, const Tensor &tensor) {
  seen.rows = tensor.rows(), seen.columns = tensor.columns();
  if (seen.name == plan::observedExperts) {
    std::vector<int32_t> experts = valuesOf<int32_t>(tensor);
    seen.type = DType::I32, seen.data = experts.data();
    observer.value(seen);
  } else {
    std::vector<float> values = valuesOf<float>(tensor);
    seen.data = values.data();
    observer.value(seen);
  }
}

Status InterpretedModel::step(const std::string &entry, std::span<const int32_t> ids,
                              std::span<const float> hidden, int64_t position, OutputRows rows,
                              runtime::Observer *observer) {
  auto count = static_cast<int64_t>(ids.size());
  int64_t firstRow = rows == OutputRows::All ? 0 : count - 1, outputRows = count - firstRow;
  std::map<std::string, Tensor> inputs;
  auto input = [&](std::string_view port) -> Tensor & { return inputs[std::string(port)]; };
  input(plan::portIds) = tensorOf(ids, {count});
  input(plan::portPositions) = counted(position, count);
  input(plan::portRequests) = Tensor({count});
  input(plan::portRows) = counted(firstRow, outputRows);
  std::vector<int32_t> words;
  for (int64_t row = 0; row < outputRows; ++row) {
    using Words = std::array<int32_t, samplingWords>;
    auto ofRow = std::bit_cast<Words>(samplingRow(sampling, limit, position + firstRow + row + 1));
    words.insert(words.end(), ofRow.begin(), ofRow.end());
  }
  input(plan::portSampling) = tensorOf<int32_t>(words, {outputRows, samplingWords});
  if (!hidden.empty()) {
    input(plan::portHidden) = tensorOf(hidden, {count, config.hiddenSize});
  }
  reference::Observer shown;
  if (observer && observer->wantsValues()) {
    shown = [&](StringRef name, int64_t layer, const Tensor &value) {
      show(*observer, {.name = std::string_view(name), .layer = layer, .position = position},
           value);
    };
  }
  auto outputs = machine.run(entry, inputs, shown);
  if (failed(outputs)) {
    return Failure{"the interpreter stopped", "", "see the message above"};
  }
  lastLogits = valuesOf<float>((*outputs)[std::string(plan::portLogits)]);
  auto normed = outputs->find(std::string(plan::portNormed));
  lastNormed = normed == outputs->end() ? std::vector<float>() : valuesOf<float>(normed->second);
  auto chosen = outputs->find(std::string(plan::portTokens));
  lastTokens =
      chosen == outputs->end() ? std::vector<int32_t>() : valuesOf<int32_t>(chosen->second);
  return observer
             ? observer->outputs({position + firstRow, outputRows, lastLogits, lastNormed, nullptr})
             : Status();
}

Status InterpretedModel::append(std::span<const int32_t> ids, OutputRows rows,
                                runtime::Observer *observer) {
  auto run = [&](size_t entry, int64_t first, int64_t count) {
    auto part = ids.subspan(static_cast<size_t>(first), static_cast<size_t>(count));
    Status done = step(steps.names[entry], part, {}, tokens, rows, observer);
    tokens += done ? count : 0;
    return done;
  };
  return runtime::forEachStep(steps.ranges, chunk, static_cast<int64_t>(ids.size()), run);
}

Expected<int32_t> InterpretedModel::appendSampled(std::span<const int32_t> ids,
                                                  const SamplingOptions &options, int64_t below,
                                                  runtime::Observer *observer) {
  sampling = options, limit = below;
  Status status = append(ids, OutputRows::Last, observer);
  return status ? Expected<int32_t>(lastTokens.back()) : status;
}

std::span<const float> InterpretedModel::logits() const {
  auto columns = static_cast<size_t>(config.vocabSize);
  return std::span(lastLogits).last(columns);
}

Status InterpretedModel::appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                                   OutputRows rows, runtime::Observer *observer) {
  auto columns = static_cast<size_t>(config.hiddenSize);
  auto run = [&](size_t entry, int64_t begin, int64_t tokenCount) {
    auto first = static_cast<size_t>(begin), count = static_cast<size_t>(tokenCount);
    Status done = step(mtp.names[entry], nextIds.subspan(first, count),
                       normed.subspan(first * columns, count * columns), mtpTokens, rows, observer);
    mtpTokens += done ? tokenCount : 0;
    return done;
  };
  return runtime::forEachStep(mtp.ranges, chunk, static_cast<int64_t>(nextIds.size()), run);
}

} // namespace dsv3::interpret
