//===- Cpu.cpp - what this machine's CPU can run --------------------------===//

#include "runtime/base/Cpu.h"

#include "dsv3/Plan/Names.h"

#include <algorithm>
#include <array>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sched.h>

using namespace dsv3;
using namespace dsv3::runtime;

std::vector<std::string_view> runtime::runnableVariants() {
  std::vector<std::string_view> names;
#if defined(__x86_64__)
  // The compiler's run-time check asks CPUID, and XGETBV for the registers that
  // the operating system saves.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) {
    if (__builtin_cpu_supports("avx512vnni")) {
      names.push_back(plan::variantV4Vnni);
    }
    if (__builtin_cpu_supports("avx512bf16")) {
      names.push_back(plan::variantV4Bf16);
    }
    names.push_back(plan::variantV4);
  }
  if (__builtin_cpu_supports("x86-64-v3")) {
    names.push_back(plan::variantV3);
  }
#endif
  return names;
}

template <typename Names>
static std::string joined(const Names &names) {
  std::string text;
  for (const auto &name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text.empty() ? "none" : text;
}

Expected<size_t> runtime::chooseVariant(std::span<const std::string> names,
                                        std::string_view wanted) {
  std::vector<std::string_view> runnable = runnableVariants();
  auto runs = [&](std::string_view name) { return std::ranges::count(runnable, name) > 0; };
  if (!wanted.empty()) {
    auto found = std::ranges::find(names, wanted);
    if (found == names.end()) {
      return Failure{"expected a variant that there is code for (" + joined(names) + "), found '" +
                         std::string(wanted) + "'",
                     "", "give one of these, or leave --variant out"};
    }
    if (!runs(wanted)) {
      return Failure{"this machine does not run code for " + std::string(wanted) + "; it runs " +
                         joined(runnable),
                     "", "leave --variant out"};
    }
    return size_t(found - names.begin());
  }
  for (std::string_view name : runnable) {
    auto found = std::ranges::find(names, name);
    if (found != names.end()) {
      return size_t(found - names.begin());
    }
  }
  return Failure{"expected kernels for a variant that this machine runs (" + joined(runnable) +
                     "), found " + joined(names),
                 "", "compile for this machine with dsv3-compile"};
}

unsigned runtime::familyOf(uint32_t signature) {
  return ((signature >> 8) & 0xF) + ((signature >> 20) & 0xFF);
}

std::string runtime::cpuName() {
#if defined(__x86_64__)
  constexpr unsigned firstOfName = 0x80000002, lastOfName = 0x80000004;
  std::array<unsigned, 4> registers{};
  std::string name;
  for (unsigned leaf = firstOfName; leaf <= lastOfName; ++leaf) {
    auto &[eax, ebx, ecx, edx] = registers;
    if (__get_cpuid(leaf, &eax, &ebx, &ecx, &edx) != 0) {
      name.append(reinterpret_cast<const char *>(registers.data()), sizeof(registers));
    }
  }
  name.resize(name.find_last_not_of(std::string_view(" \0", 2)) + 1);
  unsigned signature = 0, ebx = 0, ecx = 0, edx = 0;
  __get_cpuid(1, &signature, &ebx, &ecx, &edx);
  unsigned model = ((signature >> 4) & 0xF) + ((signature >> 12) & 0xF0);
  return (name.empty() ? "x86-64" : name) + " (family " + std::to_string(familyOf(signature)) +
         ", model " + std::to_string(model) + ")";
#else
  return "unknown CPU";
#endif
}

/// The family of an AMD core, 0 of others.
static unsigned amdFamily() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__builtin_cpu_is("amd") != 0 && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0) {
    return familyOf(eax);
  }
#endif
  return 0;
}

bool runtime::asksFirstLevel() {
  constexpr unsigned zen5 = 0x1A;
  return amdFamily() == 0 || amdFamily() >= zen5;
}

bool runtime::assistsSubnormals() {
#if defined(__x86_64__)
  constexpr unsigned denormalsAreZeros = 0x0040, flushToZero = 0x8000;
  if ((__builtin_ia32_stmxcsr() & (denormalsAreZeros | flushToZero)) != 0) {
    return true;
  }
#endif
  return amdFamily() == 0;
}

bool runtime::runThisThreadOn(std::span<const int> cpus) {
  if (cpus.empty()) {
    return false;
  }
  auto most = size_t(*std::ranges::max_element(cpus)) + 1;
  cpu_set_t *set = CPU_ALLOC(most);
  if (!set) {
    return false;
  }
  size_t bytes = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(bytes, set);
  for (int cpu : cpus) {
    CPU_SET_S(size_t(cpu), bytes, set);
  }
  bool agreed = sched_setaffinity(0, bytes, set) == 0;
  CPU_FREE(set);
  return agreed;
}
