//===- DumpPhase.cpp - what --dump-phases writes --------------------------===//
#include "DumpPhase.h"

#include "../WriteFile.h"

#include "llvm/Support/raw_ostream.h"

#include <filesystem>

using namespace mlir;

namespace dsv3::compile {

Status dump(const std::string &directory, Phase phase, const std::string &ending,
            llvm::StringRef text) {
  auto path = std::filesystem::path(directory) /
              (std::to_string(static_cast<int>(phase)) + "-" + name(phase).str() + ending);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  return error ? Status(cannotWrite(path, error)) : writeFile(path, text);
}

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

} // namespace dsv3::compile
