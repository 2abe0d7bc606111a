//===- CublasLt.cpp - NVIDIA's library of products, as far as we use it ---===//

#include "runtime/drivers/cuda/CublasLt.h"

#include "runtime/jit/CudaFolders.h"

#include <type_traits>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda::lt;

static constexpr const char *installCublas =
    "install a CUDA toolkit and set CUDA_HOME, or: python3 -m venv DIR && DIR/bin/pip install "
    "nvidia-cublas, and set VIRTUAL_ENV=DIR";

Status CublasLt::bind() {
  std::string missing;
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(library.find(symbol));
    missing = function ? missing : symbol;
  };
#define DSV3_FIND(NAME, RESULT, PARAMETERS) find("cublasLt" #NAME, NAME);
  DSV3_CUBLASLT_FUNCTIONS(DSV3_FIND)
#undef DSV3_FIND
  return missing.empty()
             ? Status()
             : Failure{"expected cuBLASLt of CUDA 12 or newer, found one without " + missing,
                       library.path(), installCublas};
}

Expected<std::shared_ptr<const CublasLt>> CublasLt::load() {
  Expected<DynamicLibrary> opened =
      DynamicLibrary::open({"cuBLASLt, NVIDIA's library of products",
                            {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"},
                            cudaLibraryFolders(),
                            installCublas});
  if (!opened) {
    return opened.failure();
  }
  std::shared_ptr<CublasLt> made(new CublasLt());
  made->library = *std::move(opened);
  if (Status bound = made->bind(); !bound) {
    return bound;
  }
  return std::shared_ptr<const CublasLt>(std::move(made));
}

std::string CublasLt::version() const {
  size_t number = GetVersion(); // CUBLAS_VERSION: 130100
  return std::to_string(number / 10000) + "." + std::to_string(number / 100 % 100) + "." +
         std::to_string(number % 100);
}
