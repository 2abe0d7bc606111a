//===- GpuKernel.cpp - names and texts of GPU kernels ---------------------===//
#include "dsv3/Plan/GpuKernel.h"

#include <cassert>

namespace dsv3::plan {

static constexpr std::string_view kernelMark = "//===- kernel ", markEnd = " -===//\n";

std::string gpuFunctionName(std::string_view symbol) {
  std::string name;
  for (char c : symbol) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    name += letter || (digit && !name.empty()) ? c : '_';
  }
  return name;
}

std::string joinKernelTexts(std::string_view variant, const std::vector<KernelText> &kernels) {
  std::string file = "// Kernels of a dsv3 bundle for " + std::string(variant) +
                     ". Each is compiled as a file of its own.\n";
  for (const KernelText &kernel : kernels) {
    assert(kernel.text.find("\n" + std::string(kernelMark)) == std::string::npos &&
           !kernel.text.starts_with(kernelMark) &&
           (kernel.text.empty() || kernel.text.ends_with('\n')) &&
           "a line of a kernel looks like the beginning of another");
    file += std::string(kernelMark) + kernel.symbol + std::string(markEnd) + kernel.text;
  }
  return file;
}

Expected<std::vector<KernelText>> splitKernelTexts(std::string_view file,
                                                   const std::string &where) {
  std::vector<KernelText> kernels;
  size_t line = 0;
  while (line < file.size()) {
    size_t end = file.find('\n', line);
    if (end == file.npos) {
      return Failure{"expected a whole last line, found '" + std::string(file.substr(line, 40)) +
                         "'",
                     where, "compile the bundle again with dsv3-compile"};
    }
    std::string_view text = file.substr(line, end + 1 - line);
    bool named = text.starts_with(kernelMark) && text.ends_with(markEnd) &&
                 text.size() > kernelMark.size() + markEnd.size();
    if (named) {
      text.remove_prefix(kernelMark.size());
      text.remove_suffix(markEnd.size());
      kernels.push_back({std::string(text), ""});
    } else if (!kernels.empty()) {
      kernels.back().text += text;
    }
    line = end + 1;
  }
  return kernels;
}

} // namespace dsv3::plan
