//===- DimsAttr.cpp - names of dynamic sizes ------------------------------===//
//
// #dsv3.dims, and the arithmetic of sizes that are numbers or names.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Graph/Graph.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace dsv3::graph;

std::pair<StringRef, int64_t> DimsAttr::split(StringAttr name) {
  auto [base, factor] = name.getValue().split('*');
  int64_t value = 1;
  if (!factor.empty() && factor.getAsInteger(10, value)) {
    value = 0;
  }
  return {base, value};
}

/// A letter, then letters, digits and underscores; then perhaps `*` and a factor above 1.
static bool isSizeName(StringRef text) {
  auto [base, factor] = text.split('*');
  int64_t value = 0;
  bool named = !base.empty() && llvm::isAlpha(base.front()) &&
               llvm::all_of(base, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  return named && (!text.contains('*') || (llvm::all_of(factor, llvm::isDigit) &&
                                           !factor.getAsInteger(10, value) && value > 1));
}

LogicalResult DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                       function_ref<InFlightDiagnostic()> emitError) const {
  size_t dynamic = llvm::count_if(shape, ShapedType::isDynamic);
  if (getNames().size() != dynamic) {
    return emitError() << "#dsv3.dims names each dynamic size: the shape has " << dynamic
                       << " '?', got " << getNames().size() << " names";
  }
  for (StringAttr name : getNames()) {
    if (!isSizeName(name.getValue())) {
      return emitError()
             << "'" << name.getValue()
             << "' is no name of a size; hint: write \"T\", or \"T*8\" for eight times T";
    }
  }
  return success();
}

Extent dsv3::graph::extentOf(RankedTensorType type, int64_t dim) {
  if (!type.isDynamicDim(dim)) {
    return type.getDimSize(dim);
  }
  auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding());
  return dims ? Extent(dims.getNames()[type.getDynamicDimIndex(dim)]) : Extent();
}

SmallVector<Extent> dsv3::graph::extentsOf(RankedTensorType type) {
  return llvm::map_to_vector(llvm::seq<int64_t>(0, type.getRank()),
                             [&](int64_t dim) { return extentOf(type, dim); });
}

Extent dsv3::graph::scaled(Extent extent, int64_t factor) {
  if (extent.isStatic()) {
    return extent.value * factor;
  }
  if (!extent.name) {
    return {};
  }
  auto [base, own] = DimsAttr::split(extent.name);
  std::string name = base.str();
  if (own * factor != 1) {
    name += "*" + std::to_string(own * factor);
  }
  return StringAttr::get(extent.name.getContext(), name);
}

RankedTensorType dsv3::graph::tensorOf(ArrayRef<Extent> extents, Type elementType) {
  SmallVector<int64_t> shape;
  SmallVector<StringAttr> names;
  for (Extent extent : extents) {
    shape.push_back(extent.value);
    if (extent.name) {
      names.push_back(extent.name);
    }
  }
  Attribute encoding;
  if (!names.empty()) {
    encoding = DimsAttr::get(elementType.getContext(), names);
  }
  return RankedTensorType::get(shape, elementType, encoding);
}

RankedTensorType dsv3::graph::withElement(RankedTensorType type, Type elementType) {
  return RankedTensorType::get(type.getShape(), elementType, type.getEncoding());
}

std::string dsv3::graph::spell(Extent extent) {
  if (extent.isStatic()) {
    return std::to_string(extent.value);
  }
  return extent.name ? extent.name.getValue().str() : "?";
}

std::string dsv3::graph::spell(ArrayRef<Extent> extents) {
  return "[" + llvm::join(llvm::map_range(extents, [](Extent e) { return spell(e); }), ", ") + "]";
}

/// "3", "3-60", or "3, 5, 7".
static std::string spellLayers(ArrayRef<int64_t> layers) {
  bool range = layers.size() > 1 && layers.back() - layers.front() + 1 == int64_t(layers.size());
  if (range) {
    return std::to_string(layers.front()) + "-" + std::to_string(layers.back());
  }
  return llvm::join(llvm::map_range(layers, [](int64_t l) { return std::to_string(l); }), ", ");
}

std::string dsv3::graph::modelPath(Operation *op) {
  while (op && !isa<FunctionOpInterface>(op)) {
    op = op->getParentOp();
  }
  if (!op) {
    return {};
  }
  std::string path = ", in @" + SymbolTable::getSymbolName(op).str();
  if (auto layers = op->getAttrOfType<DenseI64ArrayAttr>(layersAttrName)) {
    path += (layers.size() == 1 ? " (layer " : " (layers ") + spellLayers(layers) + ")";
  }
  return path;
}
