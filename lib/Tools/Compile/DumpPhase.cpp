//===- DumpPhase.cpp - what --dump-phases writes --------------------------===//
#include "DumpPhase.h"

#include "../WriteFile.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace dsv3::compile {

/// How the names of a phase's files begin.
static std::string beginning(Phase phase) {
  return std::to_string(static_cast<int>(phase)) + "-" + name(phase).str();
}

Status dump(const std::string &directory, Phase phase, const std::string &ending,
            llvm::StringRef text) {
  auto path = std::filesystem::path(directory) / (beginning(phase) + ending);
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  return error ? Status(cannotWrite(path, error)) : writeFile(path, text);
}

std::vector<std::filesystem::path> dumpedFiles(const std::string &directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::string file = at->path().filename().string();
    for (int phase = 0; phase <= static_cast<int>(Phase::Emitted); ++phase) {
      if (file.starts_with(beginning(static_cast<Phase>(phase)))) {
        files.push_back(at->path());
      }
    }
  }
  return files;
}

std::string textOf(ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

} // namespace dsv3::compile
