//===- KernelDialect.cpp - registration of the kern dialect ---------------===//
//
// Registers what TableGen made, and the spelling of access kinds.
//
//===----------------------------------------------------------------------===//
#include "Kernel/Kernel.h"

#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"

using namespace mlir;
using namespace dsv3::kern;

#include "Kernel/KernelDialect.cpp.inc"
#include "Kernel/KernelEnums.cpp.inc"

/// `[element, column]`.
static ParseResult parseAccessKinds(OpAsmParser &parser, DenseI32ArrayAttr &access) {
  SmallVector<int32_t> kinds;
  auto parseKind = [&]() -> ParseResult {
    SMLoc location = parser.getCurrentLocation();
    StringRef keyword;
    if (parser.parseKeyword(&keyword)) {
      return failure();
    }
    std::optional<AccessKind> kind = symbolizeAccessKind(keyword);
    if (!kind) {
      return parser.emitError(location)
             << "'" << keyword << "' is no access kind; hint: element, row, column or group";
    }
    kinds.push_back(int32_t(*kind));
    return success();
  };
  if (parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Square, parseKind)) {
    return failure();
  }
  access = parser.getBuilder().getDenseI32ArrayAttr(kinds);
  return success();
}

static void printAccessKinds(OpAsmPrinter &printer, Operation *, DenseI32ArrayAttr access) {
  printer << "[";
  llvm::interleaveComma(access.asArrayRef(), printer,
                        [&](int32_t kind) { printer << stringifyAccessKind(AccessKind(kind)); });
  printer << "]";
}

#define GET_OP_CLASSES
#include "Kernel/KernelOps.cpp.inc"

namespace {
/// Constants of scalar regions stay there: a definition holds one core op and views.
struct ScalarConstants : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;
  bool shouldMaterializeInto(Region *region) const override {
    return !isa<DefOp, GroupOp>(region->getParentOp());
  }
};
} // namespace

void KernelDialect::initialize() {
  addInterfaces<ScalarConstants>();
  addOperations<
#define GET_OP_LIST
#include "Kernel/KernelOps.cpp.inc"
      >();
}
