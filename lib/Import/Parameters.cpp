//===- Parameters.cpp - the parameters of an imported module --------------===//
//
// Which tensors there are, lib/Checkpoint says; here is which of them make a parameter. A
// block of scales of a parameter never crosses a block of the checkpoint nor the border of
// two pieces or groups; so its size is a common divisor.
//
//===----------------------------------------------------------------------===//
#include "Parameters.h"

#include "Plan/Plan.h"
#include "dsv3/Plan/Key.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

#include <cassert>
#include <numeric>

using namespace mlir;

namespace dsv3::import {

/// The slot that a tensor of a layer, of the model or of the MTP module goes into:
/// "experts.gate_proj" for "model.layers.{layer}.mlp.experts.{expert}.gate_proj.weight".
static std::string slotName(StringRef key) {
  key.consume_front("model.");
  if (key.consume_front("layers.")) {
    key = key.split('.').second;
  }
  key.consume_front("self_attn.");
  key.consume_front("mlp.");
  key.consume_back(".weight");
  if (key.ends_with("e_score_correction_bias")) {
    return "e_score_correction_bias";
  }
  if (key == "shared_head.norm") {
    return "shared_head_norm";
  }
  StringRef rest = key;
  bool ofExpert = rest.consume_front("experts.") && rest.consume_front(expertMark);
  return ofExpert ? ("experts" + rest).str() : key.str();
}

/// A slot for each tensor, but for up_proj, which joins the gate_proj before it.
static std::vector<Slot> slotsOf(const std::vector<checkpoint::ExpectedTensor> &tensors,
                                 const checkpoint::ModelConfig &config) {
  std::vector<Slot> slots;
  for (const checkpoint::ExpectedTensor &tensor : tensors) {
    if (tensor.role == checkpoint::TensorRole::MtpCopy) {
      continue;
    }
    std::string name = slotName(tensor.key);
    if (StringRef(name).ends_with("up_proj")) {
      assert(!slots.empty() && StringRef(slots.back().name).ends_with("gate_up_proj") &&
             "up_proj follows its gate_proj in the checkpoint's list");
      Slot &joined = slots.back();
      joined.shape[joined.shape.size() - 2] += tensor.shape[0];
      joined.pieces.push_back(tensor);
      continue;
    }
    Slot slot{name, tensor.shape, {tensor}};
    if (name == "kv_b_proj") {
      slot.groupStride = config.qkNopeHeadDim + config.vHeadDim;
      slot.shape = {config.numAttentionHeads, slot.groupStride, config.kvLoraRank};
    } else if (plan::namesExpert(tensor.key)) {
      slot.shape.insert(slot.shape.begin(), config.nRoutedExperts);
    }
    if (StringRef gate = name; gate.consume_back("gate_proj")) {
      slot.name = (gate + "gate_up_proj").str();
    }
    slots.push_back(std::move(slot));
  }
  return slots;
}

std::vector<Slot> layerSlots(const checkpoint::ModelConfig &config, bool moe) {
  return slotsOf(checkpoint::layerPatterns(config, moe), config);
}

std::vector<Slot> modelSlots(const checkpoint::ModelConfig &config) {
  std::vector<Slot> slots = slotsOf(checkpoint::modelTensors(config), config);
  if (config.tieWordEmbeddings) {
    // A tied head reads the embedding's tensor, in the layout of a head.
    assert(slots.front().name == "embed_tokens" && "the embedding is first in the list");
    Slot head = slots.front();
    head.name = "lm_head";
    slots.push_back(std::move(head));
  }
  return slots;
}

std::vector<Slot> mtpSlots(const checkpoint::ModelConfig &config) {
  return slotsOf(checkpoint::mtpTensors(config), config);
}

std::optional<std::string> signatureOf(const std::vector<Slot> &slots, int64_t layer,
                                       const StoredType &storedType, Location loc) {
  std::string signature;
  for (const Slot &slot : slots) {
    std::optional<DType> type;
    std::string first;
    int64_t groups = slot.shape.size() == 3 && slot.groupStride == 0 ? slot.shape[0] : 1;
    for (const checkpoint::ExpectedTensor &piece : slot.pieces) {
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
    assert(type && "a parameter has pieces");
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
    for (const checkpoint::ExpectedTensor &piece : slot.pieces) {
      StringAttr scaleKey = scaled ? builder.getStringAttr(piece.scaleKey()) : StringAttr();
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
        TypeAttr::get(RankedTensorType::get(slot.shape, planir::typeOf(stored, context))),
        /*stored=*/TypeAttr(), block, builder.getI64IntegerAttr(pieces),
        layers.empty() ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(layers),
        builder.getArrayAttr(segments));
  }
}

} // namespace dsv3::import
