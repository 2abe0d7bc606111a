//===- FileToFile.h - tools that make one file of another -------*- C++ -*-===//
//
// What upstream's drivers leave to us: they map the input, so that whoever changes it ends
// the tool, truncate the output before they know what to write, and read without end.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <memory>
#include <string>

namespace dsv3 {

/// What a tool reads: text of MLIR, or anything.
enum class InputKind { Mlir, Bytes };

/// A file or pipe in memory, "-" for stdin, named as diagnostics name it. Fails where it has more
/// than mostInputBytes, or is text of MLIR that is nested too deep to be parsed.
Expected<std::unique_ptr<llvm::MemoryBuffer>> readBuffer(const std::string &path, InputKind kind);

/// Gives `work` what `input` names and a stream, and returns the exit code. `output` is written
/// once `work` has succeeded, whole or not at all, and cannot be the input; "-" is stdout, which
/// gets everything at once.
int fileToFile(
    const char *program, const std::string &input, InputKind kind, const std::string &output,
    const std::function<bool(std::unique_ptr<llvm::MemoryBuffer>, llvm::raw_ostream &)> &work);

} // namespace dsv3
