//===- KernelTextsFuzz.cpp - the file of a variant's GPU kernels ----------===//
#include "Fuzz.h"

#include "dsv3/Plan/GpuKernel.h"

#include <algorithm>

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto kernels = plan::splitKernelTexts(fuzz::textOf(data, size), "sm_90a.cu");
  if (!kernels) {
    fuzz::require(!kernels.failure().what.empty(), "a failure that says what is wrong");
    return 0;
  }
  for (const plan::KernelText &kernel : *kernels) {
    auto mapped = plan::mappedMatricesOf(kernel);
    fuzz::require(!mapped || std::ranges::all_of(*mapped,
                                                 [](const plan::MappedMatrix &matrix) {
                                                   return matrix.rowsEach * matrix.rowBytes > 0;
                                                 }),
                  "matrices that have bytes");
    auto grid = plan::gridShapeOf(kernel);
    fuzz::require(!grid || grid->of(100, 132).blocks() >= 100 || grid->persistent,
                  "blocks for all tiles");
  }
  // A line that only begins like that of a kernel is never printed.
  bool printed = std::ranges::none_of(*kernels, [](const plan::KernelText &kernel) {
    return kernel.text.find("//===- kernel ") != kernel.text.npos;
  });
  if (printed) {
    auto again = plan::splitKernelTexts(plan::joinKernelTexts("sm_90a", *kernels), "sm_90a.cu");
    fuzz::require(again.ok() && *again == *kernels, "texts that survive their file");
    fuzz::acceptedInputs += kernels->empty() ? 0 : 1;
  }
  return 0;
}
