//===- SimObject.cpp - kernels on the simulated GPU -----------------------===//

#include "runtime/drivers/sim/SimObject.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "runtime/base/Process.h"
#include "runtime/drivers/sim/HostCompiler.h"
#include "runtime/jit/CubinFacts.h"
#include "runtime/jit/KernelTexts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <link.h>
#include <map>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// The threads of a block, as the text states them.
static Expected<size_t> threadsOf(const plan::KernelText &text) {
  constexpr std::string_view bounds = "__launch_bounds__(";
  size_t at = text.text.find(bounds), threads = 0;
  if (at != std::string::npos) {
    const char *begin = text.text.data();
    std::from_chars(begin + at + bounds.size(), begin + text.text.size(), threads);
  }
  return threads > 0 ? Expected<size_t>(threads)
                     : Failure{"expected a kernel with __launch_bounds__(threads), found none",
                               "kernel '" + text.symbol + "'", "compile the model again"};
}

/// A kernel's traffic as text.
static std::string textOf(const SimCounts &kernel) {
  auto beside = [](int64_t actual, int64_t least) {
    return std::to_string(actual) + " of at least " + std::to_string(least);
  };
  return kernel.kernel + ": " + std::to_string(kernel.launches) + " launches, " +
         std::to_string(kernel.blocks) + " blocks, " + beside(kernel.sectors, kernel.leastSectors) +
         " sectors, " +
         (kernel.busSectors > 0 ? std::to_string(kernel.busSectors) + " of them on the host, "
                                : "") +
         beside(kernel.wavefronts, kernel.leastWavefronts) + " wavefronts, " +
         std::to_string(kernel.products) + " mma.sync";
}

SimObject::~SimObject() {
  constexpr size_t mostLines = 3; // of a kernel
  for (const SimCounts &kernel : say ? counts() : std::vector<SimCounts>()) {
    say(textOf(kernel));
    for (const SimLine &line :
         std::span(kernel.wasteful).first(std::min(mostLines, kernel.wasteful.size()))) {
      say(std::string("  ") + (line.store ? "stores at " : "loads at ") + line.where + ": " +
          std::to_string(line.actual) + " of at least " + std::to_string(line.least) +
          (line.shared ? " wavefronts" : " sectors"));
    }
  }
}

/// What is loaded of the shared object that begins at `base`. Its file may be longer, and what lies
/// behind the end here is others'.
static std::span<const std::byte> loadedBytes(const std::byte *base) {
  const auto *file = reinterpret_cast<const ElfW(Ehdr) *>(base);
  std::span parts(reinterpret_cast<const ElfW(Phdr) *>(base + file->e_phoff), file->e_phnum);
  size_t end = 0;
  for (const auto &part : parts) {
    if (part.p_type == PT_LOAD) {
      end = std::max<size_t>(end, part.p_vaddr + part.p_memsz);
    }
  }
  return {base, end};
}

static Expected<SimKernel> load(const plan::KernelText &text, const std::string &code) {
  auto cannot = [&](const std::string &why) {
    return Failure{"cannot load it: " + why, "kernel '" + text.symbol + "' of the simulated GPU"};
  };
  Expected<size_t> threads = threadsOf(text);
  if (!threads) {
    return threads.status();
  }
  Expected<std::vector<plan::MappedMatrix>> mapped = plan::mappedMatricesOf(text);
  if (!mapped) {
    return mapped.status();
  }
  Expected<plan::GridShape> grid = plan::gridShapeOf(text);
  if (!grid) {
    return grid.status();
  }
  SimKernel kernel;
  kernel.symbol = text.symbol;
  kernel.threads = *threads;
  kernel.grid = *grid;
  kernel.dependent = plan::isDependent(text);
  kernel.mapped = *std::move(mapped);
  kernel.file = std::make_unique<MemoryFile>(code);
  if (kernel.file->error() != 0) {
    return cannot(std::strerror(kernel.file->error()));
  }
  kernel.library = {dlopen(kernel.file->path().c_str(), RTLD_NOW | RTLD_LOCAL), dlclose};
  if (!kernel.library) {
    return cannot(dlerror());
  }
  kernel.entry = static_cast<const dsv3::sim::Entry *>(dlsym(kernel.library.get(), "dsv3SimEntry"));
  Dl_info info;
  if (!kernel.entry || kernel.entry->revision != dsv3::sim::machineRevision ||
      dladdr(kernel.entry, &info) == 0) {
    return cannot("it is not of this simulator");
  }
  kernel.code = loadedBytes(static_cast<const std::byte *>(info.dli_fbase));
  return kernel;
}

/// Has all kernels compiled, in the order of their texts.
static Expected<std::vector<SimKernel>> compile(std::span<const plan::KernelText> texts,
                                                const SimOptions &options, bool observed) {
  std::error_code error;
  std::filesystem::path scratch = options.compiling.cache.empty()
                                      ? std::filesystem::temp_directory_path(error)
                                      : options.compiling.cache;
  HostCompiler compiler(scratch, observed, options.cancel);
  Expected<CompiledKernels> compiled = compileKernels(texts, compiler, options.compiling);
  if (!compiled) {
    return compiled.failure();
  }
  std::vector<SimKernel> kernels;
  for (size_t i = 0; i < texts.size(); ++i) {
    Expected<SimKernel> kernel = load(texts[i], compiled->cubins[i].code);
    if (!kernel) {
      return kernel.failure();
    }
    kernels.push_back(*std::move(kernel));
  }
  return kernels;
}

/// Of each text the registers that its code takes of a thread of the chip whose times are
/// predicted. The code is taken from where the driver of real GPUs takes it. Without NVRTC, or
/// where it refuses a kernel, none are known, and why is told.
static Expected<std::vector<int64_t>> registersOf(std::span<const plan::KernelText> texts,
                                                  const std::filesystem::path &path,
                                                  const SimOptions &options) {
  std::string name = path.stem().string();
  const plan::GpuVariant *variant = plan::findGpuVariant(name);
  if (variant && !plan::canRun(*variant, options.chip->capability)) {
    return Failure{
        "expected kernels for " + std::string(options.chip->name) + ", found those for " + name,
        "--chip", "compile for it (dsv3-compile --arch), or name a chip that runs these"};
  }
  KernelCompilerOptions compiling = options.compiling;
  compiling.architecture = plan::architectureFor(name, options.chip->capability);
  compiling.bundled = path.parent_path() / plan::cubinFolderName;
  Expected<CompiledKernels> compiled = compileKernels(texts, compiling);
  std::optional<Failure> unknown =
      compiled ? std::nullopt : std::optional<Failure>(compiled.failure());
  std::vector<int64_t> registers(texts.size());
  for (size_t i = 0; i < texts.size() && !unknown; ++i) {
    Expected<CubinFacts> facts = readCubinFacts(compiled->cubins[i].code, texts[i].symbol);
    if (facts) {
      registers[i] = facts->registers;
    } else {
      unknown = facts.failure();
    }
  }
  if (!unknown) {
    return registers;
  }
  if (options.compiling.cancel && options.compiling.cancel->load()) {
    return *std::move(unknown);
  }
  if (options.compiling.say) {
    options.compiling.say("note: registers of kernels are not known, so that threads and shared "
                          "memory alone decide how many blocks a multiprocessor holds: " +
                          unknown->message());
  }
  return std::vector<int64_t>(texts.size());
}

Expected<std::unique_ptr<SimObject>> SimObject::open(const ObjectFile &file,
                                                     std::span<const std::string> symbols,
                                                     const SimOptions &options, Checker *checker) {
  Expected<std::vector<plan::KernelText>> texts =
      readKernelTexts(file.path, file.checksum, symbols);
  if (!texts) {
    return texts.failure();
  }
  std::unique_ptr<SimObject> object(new SimObject(checker, options.compiling.say));
  std::vector<SimKernel> observed;
  if (options.chip) { // first: the compiler that it needs may not be there
    Expected<std::vector<SimKernel>> made = compile(*texts, options, true);
    if (!made) {
      return made.failure();
    }
    observed = *std::move(made);
  }
  Expected<std::vector<SimKernel>> kernels = compile(*texts, options, checker != nullptr);
  if (!kernels) {
    return kernels.failure();
  }
  object->loaded = *std::move(kernels);
  if (options.chip && options.registers) {
    Expected<std::vector<int64_t>> registers = registersOf(*texts, file.path, options);
    if (!registers) {
      return registers.failure();
    }
    for (size_t i = 0; i < registers->size(); ++i) {
      object->loaded[i].registers = (*registers)[i];
    }
  }
  for (size_t i = 0; i < observed.size(); ++i) {
    object->loaded[i].observed = std::make_unique<SimKernel>(std::move(observed[i]));
  }
  return object;
}

std::vector<SimCounts> SimObject::counts() const {
  std::vector<SimCounts> result;
  for (const SimKernel &kernel : loaded) {
    if (!checker || !checker->counters().kernels().contains(kernel.symbol)) {
      continue;
    }
    const KernelCounts &counted = checker->counters().kernels().at(kernel.symbol);
    Traffic global = counted.total(false), shared = counted.total(true);
    SimCounts &counts = result.emplace_back();
    counts = {kernel.symbol, counted.launches, counted.blocks, counted.products,   global.actual,
              global.least,  shared.actual,    shared.least,   counted.busSectors, {}};
    std::vector<const void *> places;
    for (const auto &[place, site] : counted.sites) {
      if (site.traffic.actual > site.traffic.least) {
        places.push_back(place);
      }
    }
    std::vector<std::string> found = kernel.linesOf(places);
    std::map<std::string, SimLine> lines; // of which each may be several instructions
    for (size_t i = 0; i < places.size(); ++i) {
      const KernelCounts::Site &site = counted.sites.at(places[i]);
      SimLine &line = lines[found[i] + (site.store ? "s" : "l") + (site.shared ? "s" : "g")];
      line = {found[i], site.store, site.shared, line.actual + site.traffic.actual,
              line.least + site.traffic.least};
    }
    for (auto &[key, line] : lines) {
      counts.wasteful.push_back(std::move(line));
    }
    std::ranges::stable_sort(counts.wasteful, std::greater(),
                             [](const SimLine &line) { return line.actual - line.least; });
  }
  return result;
}

std::vector<SimCounts> runtime::countsOf(const Object &object) {
  return static_cast<const SimObject &>(object).counts();
}

/// "family/gemm.cuh:30" of a line of addr2line.
static std::string shortened(std::string_view place) {
  place = place.substr(0, place.find(' ')); // without a discriminator
  size_t folder = place.find("runtime/kernels/cuda/");
  size_t cut = folder != place.npos ? folder + std::string_view("runtime/kernels/cuda/").size()
                                    : place.rfind('/') + 1;
  return std::string(place.substr(cut));
}

/// The innermost line of a place that is not of one instruction alone, and the one of the text, or
/// of the module that the text names with #line.
static std::string describe(std::span<const std::string> frames) {
  std::string first, last;
  for (const std::string &frame : frames) {
    std::string line = shortened(frame);
    bool unknown = line.ends_with(":?") || line.ends_with(":0") || line.starts_with("?");
    if (unknown || line.starts_with("ptx/")) {
      continue;
    }
    first = first.empty() ? line : first;
    bool ofText = line.find(".cu:") != line.npos || line.find(".mlir:") != line.npos;
    last = ofText ? line : last;
  }
  return first == last || last.empty() ? first : first + ", from " + last;
}

std::vector<std::string> SimKernel::linesOf(std::span<const void *const> places) const {
  std::vector<std::string> lines(places.size());
  Dl_info info;
  std::optional<std::filesystem::path> program = findProgram("addr2line");
  if (!program || dladdr(entry, &info) == 0) {
    return lines;
  }
  std::vector<std::string> words{"-a", "-i", "-e", file->path()};
  for (const void *place : places) {
    // The call lies before the place that it returns to.
    auto offset = static_cast<const char *>(place) - static_cast<const char *>(info.dli_fbase) - 1;
    std::array<char, 16> hex;
    words.emplace_back(hex.data(),
                       std::to_chars(hex.data(), hex.data() + hex.size(), offset, 16).ptr);
  }
  std::string output;
  if (!runProgram(*program, words, nullptr, &output)) {
    return lines;
  }
  // An address, then its frames from the inside out.
  std::vector<std::vector<std::string>> frames;
  for (size_t at = 0; at < output.size();) {
    size_t end = std::min(output.find('\n', at), output.size());
    if (output.compare(at, 2, "0x") == 0) {
      frames.emplace_back();
    } else if (!frames.empty()) {
      frames.back().push_back(output.substr(at, end - at));
    }
    at = end + 1;
  }
  for (size_t i = 0; i < std::min(lines.size(), frames.size()); ++i) {
    lines[i] = describe(frames[i]);
  }
  return lines;
}
