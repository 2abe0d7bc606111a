//===- GraphDialect.cpp - registration of the dsv3 dialect ----------------===//
//
// Registers what TableGen made, and verifies types that are no op's business.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dsv3::graph;

#include "Graph/GraphDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Graph/GraphTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Graph/GraphAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "Graph/GraphOps.cpp.inc"

void GraphDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Graph/GraphTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Graph/GraphAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Graph/GraphOps.cpp.inc"
      >();
}

/// Attributes of functions that passes read: layers ascending, an entry a dictionary
/// whose sizes are #dsv3.size.
LogicalResult GraphDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  ShapeCheck check(op);
  if (attribute.getName() == layersAttrName) {
    auto layers = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
    if (!layers || layers.empty() || layers[0] < 0 || !llvm::is_sorted(layers.asArrayRef())) {
      return check.fail("'" + layersAttrName + "' to be layers, ascending",
                        spell(attribute.getValue()), "write array<i64: 3, 4>");
    }
  }
  if (attribute.getName() == entryAttrName) {
    auto entry = dyn_cast<DictionaryAttr>(attribute.getValue());
    if (!entry || !entry.getAs<StringAttr>("role")) {
      return check.fail("'" + entryAttrName + "' to be a dictionary with a role",
                        spell(attribute.getValue()), "write {role = \"step\"}");
    }
    auto sizes = entry.getAs<ArrayAttr>("sizes");
    if (sizes && !llvm::all_of(sizes, llvm::IsaPred<SizeAttr>)) {
      return check.fail("sizes of '" + entryAttrName + "' to be #dsv3.size", spell(sizes),
                        "write #dsv3.size<\"T\", max = 512>");
    }
  }
  return check.result();
}

LogicalResult SizeAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr name,
                               int64_t max) {
  if (max <= 0) {
    return emitError() << "the maximum of size '" << name.getValue() << "' must be at least 1, got "
                       << max;
  }
  return success();
}

LogicalResult CacheType::verify(function_ref<InFlightDiagnostic()> emitError, Type elementType,
                                int64_t latent, int64_t rope, int64_t page, int64_t context,
                                int64_t requests) {
  if (!isa<Float32Type, Float64Type, BFloat16Type, Float16Type, Float8E4M3FNType>(elementType)) {
    return emitError() << "a cache keeps floating-point values, got " << elementType
                       << "; hint: use f32, bf16 or f8E4M3FN";
  }
  const std::pair<StringRef, int64_t> sizes[] = {{"latent", latent},
                                                 {"rope", rope},
                                                 {"page", page},
                                                 {"context", context},
                                                 {"requests", requests}};
  for (auto [name, value] : sizes) {
    if (value <= 0) {
      return emitError() << "a cache's '" << name << "' must be at least 1, got " << value;
    }
  }
  return success();
}
