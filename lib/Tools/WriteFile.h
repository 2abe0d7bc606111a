//===- WriteFile.h - files that compiler tools write --------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include "llvm/ADT/StringRef.h"

#include <filesystem>

namespace dsv3 {

/// What to say of a path that the tool cannot write.
Failure cannotWrite(const std::filesystem::path &path, const std::error_code &error);

/// Writes a file of these bytes; it is there whole or not at all.
Status writeFile(const std::filesystem::path &path, llvm::StringRef bytes);

} // namespace dsv3
