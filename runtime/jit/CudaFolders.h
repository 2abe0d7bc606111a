//===- CudaFolders.h - where NVIDIA's libraries lie -------------*- C++ -*-===//
#pragma once

#include <filesystem>
#include <vector>

namespace dsv3::runtime {

/// Folders of libraries of CUDA toolkits (CUDA_HOME, CUDA_PATH, /usr/local/cuda) and of PyPI's
/// packages (VIRTUAL_ENV, CONDA_PREFIX, the user's and the system's), best first, whether they
/// exist or not.
std::vector<std::filesystem::path> cudaLibraryFolders();

} // namespace dsv3::runtime
