//===- EntrySizes.cpp - the sizes that an entry has maxima for ------------===//
#include "EntrySizes.h"

using namespace mlir;

namespace dsv3 {

/// `function` itself, or the first entry that calls it for a layer; null if none does.
static func::FuncOp entryOf(func::FuncOp function) {
  if (function->hasAttr(graph::entryAttrName)) {
    return function;
  }
  for (auto entry : function->getParentOfType<ModuleOp>().getOps<func::FuncOp>()) {
    WalkResult called = entry.walk([&](graph::CallLayerOp call) {
      bool calls =
          entry->hasAttr(graph::entryAttrName) && call.getCallee() == function.getSymName();
      return calls ? WalkResult::interrupt() : WalkResult::advance();
    });
    if (called.wasInterrupted()) {
      return entry;
    }
  }
  return nullptr;
}

ArrayAttr entrySizes(func::FuncOp function) {
  func::FuncOp entry = entryOf(function);
  auto dictionary =
      entry ? entry->getAttrOfType<DictionaryAttr>(graph::entryAttrName) : DictionaryAttr();
  auto sizes = dictionary ? dictionary.getAs<ArrayAttr>(graph::entrySizesKey) : ArrayAttr();
  return sizes ? sizes : ArrayAttr::get(function.getContext(), {});
}

/// The first named size of `type` that is none of `sizes`, without its factor; empty if there
/// is none.
static StringRef unknownSize(Type type, ArrayAttr sizes) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto dims =
      tensor ? dyn_cast_if_present<graph::DimsAttr>(tensor.getEncoding()) : graph::DimsAttr();
  for (StringAttr name : dims ? dims.getNames() : ArrayRef<StringAttr>()) {
    StringRef base = graph::DimsAttr::split(name).first;
    if (llvm::none_of(sizes.getAsRange<graph::SizeAttr>(),
                      [&](graph::SizeAttr size) { return size.getName() == base; })) {
      return base;
    }
  }
  return {};
}

LogicalResult checkSizesKnown(Operation *op, ArrayAttr sizes) {
  SmallVector<Type> types(op->getResultTypes());
  for (Region &region : op->getRegions()) {
    for (Block &block : region) {
      llvm::append_range(types, block.getArgumentTypes());
    }
  }
  for (Type type : types) {
    if (StringRef name = unknownSize(type, sizes); !name.empty()) {
      return op->emitOpError("has a size '")
             << name << "' that its entry gives no maximum" << graph::modelPath(op)
             << "; hint: a name is a size that the host knows before a step; what a kernel counts "
                "is read from a tensor, as the offsets of dsv3.dispatch are";
    }
  }
  return success();
}

} // namespace dsv3
