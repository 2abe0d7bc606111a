//===- DriverApi.h - NVIDIA's driver, as far as we use it -------*- C++ -*-===//
//
// The functions of the CUDA driver API in a table that is filled at run time by dlopen
// and cuGetProcAddress, with declarations of our own, so that no CUDA header is needed.
// Types and numbers are those of cuda.h, which keeps them stable.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/base/DynamicLibrary.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dsv3::runtime::cuda {

using Result = int;
using DeviceNumber = int;
using Context = struct ContextOfDriver *;
using Stream = struct StreamOfDriver *;
using Event = struct EventOfDriver *;
using Module = struct ModuleOfDriver *;
using Function = struct FunctionOfDriver *;
using Graph = struct GraphOfDriver *;
using GraphExecutable = struct GraphExecutableOfDriver *;
using DevicePointer = uint64_t;

inline constexpr Result success = 0, outOfMemory = 2, noDevice = 100, invalidImage = 200,
                        noBinaryForGpu = 209;
/// What an error of the driver means, however it came to be noticed: a call also returns what
/// went wrong in earlier work of the GPU.
enum class Trouble {
  Call,   ///< this call itself failed
  Memory, ///< the GPU has none left
  Fault,  ///< a kernel did what the hardware refuses; nothing works any more in this process
  Lost,   ///< the GPU does not answer, or not soundly
};
Trouble troubleOf(Result result);
/// What a person can do where it has no memory left.
inline constexpr const char *noMemoryHint =
    "a smaller --context needs less; nvidia-smi shows who else uses the GPU";

inline constexpr unsigned streamNonBlocking = 1;
/// Of host memory: kernels reach it.
inline constexpr unsigned hostDeviceMap = 2;
/// Of an event: it tells no time, and who waits for it sleeps.
inline constexpr unsigned eventToSleepFor = 1 | 2;
inline constexpr int captureThreadLocal = 1;
inline constexpr int attributeMultiprocessors = 16, attributeCapabilityMajor = 75,
                     attributeCapabilityMinor = 76;
/// Of a launch that may begin before the one before it has ended.
inline constexpr int attributeProgrammaticSerialization = 6;
/// The blocks of a cluster.
inline constexpr int attributeClusterDimension = 4;
inline constexpr int functionMaxThreads = 0, functionMaxDynamicShared = 8;

/// CUlaunchAttribute and CUlaunchConfig.
struct LaunchAttribute {
  int id = 0;
  union alignas(8) {
    char bytes[64] = {};
    int allowed;
    unsigned blocks[3];
  };
};
struct LaunchConfig {
  unsigned blocks[3] = {1, 1, 1}, threads[3] = {1, 1, 1};
  unsigned shared = 0;
  Stream stream = nullptr;
  const LaunchAttribute *attributes = nullptr;
  unsigned attributeCount = 0;
};
static_assert(sizeof(LaunchAttribute) == 72 && sizeof(LaunchConfig) == 56, "as in cuda.h");

/// DSV3_DRIVER_FUNCTION(NAME, PARAMETERS): cuNAME of the driver.
#define DSV3_DRIVER_FUNCTIONS(X)                                                                   \
  X(Init, (unsigned))                                                                              \
  X(GetErrorName, (Result, const char **))                                                         \
  X(GetErrorString, (Result, const char **))                                                       \
  X(DeviceGetCount, (int *))                                                                       \
  X(DeviceGet, (DeviceNumber *, int))                                                              \
  X(DeviceGetName, (char *, int, DeviceNumber))                                                    \
  X(DeviceGetAttribute, (int *, int, DeviceNumber))                                                \
  X(DevicePrimaryCtxRetain, (Context *, DeviceNumber))                                             \
  X(DevicePrimaryCtxRelease, (DeviceNumber))                                                       \
  X(CtxSetCurrent, (Context))                                                                      \
  X(StreamCreate, (Stream *, unsigned))                                                            \
  X(StreamDestroy, (Stream))                                                                       \
  X(StreamSynchronize, (Stream))                                                                   \
  X(StreamBeginCapture, (Stream, int))                                                             \
  X(StreamEndCapture, (Stream, Graph *))                                                           \
  X(GraphInstantiateWithFlags, (GraphExecutable *, Graph, unsigned long long))                     \
  X(GraphLaunch, (GraphExecutable, Stream))                                                        \
  X(GraphExecDestroy, (GraphExecutable))                                                           \
  X(GraphDestroy, (Graph))                                                                         \
  X(EventCreate, (Event *, unsigned))                                                              \
  X(EventDestroy, (Event))                                                                         \
  X(EventRecord, (Event, Stream))                                                                  \
  X(EventSynchronize, (Event))                                                                     \
  X(EventElapsedTime, (float *, Event, Event))                                                     \
  X(MemGetInfo, (size_t *, size_t *))                                                              \
  X(MemAlloc, (DevicePointer *, size_t))                                                           \
  X(MemFree, (DevicePointer))                                                                      \
  X(MemHostAlloc, (void **, size_t, unsigned))                                                     \
  X(MemHostGetDevicePointer, (DevicePointer *, void *, unsigned))                                  \
  X(MemFreeHost, (void *))                                                                         \
  X(MemsetD8Async, (DevicePointer, unsigned char, size_t, Stream))                                 \
  X(MemcpyHtoDAsync, (DevicePointer, const void *, size_t, Stream))                                \
  X(MemcpyDtoHAsync, (void *, DevicePointer, size_t, Stream))                                      \
  X(MemcpyDtoDAsync, (DevicePointer, DevicePointer, size_t, Stream))                               \
  X(ModuleLoadData, (Module *, const void *))                                                      \
  X(ModuleUnload, (Module))                                                                        \
  X(ModuleGetFunction, (Function *, Module, const char *))                                         \
  X(FuncGetAttribute, (int *, int, Function))                                                      \
  X(FuncSetAttribute, (Function, int, int))                                                        \
  X(TensorMapEncodeTiled, (void *, int, unsigned, void *, const uint64_t *, const uint64_t *,      \
                           const unsigned *, const unsigned *, int, int, int, int))                \
  X(LaunchKernelEx, (const LaunchConfig *, Function, void **, void **))

/// Immutable once loaded; stays loaded as long as someone holds it.
class DriverApi {
public:
  /// Opens libcuda and starts it. Fails with a sentence where there is none, it is too old, or
  /// it has no GPU.
  static Expected<std::shared_ptr<const DriverApi>> load();

  // The driver's own names, less their prefix.
  // NOLINTBEGIN(bugprone-macro-parentheses, readability-identifier-naming)
#define DSV3_DECLARE(NAME, PARAMETERS) Result(*NAME) PARAMETERS = nullptr;
  DSV3_DRIVER_FUNCTIONS(DSV3_DECLARE)
#undef DSV3_DECLARE
  // NOLINTEND(bugprone-macro-parentheses, readability-identifier-naming)

  /// Success, or "WHAT: the driver says …", with what to do where the error tells more than the
  /// call.
  Status check(Result result, const std::string &what) const;
  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
  std::string nameOf(Result result) const;

private:
  DriverApi() = default;
  Status bind();

  DynamicLibrary library;
};

} // namespace dsv3::runtime::cuda
