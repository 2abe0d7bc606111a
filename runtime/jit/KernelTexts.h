//===- KernelTexts.h - the texts of a variant's kernels ---------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/Status.h"

#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// The texts of `symbols`, in their order, of the file (dsv3/Plan/GpuKernel.h). Fails if it cannot
/// be read, is not the one of the checksum, or lacks a symbol.
Expected<std::vector<plan::KernelText>> readKernelTexts(const std::string &path,
                                                        const std::string &checksum,
                                                        std::span<const std::string> symbols);

} // namespace dsv3::runtime
