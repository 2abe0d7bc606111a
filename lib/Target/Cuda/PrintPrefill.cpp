//===- PrintPrefill.cpp - calls of expand_latents and prefill_attention ---===//
//
// Both read and write matrices by boxes: tensor maps of all of them.
//
//===----------------------------------------------------------------------===//
#include "PrintParts.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {

/// Rows of boxes: of a product's weight, of a group, and of a warp.
static constexpr int64_t tileRows = 128, groupRows = 64, warpRows = 16;

/// Of a matrix with a row for each head and column, as weights and values are.
static std::string columnsMap(const KernelText &kernel, Value value, int64_t boxRows) {
  int64_t columns = lastDim(value);
  int64_t rows = cast<RankedTensorType>(value.getType()).getNumElements() / columns;
  return mapText(kernel, value, {rows, -1}, columns, boxRows);
}

FamilyText print(KernelText &kernel, kern::ExpandLatentsOp op) {
  kernel.setName(op.getWeight(), "weight");
  kernel.setName(op.getPositions(), "positions");
  kernel.setName(op.getRequests(), "requests");
  kernel.setName(op.getCache(), "cache");
  kernel.setName(op.getKeysDestination(), "keys");
  kernel.setName(op.getRopeKeysDestination(), "ropeKeys");
  kernel.setName(op.getValuesDestination(), "values");
  FamilyText text{"expand_latents", {}, {}, {}};
  text.persistent = true;
  text.tensorMaps = {{columnsMap(kernel, op.getWeight(), tileRows), "weightMap"},
                     {mapText(kernel, op.getKeysDestination(), warpRows), "keysMap"},
                     {columnsMap(kernel, op.getValuesDestination(), warpRows), "valuesMap"}};
  text.checks =
      "using TheCache = " + kernel.cacheType(op.getCache()) + ";\n  " +
      sharedCheck(kernel,
                  llvm::formatv("ExpandShared<TheCache, {0}>::bytes", kernel.field("stages"))) +
      llvm::formatv(
          "\n  static_assert(2 * productRows == {0} && WarpBoxes::rows == {1}, \"boxes\");",
          tileRows, warpRows)
          .str();
  text.call = llvm::formatv(
      "expandLatents<{0}, {1}, {2}, {3}, {4}>(launch, &weightMap, &keysMap, &valuesMap, {5}, {6},"
      "\n    TheCache{{{7}, {8}}, {9}, {10});",
      dimOf(op.getKeys(), 1), dimOf(op.getKeys(), 2), dimOf(op.getValues(), 1),
      kernel.field("stages"), op.getCache().getType().getMaxContext(),
      kernel.name(op.getPositions()), kernel.name(op.getRequests()), kernel.pages(op.getCache()),
      kernel.pageTable(op.getCache()), kernel.name(op.getRopeKeysDestination()),
      KernelText::rowCount(op.getPositions()));
  return text;
}

FamilyText print(KernelText &kernel, kern::PrefillAttentionOp op) {
  kernel.setName(op.getQuery(), "query");
  kernel.setName(op.getRopeQuery(), "ropeQuery");
  kernel.setName(op.getKeys(), "keys");
  kernel.setName(op.getRopeKeys(), "ropeKeys");
  kernel.setName(op.getValues(), "values");
  kernel.setName(op.getPositions(), "positions");
  kernel.setName(op.getRequests(), "requests");
  kernel.setName(op.getDestination(), "out");
  FamilyText text{"prefill_attention", {}, {}, {}};
  text.tensorMaps = {{mapText(kernel, op.getQuery(), groupRows), "queryMap"},
                     {mapText(kernel, op.getRopeQuery(), groupRows), "ropeQueryMap"},
                     {mapText(kernel, op.getKeys(), tileRows), "keysMap"},
                     {mapText(kernel, op.getRopeKeys(), tileRows), "ropeKeysMap"},
                     {columnsMap(kernel, op.getValues(), dimOf(op.getValues(), 1)), "valuesMap"},
                     {mapText(kernel, op.getDestination(), warpRows), "outMap"}};
  int64_t nope = dimOf(op.getKeys(), 2), rope = lastDim(op.getRopeKeys());
  int64_t value = dimOf(op.getValues(), 1);
  int64_t context = op.getContextAttr().getInt();
  int64_t requests = dimOf(op.getKeys(), 0) / kern::expandedRows(context);
  text.checks =
      sharedCheck(kernel, llvm::formatv("PrefillShared<{0}, {1}, {2}>::bytes", nope, rope, value)) +
      llvm::formatv(
          "\n  static_assert(pieceKeys == {0} && productRows == {1} && WarpBoxes::rows == "
          "{2}, \"boxes\");",
          tileRows, groupRows, warpRows)
          .str();
  text.call = llvm::formatv(
      "prefillAttention<{0}, {1}, {2}, ExpandedKeys<{3}, {4}>>(launch, {5},\n    {6},\n    "
      "&queryMap, &ropeQueryMap, &keysMap, &ropeKeysMap, &valuesMap, &outMap, {7}, {8}, {9}, "
      "{10});",
      nope, rope, value, context, requests, kernel.rows(op.getQuery()),
      kernel.rows(op.getRopeQuery()), kernel.name(op.getPositions()), kernel.name(op.getRequests()),
      KernelText::rowCount(op.getResult()), floatText(op.getScale().convertToDouble()));
  return text;
}

} // namespace dsv3::cuda
