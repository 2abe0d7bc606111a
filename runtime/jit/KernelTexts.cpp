//===- KernelTexts.cpp - the texts of a variant's kernels -----------------===//

#include "runtime/jit/KernelTexts.h"

#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;

static constexpr size_t mostTextBytes = size_t(64) << 20;
static constexpr const char *compileAgain = "compile the bundle again with dsv3-compile";

Expected<std::vector<plan::KernelText>>
runtime::readKernelTexts(const std::string &path, const std::string &checksum,
                         std::span<const std::string> symbols) {
  Expected<std::string> bytes = readFile(path, mostTextBytes);
  if (!bytes) {
    return bytes.failure();
  }
  if (std::string found = hash128(*bytes).hex(); found != checksum) {
    return Failure{"expected kernels with checksum " + checksum + ", found " + found, path,
                   compileAgain};
  }
  Expected<std::vector<plan::KernelText>> all = plan::splitKernelTexts(*bytes, path);
  if (!all) {
    return all.failure();
  }
  std::vector<plan::KernelText> texts;
  for (const std::string &symbol : symbols) {
    auto found = std::ranges::find(*all, symbol, &plan::KernelText::symbol);
    if (found == all->end()) {
      return Failure{"expected a kernel '" + symbol + "', found none of this name", path,
                     compileAgain};
    }
    texts.push_back(*found);
  }
  return texts;
}
