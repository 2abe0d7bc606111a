//===- WriteFile.cpp - files that dsv3-compile writes ---------------------===//
#include "WriteFile.h"

#include "llvm/Support/raw_ostream.h"

namespace dsv3::compile {

Failure cannotWrite(const std::filesystem::path &path, const std::error_code &error) {
  return {"cannot be written: " + error.message(), path.string(),
          "check that there is space and that you may write there"};
}

Status writeFile(const std::filesystem::path &path, llvm::StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path.string(), error);
  if (!error) {
    file << bytes;
    file.close();
    error = file.error();
    file.clear_error();
  }
  return error ? Status(cannotWrite(path, error)) : Status();
}

} // namespace dsv3::compile
