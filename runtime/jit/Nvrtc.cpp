//===- Nvrtc.cpp - the compiler for NVIDIA GPUs ---------------------------===//

#include "runtime/jit/Nvrtc.h"

#include "runtime/jit/CudaFolders.h"
#include "runtime/kernels/DeviceHeaders.h"

#include <algorithm>
#include <cstdlib>

namespace fs = std::filesystem;
using namespace dsv3;
using namespace dsv3::runtime;

static constexpr std::string_view standardOption = "--std=c++17";

std::string_view Nvrtc::options() { return standardOption; }

Status Nvrtc::bind() {
  std::string missing;
  auto find = [&](const char *symbol, auto &function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(library.find(symbol));
    missing = function ? missing : symbol;
  };
  find("nvrtcVersion", getVersion);
  find("nvrtcGetNumSupportedArchs", countArchitectures);
  find("nvrtcGetSupportedArchs", getArchitectures);
  find("nvrtcCreateProgram", create);
  find("nvrtcDestroyProgram", destroy);
  find("nvrtcCompileProgram", compileProgram);
  find("nvrtcGetProgramLogSize", logBytes);
  find("nvrtcGetProgramLog", getLog);
  find("nvrtcGetCUBINSize", cubinBytes);
  find("nvrtcGetCUBIN", getCubin);
  find("nvrtcGetErrorString", errorText);
  return missing.empty() ? Status()
                         : Failure{"expected NVRTC 11.2 or newer, found one without " + missing,
                                   library.path(), "install a newer CUDA toolkit"};
}

/// NVRTC opens this library by its name when it compiles, wherever the system's loader looks: a
/// folder of Python's packages is not among these. One of that name that is open already is taken.
void Nvrtc::openBuiltins() const {
  fs::path folder = fs::path(library.path()).parent_path();
  if (!folder.empty()) {
    // Where there is none NVRTC says so itself.
    (void)DynamicLibrary::open({"", {"libnvrtc-builtins.so." + versionText}, {folder}, ""});
  }
}

Expected<std::shared_ptr<const Nvrtc>> Nvrtc::load() {
  Expected<DynamicLibrary> opened = DynamicLibrary::open(
      {"NVRTC, the compiler for NVIDIA GPUs",
       {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"},
       cudaLibraryFolders(),
       "install a CUDA toolkit and set CUDA_HOME, or: python3 -m venv DIR && DIR/bin/pip install "
       "nvidia-cuda-nvrtc, and set VIRTUAL_ENV=DIR; a bundle that dsv3-compile made with "
       "--precompile does without"});
  if (!opened) {
    return opened.failure();
  }
  std::shared_ptr<Nvrtc> nvrtc(new Nvrtc());
  nvrtc->library = *std::move(opened);
  if (Status bound = nvrtc->bind(); !bound) {
    return bound;
  }
  int major = 0, minor = 0;
  nvrtc->getVersion(&major, &minor);
  nvrtc->versionText = std::to_string(major) + "." + std::to_string(minor);
  nvrtc->openBuiltins();
  return std::shared_ptr<const Nvrtc>(std::move(nvrtc));
}

Status Nvrtc::checkArchitecture(const std::string &architecture) const {
  int count = 0;
  countArchitectures(&count);
  std::vector<int> known(static_cast<size_t>(count));
  getArchitectures(known.data());
  // "sm_90a" is 90.
  int wanted = std::atoi(architecture.c_str() + std::string_view("sm_").size());
  if (std::find(known.begin(), known.end(), wanted) != known.end()) {
    return {};
  }
  std::string list;
  for (int number : known) {
    list += (list.empty() ? "sm_" : ", sm_") + std::to_string(number);
  }
  return Failure{"NVRTC " + versionText + " makes no code for " + architecture + ", only for " +
                     list,
                 library.path(), "install a CUDA toolkit that knows this GPU"};
}

std::string Nvrtc::logOf(Program program) const {
  size_t bytes = 0;
  std::string log;
  if (logBytes(program, &bytes) == 0 && bytes > 1) {
    log.resize(bytes);
    getLog(program, log.data());
    log.resize(bytes - 1); // its final zero
  }
  return log;
}

Expected<KernelCode> Nvrtc::compile(const std::string &text, const std::string &name,
                                    const std::string &architecture) const {
  if (Status known = checkArchitecture(architecture); !known) {
    return known;
  }
  std::vector<const char *> texts, names;
  for (const DeviceHeader &header : deviceHeaders()) {
    texts.push_back(header.text);
    names.push_back(header.name);
  }
  Program program = nullptr;
  auto failed = [&](int code, const std::string &log) {
    return Failure{"NVRTC " + versionText + " cannot compile it for " + architecture + ": " +
                       errorText(code) + (log.empty() ? "" : "\n" + log),
                   name, "this is a mistake of dsv3 or of a changed bundle; please report it"};
  };
  int code =
      create(&program, text.c_str(), name.c_str(), int(texts.size()), texts.data(), names.data());
  if (code != 0) {
    return failed(code, "");
  }
  std::string target = "--gpu-architecture=" + architecture;
  std::vector<const char *> arguments{target.c_str(), standardOption.data()};
  if (text.find("\n#line ") != std::string::npos) { // part of the text, so the key of caches has it
    arguments.push_back("--generate-line-info");
  }
  code = compileProgram(program, int(arguments.size()), arguments.data());
  KernelCode cubin;
  size_t bytes = 0;
  if (code == 0) {
    code = cubinBytes(program, &bytes);
  }
  if (code == 0) {
    cubin.code.resize(bytes);
    code = getCubin(program, cubin.code.data());
  }
  cubin.log = logOf(program);
  destroy(&program);
  return code == 0 ? Expected<KernelCode>(std::move(cubin)) : failed(code, cubin.log);
}
