//===- Import.cpp - the functions of an imported module -------------------===//
//
// Writes the model as published: a function for each signature of a layer, the
// entry `forward`, and the entry `mtp`. What is fused, absorbed or reduced in
// precision is the business of passes.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Import/Import.h"

#include "Graph/Graph.h"
#include "Parameters.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Sampling.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"

#include <memory>

using namespace mlir;
using dsv3::checkpoint::ModelConfig;

namespace dsv3::import {
namespace {

/// A weight as an operand.
struct Weight {
  Value data, scales;
  DenseI64ArrayAttr block;
};

/// Types and weights of the module being built.
class ModelBuilder {
public:
  ModelBuilder(MLIRContext &context, const ModelConfig &config, const ImportOptions &options)
      : builder(&context), config(config), options(options),
        module(ModuleOp::create(builder.getUnknownLoc())), loc(module.getLoc()) {}

  OwningOpRef<ModuleOp> build(const StoredType &storedType);

private:
  /// Layers that share a function.
  struct Kind {
    std::string name, signature;
    bool moe;
    std::vector<int64_t> layers;
  };

  RankedTensorType tensor(ArrayRef<int64_t> shape, StringRef dim, Type element) {
    return RankedTensorType::get(
        shape, element, graph::DimsAttr::get(builder.getContext(), builder.getStringAttr(dim)));
  }
  RankedTensorType rows(int64_t columns, StringRef dim = plan::sizeTokens) {
    return tensor({ShapedType::kDynamic, columns}, dim, builder.getF32Type());
  }
  RankedTensorType heads(int64_t columns) {
    return tensor({ShapedType::kDynamic, config.numAttentionHeads, columns}, plan::sizeTokens,
                  builder.getF32Type());
  }
  RankedTensorType ids(StringRef dim = plan::sizeTokens) {
    return tensor({ShapedType::kDynamic}, dim, builder.getI32Type());
  }
  /// SamplingRow of dsv3/Support/Sampling.h, for each row that gives output.
  RankedTensorType samplingRows() {
    return tensor({ShapedType::kDynamic, samplingWords}, plan::sizeOutputs, builder.getI32Type());
  }
  graph::CacheType cacheType() {
    return graph::CacheType::get(builder.getContext(), builder.getF32Type(), config.kvLoraRank,
                                 config.qkRopeHeadDim, /*page=*/64, options.context,
                                 options.requests);
  }

  Weight weight(const Twine &name) {
    auto parameter = module.lookupSymbol<graph::ParameterOp>(name.str());
    assert(parameter && "a slot that was not declared");
    auto op = graph::WeightOp::create(builder, loc, parameter.getType(), parameter.getScalesType(),
                                      FlatSymbolRefAttr::get(parameter));
    return {op.getData(), op.getScales(), parameter.getBlockAttr()};
  }
  Value linear(Value x, const Twine &name) {
    Weight w = weight(name);
    int64_t n = cast<RankedTensorType>(w.data.getType()).getDimSize(0);
    return graph::LinearOp::create(builder, loc, rows(n), x, w.data, w.scales, Value(), w.block);
  }
  Value norm(Value x, const Twine &name, double eps) {
    return graph::RmsNormOp::create(builder, loc, x, weight(name).data,
                                    builder.getF64FloatAttr(eps));
  }
  Value slice(Value x, int64_t offset, int64_t size) {
    return graph::SliceOp::create(builder, loc, x, offset, size);
  }
  Value mlp(Value x, const Twine &prefix) {
    Value hidden = graph::SiluMulOp::create(builder, loc, linear(x, prefix + "gate_up_proj"));
    return linear(hidden, prefix + "down_proj");
  }

  void buildLayer(const Kind &kind);
  Value attention(const std::string &prefix, Value x, ValueRange step);
  Value experts(const std::string &prefix, Value x);
  void buildForward(const std::vector<Kind> &kinds);
  void buildMtp(const Kind &kind);
  Value callLayer(const Kind &kind, int64_t layer, Value x, ValueRange step);
  func::FuncOp beginFunction(StringRef name, ArrayRef<std::pair<StringRef, Type>> inputs,
                             ArrayRef<std::pair<StringRef, Type>> outputs);
  std::array<Value, 2> ropeTable(Value positions);
  Value gatherRows(Value x, Value which) {
    return graph::GatherRowsOp::create(builder, loc, x, which);
  }
  Value head(Value x) {
    Weight w = weight("lm_head");
    return graph::LmHeadOp::create(builder, loc, rows(config.vocabSize, plan::sizeOutputs), x,
                                   w.data, w.scales, w.block);
  }
  Value embed(Value tokens) {
    return graph::EmbeddingOp::create(builder, loc, rows(config.hiddenSize), tokens,
                                      weight("embed_tokens").data);
  }

  OpBuilder builder;
  const ModelConfig &config;
  const ImportOptions &options;
  ModuleOp module;
  Location loc;
};

} // namespace

func::FuncOp ModelBuilder::beginFunction(StringRef name,
                                         ArrayRef<std::pair<StringRef, Type>> inputs,
                                         ArrayRef<std::pair<StringRef, Type>> outputs) {
  SmallVector<Type> inputTypes, outputTypes;
  for (auto &[label, type] : inputs) {
    inputTypes.push_back(type);
  }
  for (auto &[label, type] : outputs) {
    outputTypes.push_back(type);
  }
  builder.setInsertionPointToEnd(module.getBody());
  auto function =
      func::FuncOp::create(builder, loc, name, builder.getFunctionType(inputTypes, outputTypes));
  for (auto [index, port] : llvm::enumerate(inputs)) {
    function.setArgAttr(index, graph::nameAttrName, builder.getStringAttr(port.first));
  }
  for (auto [index, port] : llvm::enumerate(outputs)) {
    function.setResultAttr(index, graph::nameAttrName, builder.getStringAttr(port.first));
  }
  builder.setInsertionPointToStart(function.addEntryBlock());
  return function;
}

std::array<Value, 2> ModelBuilder::ropeTable(Value positions) {
  std::vector<float> frequencies = config.ropeInverseFrequencies();
  auto op = graph::RopeTableOp::create(
      builder, loc, TypeRange{rows(config.qkRopeHeadDim / 2), rows(config.qkRopeHeadDim / 2)},
      positions, builder.getDenseF32ArrayAttr(frequencies),
      builder.getF32FloatAttr(config.ropeMultiplier()));
  return {op.getCos(), op.getSin()};
}

/// `step` is cos, sin, positions, requests, cache.
Value ModelBuilder::attention(const std::string &prefix, Value x, ValueRange step) {
  // transformers gives the inner norms a fixed eps of 1e-6, whatever rms_norm_eps says.
  constexpr double innerEps = 1e-6;
  int64_t nope = config.qkNopeHeadDim, rope = config.qkRopeHeadDim;
  Value query =
      config.qLoraRank
          ? linear(norm(linear(x, prefix + "q_a_proj"), prefix + "q_a_layernorm", innerEps),
                   prefix + "q_b_proj")
          : linear(x, prefix + "q_proj");
  query = graph::SplitHeadsOp::create(builder, loc, query, config.numAttentionHeads);
  Value queryNope = slice(query, 0, nope);
  Value queryRope = graph::RopeOp::create(builder, loc, slice(query, nope, rope), step[0], step[1]);

  Value compressed = linear(x, prefix + "kv_a_proj_with_mqa");
  Value latent = norm(slice(compressed, 0, config.kvLoraRank), prefix + "kv_a_layernorm", innerEps);
  Value key = graph::RopeOp::create(builder, loc, slice(compressed, config.kvLoraRank, rope),
                                    step[0], step[1]);
  graph::CacheAppendOp::create(builder, loc, step[4], latent, key, step[2], step[3]);

  Weight kvB = weight(prefix + "kv_b_proj");
  Value values = graph::MlaAttentionOp::create(
      builder, loc, heads(config.vHeadDim), queryNope, queryRope, kvB.data, step[4], step[2],
      step[3], kvB.scales, builder.getF64FloatAttr(config.softmaxScale()), kvB.block);
  return linear(graph::MergeHeadsOp::create(builder, loc, values), prefix + "o_proj");
}

Value ModelBuilder::experts(const std::string &prefix, Value x) {
  Value logits = linear(x, prefix + "gate");
  auto router = graph::RouterOp::create(
      builder, loc, logits, weight(prefix + "e_score_correction_bias").data,
      builder.getI64IntegerAttr(config.nGroup), builder.getI64IntegerAttr(config.topkGroup),
      builder.getI64IntegerAttr(config.numExpertsPerTok),
      builder.getF64FloatAttr(config.routedScalingFactor),
      config.normTopkProb ? builder.getUnitAttr() : UnitAttr());
  graph::ObserveOp::create(builder, loc, plan::observedExperts, router.getExperts(), IntegerAttr());
  graph::ObserveOp::create(builder, loc, plan::observedWeights, router.getWeights(), IntegerAttr());
  Weight gateUp = weight(prefix + "experts.gate_up_proj"),
         down = weight(prefix + "experts.down_proj");
  Value routed = graph::ExpertsOp::create(builder, loc, x, router.getExperts(), router.getWeights(),
                                          gateUp.data, down.data, gateUp.scales, down.scales,
                                          gateUp.block, down.block);
  if (config.nSharedExperts == 0) {
    return routed;
  }
  return graph::AddOp::create(builder, loc, routed, mlp(x, prefix + "shared_experts."));
}

void ModelBuilder::buildLayer(const Kind &kind) {
  int64_t half = config.qkRopeHeadDim / 2;
  func::FuncOp function = beginFunction(kind.name,
                                        {{"x", rows(config.hiddenSize)},
                                         {"cos", rows(half)},
                                         {"sin", rows(half)},
                                         {"positions", ids()},
                                         {"requests", ids()},
                                         {"cache", cacheType()}},
                                        {{"x", rows(config.hiddenSize)}});
  function.setPrivate();
  function->setAttr(graph::layersAttrName, builder.getDenseI64ArrayAttr(kind.layers));
  Value x = function.getArgument(0);
  ValueRange step = function.getArguments().drop_front();
  const std::string prefix = kind.name + ".";
  Value attended = attention(prefix, norm(x, prefix + "input_layernorm", config.rmsNormEps), step);
  Value middle = graph::AddOp::create(builder, loc, x, attended);
  Value normed = norm(middle, prefix + "post_attention_layernorm", config.rmsNormEps);
  Value out = kind.moe ? experts(prefix, normed) : mlp(normed, prefix);
  func::ReturnOp::create(builder, loc, Value(graph::AddOp::create(builder, loc, middle, out)));
}

Value ModelBuilder::callLayer(const Kind &kind, int64_t layer, Value x, ValueRange step) {
  SmallVector<Value> inputs{x};
  inputs.append(step.begin(), step.end());
  return graph::CallLayerOp::create(builder, loc, TypeRange{x.getType()},
                                    FlatSymbolRefAttr::get(builder.getContext(), kind.name),
                                    builder.getI64IntegerAttr(layer), inputs)
      .getResult(0);
}

void ModelBuilder::buildForward(const std::vector<Kind> &kinds) {
  func::FuncOp function =
      beginFunction("forward",
                    {{plan::portIds, ids()},
                     {plan::portPositions, ids()},
                     {plan::portRequests, ids()},
                     {plan::portRows, ids(plan::sizeOutputs)},
                     {plan::portSampling, samplingRows()},
                     {"cache", cacheType()}},
                    {{plan::portLogits, rows(config.vocabSize, plan::sizeOutputs)},
                     {plan::portNormed, rows(config.hiddenSize, plan::sizeOutputs)},
                     {plan::portTokens, ids(plan::sizeOutputs)}});
  function->setAttr(graph::entryAttrName,
                    builder.getDictionaryAttr(builder.getNamedAttr(
                        graph::entryRoleKey, builder.getStringAttr(plan::roleStep))));
  auto [cos, sin] = ropeTable(function.getArgument(1));
  Value step[] = {cos, sin, function.getArgument(1), function.getArgument(2),
                  function.getArgument(5)};
  Value x = embed(function.getArgument(0));
  graph::ObserveOp::create(builder, loc, plan::observedHidden, x, builder.getI64IntegerAttr(0));
  for (int64_t layer = 0; layer < config.numHiddenLayers; ++layer) {
    const Kind &kind = *llvm::find_if(
        kinds, [&](const Kind &kind) { return llvm::is_contained(kind.layers, layer); });
    x = callLayer(kind, layer, x, step);
    graph::ObserveOp::create(builder, loc, plan::observedHidden, x,
                             builder.getI64IntegerAttr(layer + 1));
  }
  Value normed = norm(gatherRows(x, function.getArgument(3)), "norm", config.rmsNormEps);
  Value logits = head(normed);
  Value tokens = graph::SampleOp::create(builder, loc, ids(plan::sizeOutputs), logits,
                                         function.getArgument(4));
  func::ReturnOp::create(builder, loc, {logits, normed, tokens});
}

void ModelBuilder::buildMtp(const Kind &kind) {
  func::FuncOp function =
      beginFunction("mtp",
                    {{plan::portIds, ids()},
                     {plan::portHidden, rows(config.hiddenSize)},
                     {plan::portPositions, ids()},
                     {plan::portRequests, ids()},
                     {plan::portRows, ids(plan::sizeOutputs)},
                     {"cache", cacheType()}},
                    {{plan::portLogits, rows(config.vocabSize, plan::sizeOutputs)},
                     {plan::portNormed, rows(config.hiddenSize, plan::sizeOutputs)}});
  function->setAttr(graph::entryAttrName,
                    builder.getDictionaryAttr(builder.getNamedAttr(
                        graph::entryRoleKey, builder.getStringAttr(plan::roleMtp))));
  auto [cos, sin] = ropeTable(function.getArgument(2));
  Value step[] = {cos, sin, function.getArgument(2), function.getArgument(3),
                  function.getArgument(5)};
  Value token = norm(embed(function.getArgument(0)), "mtp.enorm", config.rmsNormEps);
  Value hidden = norm(function.getArgument(1), "mtp.hnorm", config.rmsNormEps);
  Value x = linear(graph::ConcatOp::create(builder, loc, token, hidden), "mtp.eh_proj");
  x = callLayer(kind, config.numHiddenLayers, x, step);
  Value normed =
      norm(gatherRows(x, function.getArgument(4)), "mtp.shared_head_norm", config.rmsNormEps);
  // Like the model's, whose norm is the same kernel then.
  func::ReturnOp::create(builder, loc, {head(normed), normed});
}

OwningOpRef<ModuleOp> ModelBuilder::build(const StoredType &storedType) {
  OwningOpRef<ModuleOp> owner(module);
  std::vector<Kind> kinds;
  int64_t layers = config.numHiddenLayers + (options.mtp ? 1 : 0);
  for (int64_t layer = 0; layer < layers; ++layer) {
    bool moe = layer < config.numHiddenLayers ? config.isMoeLayer(layer) : config.isMtpLayerMoe();
    std::optional<std::string> signature =
        signatureOf(layerSlots(config, moe), layer, storedType, loc);
    if (!signature) {
      return nullptr;
    }
    auto known = llvm::find_if(kinds, [&](const Kind &k) { return k.signature == *signature; });
    if (known != kinds.end()) {
      known->layers.push_back(layer);
      continue;
    }
    std::string name = moe ? "moe" : "dense";
    int64_t same = llvm::count_if(kinds, [&](const Kind &k) { return k.moe == moe; });
    if (same > 0) {
      name += std::to_string(same);
    }
    kinds.push_back({name, *signature, moe, {layer}});
  }
  declareParameters(module, config, "", modelSlots(config), {}, storedType);
  if (options.mtp) {
    declareParameters(module, config, "mtp", mtpSlots(config), {}, storedType);
  }
  for (const Kind &kind : kinds) {
    declareParameters(module, config, kind.name, layerSlots(config, kind.moe), kind.layers,
                      storedType);
  }
  for (const Kind &kind : kinds) {
    buildLayer(kind);
  }
  buildForward(kinds);
  if (options.mtp) {
    buildMtp(*llvm::find_if(kinds, [&](const Kind &kind) {
      return llvm::is_contained(kind.layers, config.numHiddenLayers);
    }));
  }
  return owner;
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const ModelConfig &config,
                                  const StoredType &storedType, const ImportOptions &options) {
  context.loadDialect<graph::GraphDialect, func::FuncDialect>();
  return ModelBuilder(context, config, options).build(storedType);
}

StoredType publishedTypes(const ModelConfig &config) {
  ModelConfig whole = config;
  whole.numNextnPredictLayers = 1; // whether or not the MTP module is imported
  auto types = std::make_shared<llvm::StringMap<DType>>();
  for (const checkpoint::ExpectedTensor &tensor : checkpoint::expectedTensors(whole)) {
    types->try_emplace(tensor.key, checkpoint::publishedType(config, tensor.role));
  }
  return [types = std::move(types)](StringRef key) {
    auto found = types->find(key);
    assert(found != types->end() && "a tensor that the configuration implies");
    return found->second;
  };
}

} // namespace dsv3::import
