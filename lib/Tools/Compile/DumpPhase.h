//===- DumpPhase.h - what --dump-phases writes ------------------*- C++ -*-===//
#pragma once

#include "dsv3/Pipelines/Pipelines.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"

#include <filesystem>
#include <string>
#include <vector>

namespace dsv3::compile {

/// Writes `text` into `directory`, which is made, as NUMBER-PHASE and `ending`:
/// 3-fused.mlir, 7-emitted-x86-64-v3.ll.
Status dump(const std::string &directory, Phase phase, const std::string &ending,
            llvm::StringRef text);

/// Files of `directory` whose names are such names.
std::vector<std::filesystem::path> dumpedFiles(const std::string &directory);

/// The text of a module, without locations.
std::string textOf(mlir::ModuleOp module);

} // namespace dsv3::compile
