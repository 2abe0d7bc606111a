//===- Check.h - the check dialect ------------------------------*- C++ -*-===//
//
// The C++ of the dialect that TableGen makes from Check.td. All are handles to data
// owned by an MLIRContext.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Check/CheckDialect.h.inc"

#define GET_OP_CLASSES
#include "Check/CheckOps.h.inc"
