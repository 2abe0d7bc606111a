//===- Nesting.h - how deep .mlir text may be nested ------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include "llvm/Support/MemoryBuffer.h"

namespace dsv3 {

/// Fails where text is nested so deep that MLIR's parser, which calls itself for each level,
/// would run out of stack: brackets of all kinds within each other, aliases of types and
/// attributes that lead to each other, operators of one affine map. Bytecode is let pass. Says
/// nothing else of the text; what is no MLIR at all may be refused or not.
Status checkNesting(const llvm::MemoryBuffer &text);

} // namespace dsv3
