//===- KernelText.cpp - names and types of a kernel's arguments -----------===//
#include "KernelText.h"

#include "Graph/Extent.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cmath>

using namespace mlir;

namespace dsv3::cuda {

int64_t lastDim(Value value) { return cast<RankedTensorType>(value.getType()).getShape().back(); }
int64_t dimOf(Value value, unsigned dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}

std::string typeText(Type type) {
  if (type.isF32()) {
    return "float";
  }
  if (type.isBF16()) {
    return "bf16";
  }
  if (type.isF16()) {
    return "f16";
  }
  if (isa<Float8E4M3FNType>(type)) {
    return "e4m3";
  }
  if (type.isInteger(8)) {
    return "i8";
  }
  if (type.isInteger(4)) {
    return "i4x2"; // two columns
  }
  return type.isInteger(32) ? "int32" : "";
}

std::string floatText(double value) {
  if (!std::isfinite(value)) {
    return std::isnan(value) ? "fromBits(0x7fc00000u)" : value < 0 ? "-infinity()" : "infinity()";
  }
  // Nine digits tell every float from its neighbours.
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", static_cast<double>(float(value)));
  bool plain = text.find_first_of(".e") == std::string::npos;
  return text + (plain ? ".0f" : "f");
}

KernelText::KernelText(kern::DefOp definition, DictionaryAttr config, LineInfo lines)
    : definition(definition), config(config), lineInfo(lines) {}

std::string KernelText::linesOf(Operation *op, StringRef text) const {
  auto place = op->getLoc()->findInstanceOf<FileLineColLoc>();
  if (lineInfo == LineInfo::None || !place || place.getLine() == 0) {
    return text.str();
  }
  std::string directive = llvm::formatv("#line {0} \"{1}\"\n", place.getLine(),
                                        llvm::sys::path::filename(place.getFilename()));
  std::string lines;
  while (!text.empty()) {
    auto [line, rest] = text.split('\n');
    lines += directive + line.str() + "\n";
    text = rest;
  }
  return lines;
}

Value KernelText::argumentOf(Value value) const {
  auto view = value.getDefiningOp<kern::ViewOp>();
  return view ? view.getSource() : value;
}

void KernelText::setName(Value value, StringRef name) {
  if (!value) {
    return;
  }
  auto argument = cast<BlockArgument>(argumentOf(value));
  auto [known, added] = names.try_emplace(argument, name.str());
  if (!added && known->second != name) {
    known->second = "x" + std::to_string(argument.getArgNumber());
  }
}

std::string KernelText::name(Value value) const {
  auto argument = cast<BlockArgument>(argumentOf(value));
  auto known = names.find(argument);
  return known == names.end() ? "x" + std::to_string(argument.getArgNumber()) : known->second;
}

int64_t KernelText::parameterOf(Value value) const {
  auto argument = cast<BlockArgument>(argumentOf(value));
  int64_t place = 0;
  for (BlockArgument before :
       argument.getOwner()->getArguments().take_front(argument.getArgNumber())) {
    place += isa<graph::CacheType>(before.getType()) ? 2 : 1; // pages, page table
  }
  return place;
}

std::string KernelText::element(Value value) const {
  Value argument = argumentOf(value);
  bool written =
      llvm::is_contained(const_cast<kern::DefOp &>(definition).getDestinations(), argument);
  return (written ? "" : "const ") +
         typeText(cast<RankedTensorType>(value.getType()).getElementType());
}

KernelText::Strides KernelText::strides(Value value) {
  Strides result;
  auto view = value.getDefiningOp<kern::ViewOp>();
  auto source = cast<RankedTensorType>((view ? view.getSource() : value).getType());
  for (int64_t size : source.getShape().drop_front()) {
    result.row *= size;
  }
  result.offset = view ? static_cast<int64_t>(view.getOffset()) : 0;
  result.head = view ? static_cast<int64_t>(view.getStride()) : lastDim(value);
  return result;
}

std::string KernelText::rows(Value value) const {
  Strides of = strides(value);
  return llvm::formatv("Rows<{0}, {1}, {2}, {3}>{{{4}}", element(value), of.offset, of.row, of.head,
                       name(value));
}

std::string KernelText::scaledRows(Value codes, Value scales) const {
  return llvm::formatv("scaledRows<{0}>({1}, {2})", lastDim(scales), rows(codes), name(scales));
}

std::string KernelText::weight(Value weight, Value scales, std::optional<ArrayRef<int64_t>> block,
                               bool hasPrologue) const {
  auto type = cast<RankedTensorType>(weight.getType());
  std::string more =
      block ? llvm::formatv(", {0}, {1}", (*block)[0], (*block)[1]).str() : std::string();
  if (hasPrologue) {
    more += block ? ", Prologue" : ", 0, 0, Prologue";
  }
  return llvm::formatv("Weight<{0}, {1}, {2}{3}>{{{4}, {5}}", typeText(type.getElementType()),
                       type.getDimSize(type.getRank() - 2), lastDim(weight), more, name(weight),
                       scales ? name(scales) : "nullptr");
}

std::string KernelText::cacheType(Value value) const {
  auto type = cast<graph::CacheType>(value.getType());
  bool written = isa<kern::RopeAppendOp>(const_cast<kern::DefOp &>(definition).getCore());
  return llvm::formatv("Cache<{0}{1}, {2}, {3}, {4}, {5}, {6}>", written ? "" : "const ",
                       typeText(type.getElementType()), type.getLatent(), type.getRope(),
                       type.getPage(), type.getMaxContext(), type.getMaxRequests());
}

std::string KernelText::cache(Value value) const {
  return cacheType(value) + "{" + pages(value) + ", " + pageTable(value) + "}";
}

std::string KernelText::rowCount(Value value) {
  graph::Extent extent = graph::extentOf(cast<RankedTensorType>(value.getType()), 0);
  if (extent.isStatic()) {
    return std::to_string(extent.value);
  }
  auto [base, factor] = graph::DimsAttr::split(extent.name);
  return factor == 1 ? base.str() : base.str() + " * " + std::to_string(factor);
}

KernelText::RowCount KernelText::sizedRows(Value value) const {
  graph::Extent extent = graph::extentOf(cast<RankedTensorType>(value.getType()), 0);
  if (extent.isStatic()) {
    return {extent.value, -1};
  }
  auto [base, factor] = graph::DimsAttr::split(extent.name);
  kern::DefOp of = definition;
  auto sizes = of.getSizesAttr().getAsValueRange<StringAttr>();
  auto known = llvm::find(sizes, base);
  assert(known != sizes.end() && "rows are counted in a size of the kernel");
  return {factor, std::distance(sizes.begin(), known)};
}

} // namespace dsv3::cuda
