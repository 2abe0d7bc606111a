//===- KernelFailure.cpp - what the code of a kernel means ----------------===//

#include "runtime/hal/KernelFailure.h"

#include "dsv3/Plan/Kernel.h"

using namespace dsv3;

Failure runtime::kernelFailure(int32_t code, std::string where) {
  if (plan::KernelError(code) == plan::KernelError::IndexOutOfRange) {
    return {"a kernel found an index out of range in its input", std::move(where),
            "check the token ids; if they are right, compile the model again"};
  }
  return {"a kernel failed with code " + std::to_string(code) + ", which has no meaning here",
          std::move(where), "compile the model again"};
}
