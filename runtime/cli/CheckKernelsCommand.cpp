//===- CheckKernelsCommand.cpp - the code of GPU kernels, looked at -------===//
//
// Compiles the kernels of bundles for GPUs, each text once, and looks at the code
// (runtime/jit/KernelRules.h). Needs NVRTC, but no GPU.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Plan/Names.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Streams.h"
#include "runtime/jit/KernelCompiler.h"
#include "runtime/jit/KernelRules.h"
#include "runtime/jit/KernelTexts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>

namespace dsv3::cli {
namespace {

struct CheckFlags {
  std::vector<std::string> bundles;
  std::string part = "1/1";
  int threads = 0;
};

/// "2/6": the second of six parts of all kernels, which their hashes divide.
struct Part {
  uint64_t number = 1, count = 1;
};

/// The kernels of a bundle for a kind of GPU: a line of the table.
struct Group {
  std::string bundle;
  const plan::GpuVariant *variant;
  std::vector<plan::KernelText> texts;
  std::vector<runtime::PlannedKernel> planned;
  std::vector<std::string> contents; ///< hashes that name the texts
  bool alone = true; ///< the bundle is for GPUs alone: CPUs divide kernels that GPUs need not
};

/// A text that is compiled, and what was found.
struct Checked {
  const Group *group;
  size_t index; ///< in its group
  runtime::CubinFacts facts;
  std::vector<std::string> faults;
};

class KernelCheck {
public:
  KernelCheck(const CheckFlags &flags, Part part) : flags(flags), part(part) {}
  Status run();

private:
  Status addBundle(const std::string &path);
  Status compile(const plan::GpuVariant &variant);
  void addTimes(const plan::GpuVariant &variant, std::span<const plan::KernelText> texts,
                const runtime::CompiledKernels &compiled);
  void addRow(const Group &group);
  bool isChosen(const std::string &content) const;

  const CheckFlags &flags;
  Part part;
  std::vector<std::unique_ptr<Group>> groups;
  std::map<std::string, Checked> checked; ///< by the text's hash
  std::set<std::string> shown;            ///< hashes of texts in earlier rows
  std::string times, table, compiling, faults;
  size_t wrong = 0;
};

} // namespace

static std::optional<Part> parsePart(std::string_view text) {
  Part part;
  const char *begin = text.data(), *last = begin + text.size();
  auto [slash, first] = std::from_chars(begin, last, part.number);
  if (first != std::errc() || slash == last || *slash != '/') {
    return std::nullopt;
  }
  auto [end, second] = std::from_chars(slash + 1, last, part.count);
  bool sound =
      second == std::errc() && end == last && part.number >= 1 && part.number <= part.count;
  return sound ? std::optional(part) : std::nullopt;
}

static std::string refuseNoPart(const std::string &text) {
  return parsePart(text) ? "" : "expected N/M, part N of M, found '" + text + "'";
}

Status KernelCheck::addBundle(const std::string &path) {
  Expected<runtime::Bundle> bundle = runtime::Bundle::open(path);
  if (!bundle) {
    return bundle.status();
  }
  size_t before = groups.size();
  const plan::Plan &plan = bundle->plan();
  std::vector<std::string> symbols;
  symbols.reserve(plan.kernels.size());
  for (const plan::Kernel &kernel : plan.kernels) {
    symbols.push_back(kernel.symbol);
  }
  for (size_t i = 0; i < plan.variants.size(); ++i) {
    const plan::GpuVariant *variant = plan::findGpuVariant(plan.variants[i].name);
    if (!variant) {
      continue;
    }
    Expected<std::vector<plan::KernelText>> texts = runtime::readKernelTexts(
        bundle->objectPath(i).string(), plan.variants[i].checksum, symbols);
    if (!texts) {
      return texts.status();
    }
    auto group = std::make_unique<Group>(Group{path, variant, *std::move(texts), {}, {}});
    group->alone = std::ranges::all_of(plan.variants, [](const plan::Variant &one) {
      return plan::findGpuVariant(one.name) != nullptr;
    });
    for (const plan::Kernel &kernel : plan.kernels) {
      std::optional<plan::Family> family = plan::familyFromName(kernel.family);
      if (!family) {
        return Failure{"expected a family of kernels, found '" + kernel.family + "'", path,
                       "compile the bundle again with dsv3-compile"};
      }
      group->planned.push_back({*family, kernel.variants[i].scratchBytes});
    }
    for (const plan::KernelText &text : group->texts) {
      group->contents.push_back(runtime::CubinKey::of(text.text, variant->name, "").content());
    }
    groups.push_back(std::move(group));
  }
  return groups.size() > before
             ? Status()
             : Failure{"expected a bundle with kernels for GPUs, found none", path,
                       "compile it with dsv3-compile --target=cuda --arch=sm_90a"};
}

/// What compiling took: a line for each kernel, the slowest first.
void KernelCheck::addTimes(const plan::GpuVariant &variant, std::span<const plan::KernelText> texts,
                           const runtime::CompiledKernels &compiled) {
  std::vector<size_t> order;
  double sum = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (compiled.seconds[i] > 0) {
      order.push_back(i);
      sum += compiled.seconds[i];
    }
  }
  std::ranges::stable_sort(order, std::greater(), [&](size_t i) { return compiled.seconds[i]; });
  for (size_t i : order) {
    times += fmt::format("{:8} {:7.2f}  {}\n", variant.name, compiled.seconds[i], texts[i].symbol);
  }
  if (!order.empty()) {
    times += fmt::format("{:8} {:7.2f}  all {}\n", variant.name, sum, order.size());
  }
}

bool KernelCheck::isChosen(const std::string &content) const {
  uint64_t number = 0;
  constexpr size_t digits = 8;
  std::from_chars(content.data(), content.data() + digits, number, 16);
  return number % part.count == part.number - 1;
}

/// Each text of the variant once.
Status KernelCheck::compile(const plan::GpuVariant &variant) {
  std::vector<plan::KernelText> texts;
  std::vector<Checked *> places;
  for (const std::unique_ptr<Group> &group : groups) {
    for (size_t i = 0; group->variant == &variant && i < group->texts.size(); ++i) {
      if (!isChosen(group->contents[i])) {
        continue;
      }
      auto [at, added] = checked.try_emplace(group->contents[i], Checked{group.get(), i, {}, {}});
      if (added) {
        texts.push_back(group->texts[i]);
        places.push_back(&at->second);
      }
    }
  }
  if (texts.empty()) {
    return {};
  }
  runtime::KernelCompilerOptions options;
  options.architecture = variant.name;
  if (auto directory = runtime::compileCacheDirectory()) {
    options.cache = *directory / plan::cubinFolderName;
  }
  options.threads = flags.threads;
  options.cancel = watchInterrupts();
  options.say = say;
  auto start = std::chrono::steady_clock::now();
  Expected<runtime::CompiledKernels> compiled = runtime::compileKernels(texts, options);
  if (!compiled) {
    return compiled.status();
  }
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  compiling += fmt::format("{}: {} compiled, {} from the cache, in {:.1f} s\n", variant.name,
                           compiled->compiled, compiled->cached, seconds.count());
  addTimes(variant, texts, *compiled);
  for (size_t i = 0; i < texts.size(); ++i) {
    Checked &place = *places[i];
    Expected<runtime::CubinFacts> facts =
        runtime::readCubinFacts(compiled->cubins[i].code, texts[i].symbol);
    if (!facts) {
      return facts.status();
    }
    place.facts = *std::move(facts);
    place.faults = runtime::kernelFaults(texts[i], place.group->planned[place.index], variant,
                                         place.facts, compiled->cubins[i].log);
  }
  return {};
}

void KernelCheck::addRow(const Group &group) {
  size_t fresh = 0, looked = 0, local = 0;
  const Checked *largest = nullptr;
  for (size_t i = 0; i < group.texts.size(); ++i) {
    bool first = shown.insert(group.contents[i]).second;
    fresh += first ? 1 : 0;
    auto found = checked.find(group.contents[i]);
    if (found == checked.end()) {
      continue;
    }
    const Checked &kernel = found->second;
    ++looked;
    local += kernel.facts.localBytes > 0 ? 1 : 0;
    largest = !largest || kernel.facts.registers > largest->facts.registers ? &kernel : largest;
    for (const std::string &fault : first ? kernel.faults : std::vector<std::string>()) {
      faults += fmt::format("{} of {} for {}: {}\n", group.texts[i].symbol, group.bundle,
                            group.variant->name, fault);
      ++wrong;
    }
  }
  if (group.alone && group.texts.size() > runtime::mostKernels) {
    faults += fmt::format("{} for {}: {} kernels, a model has at most {}\n", group.bundle,
                          group.variant->name, group.texts.size(), runtime::mostKernels);
    ++wrong;
  }
  table +=
      fmt::format("{:8} {:7} {:8} {:7} {:9} {:6}  {:24} {}\n", group.variant->name,
                  group.texts.size(), fresh, looked, largest ? largest->facts.registers : 0, local,
                  largest ? largest->group->texts[largest->index].symbol : "-", group.bundle);
}

Status KernelCheck::run() {
  for (const std::string &path : flags.bundles) {
    if (Status added = addBundle(path); !added) {
      return added;
    }
  }
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    if (Status compiled = compile(variant); !compiled) {
      return compiled;
    }
  }
  table = "variant  kernels     new checked registers  local  of which the most in     bundle\n";
  for (const std::unique_ptr<Group> &group : groups) {
    addRow(*group);
  }
  table += compiling +
           fmt::format("checked {} of {} distinct kernels: {}\n", checked.size(), shown.size(),
                       wrong == 0 ? "no fault" : "faults:") +
           faults;
  std::string head = times.empty() ? "" : "variant  seconds  to compile\n";
  Status written = writeOutput(table + head + times);
  return !written || wrong == 0
             ? written
             : Failure{"found " + std::to_string(wrong) + (wrong == 1 ? " fault" : " faults") +
                       " in the code of kernels"};
}

void addCheckKernels(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App *command = app.add_subcommand(
      "check-kernels",
      "Compiles the kernels of bundles for GPUs, each text once, and looks at the code:\n"
      "registers, local and shared memory, instructions of tensor cores, and warnings of NVRTC.\n"
      "Prints a table, what is wrong, and the seconds that each kernel took to compile, unless it\n"
      "was compiled before. Needs NVRTC, but no GPU; says nothing about the kernels' speed.\n\n"
      "example: dsv3-compile --config config.json --target=cuda --arch=sm_80,sm_90a -o B\n"
      "         dsv3-run check-kernels B");
  command->add_option("bundle", flags->bundles, "bundles with kernels for GPUs")->required();
  command->add_option("--part", flags->part, "check only part N of M of the kernels")
      ->check(refuseNoPart)
      ->type_name("N/M")
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "threads; 0: as many as are useful here")
      ->check(threadRange());
  command->callback([flags, &chosen] {
    chosen = [flags] { return KernelCheck(*flags, parsePart(flags->part).value_or(Part())).run(); };
  });
}

} // namespace dsv3::cli
