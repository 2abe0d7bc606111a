//===- CublasLt.h - NVIDIA's library of products, as far as we use it ------===//
//
// The functions of cuBLASLt in a table that is filled by dlopen, with declarations of our own, so
// that no CUDA header is needed. Types and numbers are those of cublasLt.h, cublas_api.h and
// library_types.h; all were compared with those of CUDA 13.0 (cuBLAS 13.1.0).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/base/DynamicLibrary.h"
#include "runtime/drivers/cuda/DriverApi.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dsv3::runtime::cuda::lt {

using Handle = struct HandleOfCublasLt *;         ///< cublasLtHandle_t
using Operation = struct OperationOfCublasLt *;   ///< cublasLtMatmulDesc_t
using Layout = struct LayoutOfCublasLt *;         ///< cublasLtMatrixLayout_t
using Preference = struct PreferenceOfCublasLt *; ///< cublasLtMatmulPreference_t

/// cublasStatus_t
using LtResult = int;
inline constexpr LtResult ltSuccess = 0, ltInvalidValue = 7, ltArchitectureMismatch = 8,
                          ltNotSupported = 15;

/// CUDA_R_32F, CUDA_R_16BF and CUDA_R_8F_E4M3 of cudaDataType
inline constexpr int typeF32 = 0, typeBf16 = 14, typeF8E4M3 = 28;
/// CUBLAS_COMPUTE_32F of cublasComputeType_t
inline constexpr int computeF32 = 68;
/// CUBLAS_OP_T of cublasOperation_t
inline constexpr int32_t transposed = 1;

/// Of cublasLtMatmulDescAttributes_t: CUBLASLT_MATMUL_DESC_…
inline constexpr int attributeTransA = 3, attributeScaleOfA = 17, attributeScaleOfB = 18,
                     attributeFastAccumulation = 25, attributeScaleModeOfA = 31,
                     attributeScaleModeOfB = 32;
/// Of cublasLtMatmulMatrixScale_t, known since cuBLAS 12.9: …_VEC128_32F, a scale for 128 values
/// along the depth, and …_BLK128x128_32F.
inline constexpr int32_t scaleOfVector = 4, scaleOfBlock = 5;
/// CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES of cublasLtMatmulPreferenceAttributes_t
inline constexpr int preferenceMaxWorkspace = 1;

/// cublasLtMatmulHeuristicResult_t; its first part is the cublasLtMatmulAlgo_t.
struct Way {
  uint64_t algorithm[8] = {};
  size_t workspace = 0;
  LtResult state = 0;
  float waves = 0;
  int reserved[4] = {};
};
static_assert(sizeof(Way) == 96, "as in cublasLt.h");

/// X(NAME, RESULT, PARAMETERS): cublasLtNAME of the library.
#define DSV3_CUBLASLT_FUNCTIONS(X)                                                                 \
  X(Create, LtResult, (Handle *))                                                                  \
  X(Destroy, LtResult, (Handle))                                                                   \
  X(GetVersion, size_t, ())                                                                        \
  X(GetStatusName, const char *, (LtResult))                                                       \
  X(MatmulDescCreate, LtResult, (Operation *, int, int))                                           \
  X(MatmulDescDestroy, LtResult, (Operation))                                                      \
  X(MatmulDescSetAttribute, LtResult, (Operation, int, const void *, size_t))                      \
  X(MatrixLayoutCreate, LtResult, (Layout *, int, uint64_t, uint64_t, int64_t))                    \
  X(MatrixLayoutDestroy, LtResult, (Layout))                                                       \
  X(MatmulPreferenceCreate, LtResult, (Preference *))                                              \
  X(MatmulPreferenceDestroy, LtResult, (Preference))                                               \
  X(MatmulPreferenceSetAttribute, LtResult, (Preference, int, const void *, size_t))               \
  X(MatmulAlgoGetHeuristic, LtResult,                                                              \
    (Handle, Operation, Layout, Layout, Layout, Layout, Preference, int, Way *, int *))            \
  X(Matmul, LtResult,                                                                              \
    (Handle, Operation, const void *, const void *, Layout, const void *, Layout, const void *,    \
     const void *, Layout, void *, Layout, const uint64_t *, void *, size_t, Stream))

/// Immutable once loaded; stays loaded as long as someone holds it.
class CublasLt {
public:
  /// Fails with a sentence that says what was looked for and where.
  static Expected<std::shared_ptr<const CublasLt>> load();

  // The library's own names, less their prefix.
  // NOLINTBEGIN(bugprone-macro-parentheses, readability-identifier-naming)
#define DSV3_DECLARE(NAME, RESULT, PARAMETERS) RESULT(*NAME) PARAMETERS = nullptr;
  DSV3_CUBLASLT_FUNCTIONS(DSV3_DECLARE)
#undef DSV3_DECLARE
  // NOLINTEND(bugprone-macro-parentheses, readability-identifier-naming)

  /// "13.1.0".
  std::string version() const;
  const std::string &path() const { return library.path(); }

private:
  CublasLt() = default;
  Status bind();

  DynamicLibrary library;
};

} // namespace dsv3::runtime::cuda::lt
