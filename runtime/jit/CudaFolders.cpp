//===- CudaFolders.cpp - where NVIDIA's libraries lie ---------------------===//

#include "runtime/jit/CudaFolders.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>

namespace fs = std::filesystem;
using namespace dsv3;
using namespace dsv3::runtime;

/// Folders of PyPI's packages below `site`: nvidia/cuda_nvrtc/lib, nvidia/cublas/lib,
/// nvidia/cu13/lib, ….
static void addPythonFolders(const fs::path &site, std::vector<fs::path> &folders) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(site / "nvidia", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (fs::is_directory(at->path() / "lib", ignored)) {
      found.push_back(at->path() / "lib");
    }
  }
  std::sort(found.begin(), found.end());
  folders.insert(folders.end(), found.begin(), found.end());
}

/// Where Python's packages of one installation lie: PREFIX/lib/python3.X/{site,dist}-packages.
static void addPython(const fs::path &prefix, std::vector<fs::path> &folders) {
  std::error_code error;
  for (fs::directory_iterator at(prefix / "lib", error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename().string().starts_with("python3")) {
      addPythonFolders(at->path() / "site-packages", folders);
      addPythonFolders(at->path() / "dist-packages", folders);
    }
  }
}

std::vector<fs::path> runtime::cudaLibraryFolders() {
  std::vector<fs::path> folders;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const char *value = std::getenv(variable)) {
      folders.push_back(fs::path(value) / "lib64");
    }
  }
  folders.emplace_back("/usr/local/cuda/lib64");
  for (const char *variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    if (const char *value = std::getenv(variable)) {
      addPython(value, folders);
    }
  }
  if (const char *home = std::getenv("HOME")) {
    addPython(fs::path(home) / ".local", folders);
  }
  addPython("/usr/local", folders);
  addPython("/usr", folders);
  return folders;
}
