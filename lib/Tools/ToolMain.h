//===- ToolMain.h - what every compiler tool does around its work -*- C++ -*-===//
#pragma once

#include <functional>

namespace dsv3 {

/// Prepares LLVM and signals, then runs `work` and returns its exit code. A standard
/// exception and a lack of memory become a sentence on stderr and exit code 1.
int toolMain(const char *program, int argc, char **argv, const std::function<int()> &work);

} // namespace dsv3
