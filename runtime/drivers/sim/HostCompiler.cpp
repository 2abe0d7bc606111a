//===- HostCompiler.cpp - kernels compiled for the host -------------------===//

#include "runtime/drivers/sim/HostCompiler.h"

#include "dsv3/Checkpoint/AsideFolder.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Cpu.h"
#include "runtime/base/Process.h"
#include "runtime/kernels/DeviceHeaders.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace fs = std::filesystem;
using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr size_t mostObjectBytes = size_t(1) << 28;

HostCompiler::HostCompiler(fs::path scratch, bool checked, const std::atomic<bool> *cancel)
    : scratch(std::move(scratch)), checked(checked), cancel(cancel) {}
HostCompiler::~HostCompiler() = default;

static std::string wordsOf(const std::vector<std::string> &words) {
  std::string text;
  for (const std::string &word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

/// The compiler that the environment names, or else the first on PATH.
static Expected<fs::path> findCompiler(bool checked) {
  const char *wanted = std::getenv(compilerVariable);
  std::vector<std::string> names{"c++", "g++", "clang++"};
  if (checked) {
    names = {"clang++-22", "clang++"};
  }
  if (wanted && *wanted) {
    names = {wanted};
  }
  for (const std::string &name : names) {
    std::error_code error;
    if (name.find('/') != name.npos && fs::exists(name, error)) {
      return fs::path(name);
    }
    if (std::optional<fs::path> found = findProgram(name)) {
      return *found;
    }
  }
  return Failure{"expected a C++ compiler for the kernels of the simulated GPU, found none: looked "
                 "for " +
                     wordsOf(names) + " on PATH",
                 checked ? "--sim-check, predicted times" : "--device=sim",
                 std::string("install ") + (checked ? "clang-22" : "g++") +
                     ", or name a compiler by the environment variable " + compilerVariable};
}

Status HostCompiler::findVersion() {
  std::string output;
  if (Status asked = runProgram(compiler, {"--version"}, cancel, &output); !asked) {
    if (cancel && cancel->load()) {
      return asked;
    }
    return Failure{"cannot use the C++ compiler: " + asked.failure().what, compiler.string(),
                   std::string("name another one by the environment variable ") + compilerVariable};
  }
  version = output.substr(0, output.find('\n'));
  versionHash = hash128(output).hex();
  if (checked && version.find("clang version ") == version.npos) {
    return Failure{"expected clang, which makes code that is checked, found " + version,
                   compiler.string(),
                   std::string("install clang-22, or name it by the environment variable ") +
                       compilerVariable};
  }
  return {};
}

/// Fast mathematics is left to the text; nothing is contracted, so that every machine computes the
/// same.
static std::vector<std::string> optionsFor(bool checked) {
  std::vector<std::string> options{"-std=c++17",
                                   "-O2",
                                   "-g1",
                                   "-gdwarf-4",
                                   "-fPIC",
                                   "-shared",
                                   "-nostdlib",
                                   "-w",
                                   "-fno-rtti",
                                   "-fvisibility=hidden",
                                   "-fno-exceptions",
                                   "-fno-math-errno",
                                   "-fno-trapping-math",
                                   "-ffp-contract=off",
                                   "-fno-stack-protector"};
  // Fused multiplications are one instruction there, else a call.
  std::vector<std::string_view> variants = runnableVariants();
  if (std::ranges::find(variants, std::string_view("x86-64-v3")) != variants.end()) {
    options.emplace_back("-march=x86-64-v3");
  }
  if (checked) {
    for (const char *word :
         {"-fsanitize=thread", "-fno-vectorize", "-fno-slp-vectorize", "-mllvm",
          "-tsan-instrument-read-before-write=1", "-mllvm", "-tsan-instrument-func-entry-exit=0"}) {
      options.emplace_back(word);
    }
  }
  return options;
}

Status HostCompiler::open() {
  Expected<fs::path> found = findCompiler(checked);
  if (!found) {
    return found.status();
  }
  compiler = *std::move(found);
  options = optionsFor(checked);
  return findVersion();
}

static Status write(const fs::path &path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  return file.flush() ? Status() : Failure{"cannot write it", path.string(), "is the disk full?"};
}

Status HostCompiler::makeFolder() const {
  std::error_code error;
  fs::create_directories(scratch, error);
  folder = std::make_unique<checkpoint::AsideFolder>(scratch);
  if (folder->error()) {
    return Failure{"cannot write what is compiled: " + folder->error().message(), scratch.string(),
                   "set XDG_CACHE_HOME to a folder that can be written"};
  }
  for (const DeviceHeader &header : simulatorHeaders()) {
    fs::path path = folder->path() / header.name;
    fs::create_directories(path.parent_path(), error);
    if (Status written = write(path, header.text); !written) {
      return written;
    }
  }
  return {};
}

CubinKey HostCompiler::key(std::string_view text) const {
  return CubinKey::ofHost(text, simulatorHeadersHash(), wordsOf(options), versionHash);
}

std::string HostCompiler::description() const {
  return std::string("for the simulated GPU, ") + (checked ? "to be checked, " : "") + "with " +
         compiler.filename().string() + " (" + version + ")";
}

/// What to do about a compiler that says `output` and fails.
static std::string compileHint(const std::string &output) {
  if (output.find("No space left on device") != std::string::npos) {
    return "the disk of the cache is full: make room, or set XDG_CACHE_HOME to a folder with more";
  }
  return "this is a mistake of dsv3, of a changed bundle or of the compiler; try another one by "
         "the environment variable " +
         std::string(compilerVariable);
}

Expected<KernelCode> HostCompiler::compile(const plan::KernelText &kernel) const {
  std::call_once(folderMade, [this] { folderStatus = makeFolder(); });
  if (!folderStatus) {
    return folderStatus;
  }
  std::string function = plan::gpuFunctionName(kernel.symbol), text = function + ".cu";
  fs::path source = folder->path() / (function + ".cc"), made = folder->path() / (function + ".so");
  std::string included;
  for (const std::string &name :
       {std::string(checked ? "runtime/kernels/sim/observe.h" : "runtime/kernels/sim/machine.h"),
        text, std::string("runtime/kernels/sim/entry.h")}) {
    included += "#include \"" + name + "\"\n";
  }
  Status written = write(folder->path() / text, kernel.text);
  written = written ? write(source, included + "DSV3_SIM_ENTRY(" + function + ")\n") : written;
  if (!written) {
    return written;
  }
  // What the compiler itself keeps for a while lies there, too.
  std::vector<std::string> words{"TMPDIR=" + folder->path().string(), compiler.string()};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"-I", folder->path().string(), source.string(), "-o", made.string()});
  // Without the library of C++, which takes longer to link than many a kernel to compile.
  words.insert(words.end(), {"-lm", "-lc", "-lgcc"});
  std::string output;
  Status compiled = runProgram("/usr/bin/env", words, cancel, &output);
  if (cancel && cancel->load()) {
    return Failure{"interrupted"};
  }
  if (!compiled) {
    return Failure{compiler.string() + " cannot compile it for the simulated GPU: it " +
                       compiled.failure().what + (output.empty() ? "" : "\n" + output),
                   text, compileHint(output)};
  }
  Expected<std::string> code = readFile(made.string(), mostObjectBytes);
  return code ? Expected<KernelCode>(KernelCode{*std::move(code), ""}) : code.failure();
}
