//===- CubinFacts.h - what a cubin says about its kernel --------*- C++ -*-===//
//
// A cubin is an ELF file. Its section .nv.info holds what ptxas decided for each function, and
// .text.NAME the instructions, 16 bytes each, whose lowest nine bits name the operation; a branch
// says how far it goes. These places and numbers are not documented by NVIDIA: they were found by
// compiling kernels of one instruction each for sm_80, sm_90a, sm_100a and sm_120a with NVRTC 13.0
// and 13.5 and reading them with nvdisasm -hex (PyPI's nvidia-cuda-nvdisasm 13.5.37).
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// Instructions that are looked for, by the names that nvdisasm gives them.
enum class Sass : uint8_t {
  LDL,        ///< reads local memory
  STL,        ///< writes local memory
  LDSM,       ///< ldmatrix
  LDGSTS,     ///< cp.async
  HMMA,       ///< mma.sync of f16 and bf16
  QMMA,       ///< mma.sync of f8
  HGMMA,      ///< wgmma of f16 and bf16, b not transposed
  HGMMAT,     ///< with a transposed b
  QGMMA,      ///< wgmma of f8
  UTMALDG,    ///< TMA, to shared memory
  UTMASTG,    ///< TMA, from shared memory
  USETMAXREG, ///< setmaxnreg
  F2FP,       ///< cvt of two narrow numbers
  ACQBULK,    ///< griddepcontrol.wait
  LDG,        ///< reads global memory
  STG,        ///< writes global memory
  BRA,        ///< goes on elsewhere
};
inline constexpr size_t sassCount = size_t(Sass::BRA) + 1;
std::string_view name(Sass instruction);

struct CubinFacts {
  std::string function;
  int64_t registers = 0;   ///< of a thread
  int64_t localBytes = 0;  ///< of a thread, in local memory: arrays that are indexed, spills
  int64_t sharedBytes = 0; ///< of a block, static; from sm_90 on with what CUDA keeps for itself
  int64_t threads = 0;     ///< of a block, at most
  std::array<int64_t, sassCount> instructions{};
  std::array<int64_t, sassCount> inLoops{}; ///< of them, between a branch and where it goes back to
  int64_t beforeWait = 0; ///< of them, accesses to global memory before the first ACQBULK, if any

  /// Without what CUDA keeps; the code is for GPUs of `capability` (90 for 9.0).
  int64_t staticSharedBytes(int32_t capability) const;
  int64_t count(Sass instruction) const { return instructions[size_t(instruction)]; }
  int64_t countInLoops(Sass instruction) const { return inLoops[size_t(instruction)]; }
};

/// Of a cubin with one kernel. Any bytes may be given; `where` names them in a failure.
Expected<CubinFacts> readCubinFacts(std::string_view cubin, const std::string &where);

} // namespace dsv3::runtime
