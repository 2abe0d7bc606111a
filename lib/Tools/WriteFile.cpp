//===- WriteFile.cpp - files that compiler tools write --------------------===//
#include "WriteFile.h"

#include "dsv3/Checkpoint/OutputFile.h"

#include <span>

namespace dsv3 {

Failure cannotWrite(const std::filesystem::path &path, const std::error_code &error) {
  return {"cannot be written: " + error.message(), path.string(),
          "check that there is space and that you may write there"};
}

Status writeFile(const std::filesystem::path &path, llvm::StringRef bytes) {
  Expected<checkpoint::OutputFile> file = checkpoint::OutputFile::create(path, bytes.size());
  if (!file) {
    return file.status();
  }
  Status written = file->write(0, std::as_bytes(std::span(bytes)));
  return written ? file->publish() : written;
}

} // namespace dsv3
