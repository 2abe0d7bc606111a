//===- KernelRules.cpp - what must hold of a compiled GPU kernel ----------===//

#include "runtime/jit/KernelRules.h"

#include "dsv3/Plan/Occupancy.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

/// A device function that a text calls, and what its code is made of: one of the first two, which
/// multiply, and all others.
struct Form {
  std::string_view call;
  std::array<Sass, 2> multiplies;
  std::span<const Sass> others;
};
// Codes are multiplied by QMMA on sm_120a, and as f16 by HMMA on others; by warp groups by QGMMA.
constexpr std::array<Sass, 2> mma{Sass::HMMA, Sass::QMMA}, mmaOthers{Sass::LDSM, Sass::LDGSTS};
constexpr std::array<Sass, 2> wgmma{Sass::HGMMA, Sass::QGMMA};
constexpr std::array<Sass, 2> wgmmaOthers{Sass::UTMALDG, Sass::USETMAXREG};
// Pages are keys as they lie, and values transposed.
constexpr std::array<Sass, 3> wgmmaOfPages{Sass::LDGSTS, Sass::USETMAXREG, Sass::HGMMAT};
constexpr Form forms[] = {{"gemmMma", mma, mmaOthers},
                          {"groupedGemmMma", mma, mmaOthers},
                          {"expandedAttentionMma", mma, mmaOthers},
                          {"latentAttentionMma", mma, mmaOthers},
                          {"latentAttentionWgmma", wgmma, wgmmaOfPages},
                          {"gemmWgmma", wgmma, wgmmaOthers},
                          {"groupedGemmWgmma", wgmma, wgmmaOthers},
                          {"expandLatents", wgmma, wgmmaOthers},
                          {"prefillAttention", wgmma, wgmmaOthers}};

/// ptxas may put one value away before a loop that does not use it, and fetch it afterwards, at the
/// ends of two paths at the most.
constexpr int64_t oneValueBytes = 8, oneValueAccesses = 3;

/// What a warp multiplies of one piece of the depth takes at least as many instructions (16 rows
/// of 64 columns, 32 of the depth); so many outside of loops are a loop of few rounds, unrolled.
constexpr int64_t unrolledProducts = 16;

} // namespace

namespace {
/// What the code of a family may take.
struct Budget {
  int64_t registers; ///< of a thread
  bool loops;        ///< loops are its time: there is no reason for local memory in them
};
} // namespace

/// The one that a text calls, as the printer writes that, first in its line; null if none.
static const Form *formOf(const plan::KernelText &text) {
  const auto *found = std::ranges::find_if(forms, [&](const Form &form) {
    return text.text.find("\n  " + std::string(form.call) + "<") != std::string::npos;
  });
  return found == std::end(forms) ? nullptr : found;
}

static Budget budgetOf(plan::Family family, const Form *form) {
  constexpr Budget all{255, true}; // that there are: loops hold sums
  switch (family) {
  case plan::Family::Gemm:
  case plan::Family::GroupedGemm:
  case plan::Family::ExpandedAttention:
  case plan::Family::ExpandLatents:
  case plan::Family::PrefillAttention:
    return all;
  case plan::Family::LatentAttention:
    return form ? all : Budget{128, true};
  case plan::Family::AttentionCombine:
    return {96, true};
  case plan::Family::Sample:
    return {64, true};
  case plan::Family::Rowwise:
  case plan::Family::Gather:
  case plan::Family::RopeTable:
  case plan::Family::RopeAppend:
  case plan::Family::Router:
  case plan::Family::Dispatch:
  case plan::Family::Combine:
  case plan::Family::Concat:
    break;
  }
  return {64, false};
}

static void checkRegisters(const PlannedKernel &planned, const Budget &most,
                           const CubinFacts &facts, std::vector<std::string> &faults) {
  constexpr int64_t unit = 8; // registers are given out in such numbers
  int64_t ofBlock = (facts.registers + unit - 1) / unit * unit * facts.threads;
  // Threads that give registers to others have fewer than the most.
  bool moved = facts.count(Sass::USETMAXREG) > 0;
  if (!moved && facts.registers > most.registers) {
    faults.push_back(std::to_string(facts.registers) + " registers, the budget of " +
                     std::string(name(planned.family)) + " is " + std::to_string(most.registers));
  }
  if (!moved && ofBlock > plan::registersOfMultiprocessor) {
    faults.push_back(std::to_string(facts.registers) + " registers for each of " +
                     std::to_string(facts.threads) + " threads, a multiprocessor has " +
                     std::to_string(plan::registersOfMultiprocessor));
  }
}

static void checkMemory(const PlannedKernel &planned, const Budget &most,
                        const plan::GpuVariant &variant, const CubinFacts &facts,
                        std::vector<std::string> &faults) {
  int64_t accesses = facts.count(Sass::LDL) + facts.count(Sass::STL);
  bool oneValue = facts.localBytes <= oneValueBytes && accesses <= oneValueAccesses;
  if (most.loops && !oneValue) {
    faults.push_back(std::to_string(facts.localBytes) + " bytes of local memory, " +
                     std::to_string(accesses) + " accesses");
  }
  if (int64_t bytes = facts.staticSharedBytes(variant.capability); bytes > 0) {
    faults.push_back(std::to_string(bytes) + " bytes of static shared memory, there is to be none");
  }
  if (planned.sharedBytes > variant.sharedBytes) {
    faults.push_back(std::to_string(planned.sharedBytes) + " bytes of shared memory, a block has " +
                     std::to_string(variant.sharedBytes));
  }
}

/// Loads of what is `const __restrict__` may be moved by the compiler, which does not know that
/// earlier launches write it until the kernel has waited for them.
static void checkDependence(const plan::KernelText &text, const CubinFacts &facts,
                            std::vector<std::string> &faults) {
  if (!plan::isDependent(text)) {
    return;
  }
  if (facts.count(Sass::ACQBULK) == 0) {
    faults.emplace_back("no instruction ACQBULK, which waits for earlier launches");
  } else if (facts.beforeWait > 0) {
    faults.push_back(std::to_string(facts.beforeWait) +
                     " accesses to global memory before earlier launches are waited for");
  }
}

static void checkInstructions(const Form &form, const CubinFacts &facts,
                              std::vector<std::string> &faults) {
  auto missing = [&](const std::string &what) {
    faults.push_back("no instruction " + what + ", of which " + std::string(form.call) +
                     " is made");
  };
  auto [first, second] = form.multiplies;
  int64_t products = facts.count(first) + facts.count(second);
  int64_t inLoops = facts.countInLoops(first) + facts.countInLoops(second);
  if (inLoops == 0 && products < unrolledProducts) {
    missing(std::string(name(first)) + " or " + std::string(name(second)) +
            (products > 0 ? " in a loop" : ""));
  }
  for (Sass instruction : form.others) {
    if (facts.count(instruction) == 0) {
      missing(std::string(name(instruction)));
    }
  }
}

/// What ptxas has to say without being asked for it is not always a warning by its name:
///   ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored; unable to …
///   ptxas info    : (C7517) warpgroup.wait is injected in around line 113 by compiler to …
static bool complains(std::string_view line) {
  constexpr std::string_view marks[] = {" warning ", "Potential Performance Loss",
                                        " is injected in "};
  return std::ranges::any_of(marks,
                             [&](std::string_view mark) { return line.find(mark) != line.npos; });
}

static void checkLog(std::string_view log, std::vector<std::string> &faults) {
  struct Complaint {
    std::string alike; ///< without numbers
    std::string first;
    size_t count = 0;
  };
  std::vector<Complaint> complaints;
  while (!log.empty()) {
    std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(line.size() + 1, log.size()));
    if (!complains(line)) {
      continue;
    }
    std::string alike(line);
    std::erase_if(alike, [](char c) { return c >= '0' && c <= '9'; });
    auto known = std::ranges::find(complaints, alike, &Complaint::alike);
    if (known == complaints.end()) {
      complaints.push_back({std::move(alike), std::string(line), 0});
      known = std::prev(complaints.end());
    }
    ++known->count;
  }
  for (const Complaint &complaint : complaints) {
    faults.push_back(
        "NVRTC says: " + complaint.first +
        (complaint.count > 1 ? " (" + std::to_string(complaint.count) + " such sentences)" : ""));
  }
}

std::vector<std::string> runtime::kernelFaults(const plan::KernelText &text,
                                               const PlannedKernel &planned,
                                               const plan::GpuVariant &variant,
                                               const CubinFacts &facts, std::string_view log) {
  std::vector<std::string> faults;
  if (std::string name = plan::gpuFunctionName(text.symbol); facts.function != name) {
    faults.push_back("a function '" + facts.function + "', expected '" + name + "'");
  }
  const Form *form = formOf(text);
  Budget most = budgetOf(planned.family, form);
  checkRegisters(planned, most, facts, faults);
  checkMemory(planned, most, variant, facts, faults);
  checkDependence(text, facts, faults);
  if (form) {
    checkInstructions(*form, facts, faults);
  }
  if (text.text.find(", boxedRows(") != std::string::npos && facts.count(Sass::UTMASTG) == 0) {
    faults.emplace_back("no instruction UTMASTG, of which stores of boxes are made");
  }
  checkLog(log, faults);
  return faults;
}
