//===- RunFile.h - tests written in IR --------------------------*- C++ -*-===//
#pragma once

#include "dsv3/Reference/Interpreter.h"

#include <string>

namespace dsv3::interpret {

/// Runs the function `entry` of a file of MLIR text or, if `entry` is empty, each public
/// one that has a body; prints how many checks held. Returns the exit status: 0 if all
/// functions ran, all checks held and there was at least one. `path` "-" is stdin.
int runFile(const std::string &path, const std::string &entry, reference::Precision precision);

} // namespace dsv3::interpret
