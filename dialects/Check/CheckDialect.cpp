//===- CheckDialect.cpp - constants and expectations ----------------------===//
//
// Registers what TableGen made; assembly and verifiers.
//
//===----------------------------------------------------------------------===//
#include "Check/Check.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace dsv3::check;

#include "Check/CheckDialect.cpp.inc"

/// Tests are small; keeps a splat of an absurd shape from using memory.
static constexpr int64_t mostElements = int64_t(1) << 24;

/// `as type`, or nothing where the constant's own type is meant.
static ParseResult parseAs(OpAsmParser &parser, Type &type, ElementsAttr value) {
  if (succeeded(parser.parseOptionalKeyword("as"))) {
    return parser.parseType(type);
  }
  type = value.getType();
  return success();
}

static void printAs(OpAsmPrinter &printer, Operation *, Type type, ElementsAttr value) {
  if (type != value.getType()) {
    printer << " as " << type;
  }
}

#define GET_OP_CLASSES
#include "Check/CheckOps.cpp.inc"

void CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "Check/CheckOps.cpp.inc"
      >();
}

LogicalResult ConstantOp::verify() {
  ShapedType written = getValue().getShapedType();
  auto type = cast<RankedTensorType>(getResult().getType());
  if (written.getElementType() != type.getElementType() ||
      failed(verifyCompatibleShape(written, type))) {
    return emitOpError() << "cannot give " << written << " as " << type
                         << "; hint: leave sizes open, nothing else";
  }
  Type element = type.getElementType();
  if (!isa<FloatType>(element) && !element.isSignlessInteger(32) && !element.isSignlessInteger(8) &&
      !element.isSignlessInteger(4)) {
    return emitOpError() << "has elements of type " << type.getElementType()
                         << "; hint: use floating-point types, i32, or i8 and i4 of weights";
  }
  int64_t elements = 1;
  for (int64_t size : written.getShape()) {
    if (size != 0 && elements > mostElements / size) {
      return emitOpError() << "has more than " << mostElements << " elements: " << written;
    }
    elements *= size;
  }
  return success();
}

static LogicalResult checkShapes(Operation *op, Value actual, Value expected) {
  if (failed(verifyCompatibleShape(actual.getType(), expected.getType()))) {
    return op->emitOpError() << "compares " << actual.getType() << " with " << expected.getType()
                             << ", which never have one shape";
  }
  return success();
}

static LogicalResult checkTolerance(Operation *op, StringRef name, const APFloat &value) {
  if (value.isNaN() || value.isInfinity() || (value.isNegative() && !value.isZero())) {
    return op->emitOpError() << "expected " << name << " of 0 or more, found "
                             << value.convertToDouble();
  }
  return success();
}

LogicalResult ExpectEqOp::verify() { return checkShapes(*this, getActual(), getExpected()); }

LogicalResult ExpectCloseOp::verify() {
  return success(succeeded(checkShapes(*this, getActual(), getExpected())) &&
                 succeeded(checkTolerance(*this, "atol", getAtol())) &&
                 succeeded(checkTolerance(*this, "rtol", getRtol())));
}

LogicalResult ExpectAlmostConstantOp::verify() { return checkTolerance(*this, "atol", getAtol()); }
