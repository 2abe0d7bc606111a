//===- Parameters.cpp - the parameters of an imported module --------------===//
//
// Key names are those of the published checkpoints (README_WEIGHTS.md of the
// model's repository). A block of scales of a parameter never crosses a block of the
// checkpoint nor the border of two pieces or groups; so its size is a common divisor.
//
//===----------------------------------------------------------------------===//
#include "Parameters.h"

#include "Plan/Plan.h"
#include "dsv3/Plan/Key.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

#include <numeric>

using namespace mlir;

namespace dsv3::import {

static Slot vectorSlot(std::string name, std::string key, int64_t size) {
  return Slot{std::move(name), {size}, {Piece{std::move(key), {size}}}};
}

static Slot matrixSlot(std::string name, std::string key, int64_t rows, int64_t columns) {
  return Slot{std::move(name), {rows, columns}, {Piece{std::move(key), {rows, columns}}}};
}

/// gate_proj and up_proj as one parameter, and down_proj. `groups` 0: not experts.
static void addMlp(std::vector<Slot> &slots, const std::string &name, const std::string &prefix,
                   int64_t groups, int64_t width, int64_t hidden) {
  auto shape = [&](int64_t rows, int64_t columns) {
    return groups ? std::vector<int64_t>{groups, rows, columns}
                  : std::vector<int64_t>{rows, columns};
  };
  slots.push_back({name + "gate_up_proj",
                   shape(2 * width, hidden),
                   {Piece{prefix + "gate_proj.weight", {width, hidden}},
                    Piece{prefix + "up_proj.weight", {width, hidden}}}});
  slots.push_back({name + "down_proj",
                   shape(hidden, width),
                   {Piece{prefix + "down_proj.weight", {hidden, width}}}});
}

std::vector<Slot> layerSlots(const checkpoint::ModelConfig &config, bool moe) {
  const std::string layer = "model.layers.{layer}.", attention = layer + "self_attn.";
  int64_t hidden = config.hiddenSize, heads = config.numAttentionHeads;
  int64_t keyValue = config.qkNopeHeadDim + config.vHeadDim;
  std::vector<Slot> slots;
  slots.push_back(vectorSlot("input_layernorm", layer + "input_layernorm.weight", hidden));
  if (config.qLoraRank) {
    slots.push_back(
        matrixSlot("q_a_proj", attention + "q_a_proj.weight", *config.qLoraRank, hidden));
    slots.push_back(
        vectorSlot("q_a_layernorm", attention + "q_a_layernorm.weight", *config.qLoraRank));
    slots.push_back(matrixSlot("q_b_proj", attention + "q_b_proj.weight",
                               heads * config.qkHeadDim(), *config.qLoraRank));
  } else {
    slots.push_back(
        matrixSlot("q_proj", attention + "q_proj.weight", heads * config.qkHeadDim(), hidden));
  }
  slots.push_back(matrixSlot("kv_a_proj_with_mqa", attention + "kv_a_proj_with_mqa.weight",
                             config.kvLoraRank + config.qkRopeHeadDim, hidden));
  slots.push_back(
      vectorSlot("kv_a_layernorm", attention + "kv_a_layernorm.weight", config.kvLoraRank));
  slots.push_back({"kv_b_proj",
                   {heads, keyValue, config.kvLoraRank},
                   {Piece{attention + "kv_b_proj.weight", {heads * keyValue, config.kvLoraRank}}},
                   keyValue});
  slots.push_back(
      matrixSlot("o_proj", attention + "o_proj.weight", hidden, heads * config.vHeadDim));
  slots.push_back(
      vectorSlot("post_attention_layernorm", layer + "post_attention_layernorm.weight", hidden));
  const std::string mlp = layer + "mlp.";
  if (!moe) {
    addMlp(slots, "", mlp, 0, config.intermediateSize, hidden);
    return slots;
  }
  slots.push_back(matrixSlot("gate", mlp + "gate.weight", config.nRoutedExperts, hidden));
  slots.push_back(vectorSlot("e_score_correction_bias", mlp + "gate.e_score_correction_bias",
                             config.nRoutedExperts));
  addMlp(slots, "experts.", mlp + "experts.{expert}.", config.nRoutedExperts,
         config.moeIntermediateSize, hidden);
  if (config.nSharedExperts > 0) {
    addMlp(slots, "shared_experts.", mlp + "shared_experts.", 0,
           config.moeIntermediateSize * config.nSharedExperts, hidden);
  }
  return slots;
}

std::vector<Slot> modelSlots(const checkpoint::ModelConfig &config) {
  std::vector<Slot> slots;
  slots.push_back(
      matrixSlot("embed_tokens", "model.embed_tokens.weight", config.vocabSize, config.hiddenSize));
  slots.push_back(vectorSlot("norm", "model.norm.weight", config.hiddenSize));
  // A tied head reads the embedding's tensor, in the layout of a head.
  slots.push_back(matrixSlot(
      "lm_head", config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight",
      config.vocabSize, config.hiddenSize));
  return slots;
}

std::vector<Slot> mtpSlots(const checkpoint::ModelConfig &config) {
  const std::string layer = "model.layers." + std::to_string(config.numHiddenLayers) + ".";
  int64_t hidden = config.hiddenSize;
  std::vector<Slot> slots;
  slots.push_back(vectorSlot("enorm", layer + "enorm.weight", hidden));
  slots.push_back(vectorSlot("hnorm", layer + "hnorm.weight", hidden));
  slots.push_back(matrixSlot("eh_proj", layer + "eh_proj.weight", hidden, 2 * hidden));
  slots.push_back(vectorSlot("shared_head_norm", layer + "shared_head.norm.weight", hidden));
  return slots;
}

std::optional<std::string> signatureOf(const std::vector<Slot> &slots, int64_t layer,
                                       const StoredType &storedType, Location loc) {
  std::string signature;
  for (const Slot &slot : slots) {
    std::optional<DType> type;
    std::string first;
    int64_t groups = slot.shape.size() == 3 && slot.groupStride == 0 ? slot.shape[0] : 1;
    for (const Piece &piece : slot.pieces) {
      for (int64_t group = 0; group < groups; ++group) {
        std::string key = plan::expandKey(piece.key, layer, group);
        DType stored = storedType(key);
        if (type && *type != stored) {
          emitError(loc) << "'" << key << "' is stored as " << name(stored) << ", but '" << first
                         << "' as " << name(*type) << "; they are computed together as '"
                         << slot.name << "': store both with the same type";
          return std::nullopt;
        }
        if (!type) {
          type = stored;
          first = key;
        }
      }
    }
    signature += slot.name + ":" + std::string(name(*type)) + ";";
  }
  return signature;
}

/// The largest divisor of `block` that divides every border in `borders`.
static int64_t commonBlock(int64_t block, std::initializer_list<int64_t> borders) {
  for (int64_t border : borders) {
    block = std::gcd(block, border);
  }
  return block;
}

void declareParameters(ModuleOp module, const checkpoint::ModelConfig &config, StringRef prefix,
                       const std::vector<Slot> &slots, ArrayRef<int64_t> layers,
                       const StoredType &storedType) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  MLIRContext *context = module.getContext();
  for (const Slot &slot : slots) {
    int64_t layer = layers.empty() ? 0 : layers.front();
    DType stored = storedType(plan::expandKey(slot.pieces.front().key, layer, 0));
    bool scaled = stored == DType::F8E4M3;
    int64_t rows = slot.shape.size() == 1 ? 1 : slot.shape[slot.shape.size() - 2];
    int64_t pieces = static_cast<int64_t>(slot.pieces.size());
    SmallVector<Attribute> segments;
    for (const Piece &piece : slot.pieces) {
      StringAttr scaleKey = scaled ? builder.getStringAttr(piece.key + "_scale_inv") : StringAttr();
      segments.push_back(graph::SegmentAttr::get(context, builder.getStringAttr(piece.key),
                                                 scaleKey, piece.shape, rows / pieces,
                                                 /*first_row=*/0, slot.groupStride,
                                                 /*transposed=*/false));
    }
    DenseI64ArrayAttr block;
    if (scaled) {
      int64_t blockRows = config.quantization->weightBlockSize[0];
      // Pieces and groups begin at multiples of their rows; one alone has no border.
      if (pieces > 1) {
        blockRows = commonBlock(blockRows, {rows / pieces});
      }
      if (slot.groupStride) {
        blockRows = commonBlock(blockRows, {slot.groupStride});
      }
      block = builder.getDenseI64ArrayAttr({blockRows, config.quantization->weightBlockSize[1]});
    }
    std::string name = prefix.empty() ? slot.name : (prefix + "." + slot.name).str();
    graph::ParameterOp::create(
        builder, module.getLoc(), builder.getStringAttr(name),
        TypeAttr::get(RankedTensorType::get(slot.shape, planir::typeOf(stored, context))), block,
        builder.getI64IntegerAttr(pieces),
        layers.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(layers),
        builder.getArrayAttr(segments));
  }
}

} // namespace dsv3::import
