//===- FileToFile.cpp - tools that make one file of another ---------------===//
#include "FileToFile.h"

#include "Nesting.h"
#include "WriteFile.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/File.h"

#include "llvm/Support/Process.h"

#include <filesystem>
#include <unistd.h>

namespace dsv3 {

Expected<std::unique_ptr<llvm::MemoryBuffer>> readBuffer(const std::string &path, InputKind kind) {
  Expected<std::string> bytes = readInput(path);
  if (!bytes) {
    return bytes.status();
  }
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(*bytes, path == "-" ? "<stdin>" : path);
  if (Status flat = kind == InputKind::Mlir ? checkNesting(*buffer) : Status(); !flat) {
    return flat;
  }
  return buffer;
}

/// That the output is another file than the input. Devices are both without harm.
static Status checkOutput(const std::string &input, const std::string &output) {
  std::error_code error;
  if (input == "-" || output == "-" || !std::filesystem::is_regular_file(input, error) ||
      !isSameFile(input, output)) {
    return {};
  }
  return Failure{"expected a file to write that is not read, found the input", "-o " + output,
                 "choose another name"};
}

int fileToFile(
    const char *program, const std::string &input, InputKind kind, const std::string &output,
    const std::function<bool(std::unique_ptr<llvm::MemoryBuffer>, llvm::raw_ostream &)> &work) {
  auto fail = [program](const Failure &failure, int code = exitFailure) {
    llvm::errs() << program << ": " << failure.message() << '\n';
    return code;
  };
  if (input.empty() || output.empty()) {
    return fail({refuseEmpty(""), input.empty() ? "the input" : "-o"}, exitUsage);
  }
  if (Status other = checkOutput(input, output); !other) {
    return fail(other.failure());
  }
  if (input == "-" && llvm::sys::Process::FileDescriptorIsDisplayed(STDIN_FILENO)) {
    llvm::errs() << "note: stdin is read; Ctrl-D ends it\n";
  }
  Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readBuffer(input, kind);
  if (!buffer) {
    return fail(buffer.failure());
  }
  if (output == "-") {
    return work(*std::move(buffer), llvm::outs()) ? 0 : exitFailure;
  }
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  if (!work(*std::move(buffer), stream)) {
    return exitFailure;
  }
  Status written = writeFile(output, bytes);
  return written ? 0 : fail(written.failure());
}

} // namespace dsv3
