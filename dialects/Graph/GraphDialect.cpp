//===- GraphDialect.cpp - registration of the dsv3 dialect ----------------===//
//
// Registers what TableGen made, and verifies types that are no op's business.
//
//===----------------------------------------------------------------------===//
#include "Graph/Graph.h"

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
