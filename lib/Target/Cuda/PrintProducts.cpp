//===- PrintProducts.cpp - calls of gemm and grouped_gemm -----------------===//
//
// The forms of products, and what those of warp groups have besides: tensor maps of their weight,
// of their rows and of their result.
//
//===----------------------------------------------------------------------===//
#include "PrintParts.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {

int64_t widenedBits(Operation *core) {
  return llvm::TypeSwitch<Operation *, int64_t>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp, kern::ExpandedAttentionOp>([](auto op) {
        auto type = cast<RankedTensorType>(op.getWeight().getType());
        return op.getPrologue().empty() ? 0 : type.getElementTypeBitWidth();
      });
}

/// The tile of a form on tensor cores: "MmaTile<128, 64, 3>"; of a weight of FP8 that is rounded on
/// its way "MmaTile<128, 64, 3, 8>"; of warp groups "WgmmaTile<128, 128, 6, 2, 4>", the last being
/// how many blocks share the weight, and how many divide the depth.
static std::string tileText(const KernelText &kernel) {
  plan::GpuProduct form = formOf(kernel);
  kern::DefOp definition = kernel.definition;
  std::string last;
  if (isOfWarpGroups(form)) {
    last = llvm::formatv(", {0}, {1}", clusterBlocks(form), kernel.field("depth_parts"));
  } else if (int64_t bits = widenedBits(definition.getCore())) {
    last = llvm::formatv(", {0}", bits);
  }
  return llvm::formatv("{0}<{1}, {2}, {3}{4}>", isOfWarpGroups(form) ? "WgmmaTile" : "MmaTile",
                       kernel.field("rows"), kernel.field("columns"), kernel.field("stages"), last);
}

/// The function of a form: `name` and its kind, then its template arguments, of which all have
/// `shape` and `last`.
static std::string productFunction(const KernelText &kernel, const std::string &name,
                                   const std::string &shape, const std::string &last) {
  switch (formOf(kernel)) {
  case plan::GpuProduct::Dots:
    return llvm::formatv("{0}Rows<{1}, {2}, {3}{4}>", name, shape, kernel.field("rows"),
                         kernel.field("threads"), last);
  case plan::GpuProduct::FmaTiles:
    return name + "Tiles<" + shape + last + ">";
  case plan::GpuProduct::MmaTiles:
    return name + "Mma<" + shape + ", " + tileText(kernel) + last + ">";
  case plan::GpuProduct::WgmmaTiles:
  case plan::GpuProduct::WgmmaPairs:
    return name + "Wgmma<" + shape + ", " + tileText(kernel) + last + ">";
  }
  llvm_unreachable("all forms are handled");
}

std::string mapText(const KernelText &kernel, Value value, KernelText::RowCount rows,
                    int64_t rowElements, int64_t boxRows) {
  int64_t bits = cast<RankedTensorType>(value.getType()).getElementTypeBitWidth();
  return llvm::formatv("{0}, {1}, {2}, {3}, {4}", kernel.parameterOf(value), rows.each, rows.size,
                       rowElements * bits / 8, boxRows);
}
std::string mapText(const KernelText &kernel, Value value, int64_t boxRows) {
  return mapText(kernel, value, kernel.sizedRows(value), KernelText::strides(value).row, boxRows);
}

/// What forms of warp groups have besides: the tensor map of their weight, of which a box is a part
/// of a product, or what each block of a cluster brings of it.
static void addWeightMap(const KernelText &kernel, FamilyText &text, Value weight, int64_t parts) {
  int64_t blocks = clusterBlocks(formOf(kernel));
  int64_t boxRows = 128 / (parts * blocks), columns = lastDim(weight);
  int64_t rows = cast<RankedTensorType>(weight.getType()).getNumElements() / columns;
  text.persistent = true;
  text.tensorMaps.push_back({mapText(kernel, weight, {rows, -1}, columns, boxRows), "weightMap"});
  text.checks += llvm::formatv("\n  static_assert(productColumns / {0} == {1} && {2}::threads == "
                               "{3}, \"boxes and threads\");",
                               parts * blocks, boxRows, tileText(kernel), kernel.field("threads"));
}

/// What DSV3_CLUSTERS is given for a product with `columns` columns in each of `groups`.
static std::string clustersText(const KernelText &kernel, bool grouped, int64_t groups,
                                int64_t columns) {
  int64_t columnTiles = plan::ceilDiv(columns, kernel.field("columns"));
  return llvm::formatv("{0}, {1}, {2}, {3}", clusterBlocks(formOf(kernel)),
                       plan::fewTilesOfPairs(grouped, groups, columnTiles),
                       kernel.field("depth_parts"), plan::dividingBlocks());
}

/// Where warps of such forms store boxes: the tensor map of their result, and the argument behind
/// the epilogue: ", boxedRows(Rows<bf16, 0, 128, 128>{out}, &outMap)".
static std::string addBoxes(const KernelText &kernel, FamilyText &text, Value destination,
                            int64_t parts) {
  constexpr int64_t boxRows = 16;
  text.tensorMaps.push_back({mapText(kernel, destination, boxRows), "outMap"});
  text.checks += llvm::formatv("\n  static_assert(WarpBoxes::rows == {0} && "
                               "WarpBoxes::count({1}) == {2}, \"boxes of results\");",
                               boxRows, parts, kernel.field("boxes"));
  return ", boxedRows(" + kernel.rows(destination) + ", &outMap)";
}

/// The assertion on the shared memory of a product's form, if it has any.
static std::string sharedText(const KernelText &kernel, int64_t parts, int64_t group) {
  plan::GpuProduct form = formOf(kernel);
  std::string bytes;
  switch (form) {
  case plan::GpuProduct::Dots:
    if (group == 0) {
      return "";
    }
    bytes = llvm::formatv("stagedBytes({0}, {1})", kernel.field("rows"), group);
    break;
  case plan::GpuProduct::FmaTiles:
    bytes = llvm::formatv("FmaTile::sharedBytes({0})", parts);
    bytes += group > 0 ? llvm::formatv(" + stagedBytes(FmaTile::rows, {0})", group).str() : "";
    break;
  case plan::GpuProduct::MmaTiles:
    bytes = llvm::formatv("{0}::sharedBytes({1})", tileText(kernel), parts);
    break;
  case plan::GpuProduct::WgmmaTiles:
  case plan::GpuProduct::WgmmaPairs:
    bytes = llvm::formatv("{0}::sharedBytes({1}, {2}, {3})", tileText(kernel), parts, group,
                          kernel.field("boxes"));
    break;
  }
  return sharedCheck(kernel, bytes);
}

/// What both products print alike; `end` is the end of the call: epilogue and stage.
template <typename OpT>
static FamilyText beginProduct(KernelText &kernel, OpT op, std::string &end) {
  kernel.setName(op.getA(), "a");
  kernel.setName(op.getAScales(), "aScales");
  kernel.setName(op.getWeight(), "weight");
  kernel.setName(op.getScales(), "scales");
  kernel.setName(op.getDestination(), "out");
  kernel.setName(op.getScalesDestination(), "outScales");
  FamilyText text;
  text.declarations = prologueText(kernel, op.getPrologue());
  auto parts = static_cast<int64_t>(op.getParts());
  auto group = static_cast<int64_t>(op.getQuantiseGroup().value_or(0));
  plan::GpuProduct form = formOf(kernel);
  bool boxed = isOfWarpGroups(form) && kernel.field("boxes") > 0;
  end = addEpilogue(kernel, text, op.getEpilogue(), op.getEpilogueInputs(), op.getAccess(), parts,
                    group > 0 || boxed ? ValueRange() : ValueRange(op.getDestination()));
  text.checks = sharedText(kernel, parts, group);
  if (group > 0) {
    end += stageText(kernel, op.getDestination(), op.getScalesDestination(),
                     static_cast<uint64_t>(group), op.getUe8m0());
  }
  assert((op.getPrologue().empty() || !isOfWarpGroups(form)) &&
         "warp groups multiply a weight as it is stored");
  if (isOfWarpGroups(form)) {
    addWeightMap(kernel, text, op.getWeight(), parts);
  }
  if (boxed) {
    end += addBoxes(kernel, text, op.getDestination(), parts);
  }
  return text;
}

/// Of a row of a box.
static constexpr int64_t boxBytes = 128;

/// Whether warp groups copy rows of such elements by boxes: what lies behind the last columns of a
/// row is zeros, since no others follow.
static bool fillBoxes(Value rows) {
  int64_t bits = cast<RankedTensorType>(rows.getType()).getElementTypeBitWidth();
  int64_t columns = lastDim(rows);
  return columns * bits / 8 % boxBytes == 0 || columns == KernelText::strides(rows).row;
}

/// The rows of a product: "Rows<…>{a}", of codes "scaledRows<2>(Rows<…>{a}, aScales)"; those that
/// come by TMA "mappedRows(Rows<…>{a}, &rowsMap)".
template <typename OpT>
static std::string addRows(const KernelText &kernel, FamilyText &text, OpT op, bool indirect) {
  constexpr int64_t boxRows = 64;
  std::string rows =
      op.getAScales() ? kernel.scaledRows(op.getA(), op.getAScales()) : kernel.rows(op.getA());
  if (!isOfWarpGroups(formOf(kernel)) || indirect || !fillBoxes(op.getA())) {
    return rows;
  }
  text.tensorMaps.push_back({mapText(kernel, op.getA(), boxRows), "rowsMap"});
  text.checks +=
      llvm::formatv("\n  static_assert(productRows == {0} && TilePiece::rowBytes == {1}, "
                    "\"boxes of rows\");",
                    boxRows, boxBytes);
  return "mappedRows(" + rows + ", &rowsMap)";
}

FamilyText print(KernelText &kernel, kern::GemmOp op) {
  std::string end;
  FamilyText text = beginProduct(kernel, op, end);
  text.header = text.tensorMaps.empty() ? "gemm" : "wgmma_gemm";
  ArrayRef<int64_t> sizes = cast<RankedTensorType>(op.getWeight().getType()).getShape();
  auto parts = static_cast<int64_t>(op.getParts());
  int64_t columns = sizes.drop_back().back() / parts, heads = sizes.size() == 3 ? sizes[0] : 1;
  std::string shape = llvm::formatv("{0}, {1}, {2}", parts, columns, heads);
  std::string rows = addRows(kernel, text, op, false);
  if (isOfWarpGroups(formOf(kernel))) {
    text.clusters = clustersText(kernel, false, heads, columns);
  }
  text.call = llvm::formatv(
      "{0}(launch, {1}{2},\n    {3}, {4}, {5});", productFunction(kernel, "gemm", shape, ""),
      text.tensorMaps.empty() ? "" : "&weightMap, ", rows,
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      KernelText::rowCount(op.getResult()), end);
  return text;
}

FamilyText print(KernelText &kernel, kern::GroupedGemmOp op) {
  std::optional<uint64_t> capacity = op.getCapacity();
  kernel.setName(op.getOffsets(), capacity ? "counts" : "offsets");
  kernel.setName(op.getRows(), "rows");
  std::string end;
  FamilyText text = beginProduct(kernel, op, end);
  text.header = text.tensorMaps.empty() ? "grouped_gemm" : "wgmma_gemm";
  std::string shape = llvm::formatv("{0}, {1}, {2}", op.getParts(), lastDim(op.getResult()),
                                    dimOf(op.getWeight(), 0));
  bool indirect = static_cast<bool>(op.getRows());
  std::string rows = addRows(kernel, text, op, indirect);
  if (clusterBlocks(formOf(kernel)) > 1) {
    text.clusters = clustersText(kernel, true, dimOf(op.getWeight(), 0), lastDim(op.getResult()));
  }
  std::string function =
      productFunction(kernel, "groupedGemm", shape, indirect ? ", true" : ", false");
  std::string groups =
      capacity ? llvm::formatv("MaskedGroups<{0}>", *capacity).str() : "ContiguousGroups";
  text.call = llvm::formatv(
      "{0}(launch, {1}{2},\n    {3}, {4}, {5}, {6});", function,
      text.tensorMaps.empty() ? "" : "&weightMap, ", rows,
      kernel.weight(op.getWeight(), op.getScales(), op.getBlock(), !op.getPrologue().empty()),
      groups + "{" + kernel.name(op.getOffsets()) + "}",
      indirect ? kernel.name(op.getRows()) : "nullptr", end);
  return text;
}

} // namespace dsv3::cuda
