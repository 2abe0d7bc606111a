//===- Families.cpp - kernel families, variants, the table's hash ---------===//
//
// Names, vector geometry and layouts. The rules by which configurations are
// enumerated are in FamilyConfigs.cpp.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Plan/Families.h"

#include "dsv3/Plan/CpuTiles.h"
#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Plan/Kernel.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace dsv3::plan {

namespace {
struct FamilyRow {
  Family family;
  std::string_view name;
  bool panels;               ///< reads its weight in panels
  std::string_view fields;   ///< of a configuration
  std::string_view revision; ///< changes with the meaning of the fields
};

constexpr std::array<FamilyRow, 16> familyRows{{
    {Family::Rowwise, "rowwise", false, "rows", "1"},
    {Family::Gemm, "gemm", true, "flight k_block m_tile mr nr panels stream stream_most", "4"},
    {Family::GroupedGemm, "grouped_gemm", true,
     "flight k_block m_tile mr nr panels stream stream_most", "4"},
    {Family::Gather, "gather", false, "rows", "1"},
    {Family::RopeTable, "rope_table", false, "rows", "1"},
    {Family::RopeAppend, "rope_append", false, "rows", "1"},
    {Family::LatentAttention, "latent_attention", false, "heads mr", "3"},
    {Family::ExpandedAttention, "expanded_attention", true, "k_block mr nr rows stream stream_most",
     "4"},
    {Family::Router, "router", false, "rows", "1"},
    {Family::Dispatch, "dispatch", false, "", "1"},
    {Family::Combine, "combine", false, "columns", "1"},
    {Family::Concat, "concat", false, "rows", "1"},
    {Family::AttentionCombine, "attention_combine", false, "heads", "1"},
    {Family::Sample, "sample", false, "rows", "1"},
    {Family::ExpandLatents, "expand_latents", false, "", "1"},
    {Family::PrefillAttention, "prefill_attention", false, "", "1"},
}};

/// What a family's configurations hold on a GPU; all read their weight row-major.
struct GpuFamilyRow {
  Family family;
  std::string_view fields;
  std::string_view revision; ///< changes with the meaning of the fields
};

constexpr std::array<GpuFamilyRow, 16> gpuFamilyRows{{
    {Family::Rowwise, "threads", "2"},
    {Family::Gemm, "boxes columns depth_parts form rows stages threads", "10"},
    {Family::GroupedGemm, "boxes columns depth_parts form rows stages threads", "10"},
    {Family::Gather, "threads", "1"},
    {Family::RopeTable, "threads", "1"},
    {Family::RopeAppend, "threads", "1"},
    {Family::LatentAttention, "form heads keys most_tokens stages threads tokens", "5"},
    {Family::ExpandedAttention, "form rows threads", "4"},
    {Family::Router, "threads", "2"},
    {Family::Dispatch, "threads", "2"},
    {Family::Combine, "threads", "1"},
    {Family::Concat, "threads", "1"},
    {Family::AttentionCombine, "threads", "3"},
    {Family::Sample, "threads", "1"},
    {Family::ExpandLatents, "stages threads", "1"},
    {Family::PrefillAttention, "threads", "1"},
}};

constexpr std::array<CpuVariant, 4> variantRows{{
    {variantV3, "x86-64-v3", "", 8, 16, "256"},
    {variantV4, "x86-64-v4", "", 16, 32, "512"},
    {variantV4Vnni, "x86-64-v4", "+avx512vnni", 16, 32, "512", DType::I8},
    {variantV4Bf16, "x86-64-v4", "+avx512bf16", 16, 32, "512", DType::BF16},
}};

/// Shared memory of a block: CUDA C++ Programming Guide, table of compute capabilities.
constexpr std::array<GpuVariant, 4> gpuVariantRows{{
    {variantSm80, 80, int64_t(163) * 1024},
    {variantSm90a, 90, int64_t(227) * 1024},
    {variantSm100a, 100, int64_t(227) * 1024},
    {variantSm120a, 120, int64_t(99) * 1024},
}};
} // namespace

std::string_view name(Family family) { return familyRows[size_t(family)].name; }

std::optional<Family> familyFromName(std::string_view text) {
  for (const FamilyRow &row : familyRows) {
    if (row.name == text) {
      return row.family;
    }
  }
  return std::nullopt;
}

std::span<const CpuVariant> cpuVariants() { return variantRows; }

const CpuVariant *findCpuVariant(std::string_view text) {
  for (const CpuVariant &variant : variantRows) {
    if (variant.name == text) {
      return &variant;
    }
  }
  return nullptr;
}

/// In the order of activationNames.
static constexpr std::array<DType, activationNames.size()> activationTypes{DType::F32, DType::BF16,
                                                                           DType::I8};

std::optional<DType> activationsFromName(std::string_view text) {
  const auto *name = std::ranges::find(activationNames, text);
  return name == activationNames.end()
             ? std::nullopt
             : std::optional(activationTypes[size_t(name - activationNames.begin())]);
}

std::string_view activationsName(DType type) {
  const auto *known = std::ranges::find(activationTypes, type);
  assert(known != activationTypes.end() && "one that activationsFromName gives");
  return activationNames[size_t(known - activationTypes.begin())];
}

std::optional<bool> warpGroupsFromName(std::string_view text) {
  return text == "wgmma" ? std::optional(true)
         : text == "mma" ? std::optional(false)
                         : std::nullopt;
}

std::vector<std::string> variantsFor(DType activations) {
  std::vector<std::string> names;
  for (const CpuVariant &variant : variantRows) {
    if (variant.dots == activations || variant.name == variantV3) {
      names.emplace_back(variant.name);
    }
  }
  return names;
}

std::span<const GpuVariant> gpuVariants() { return gpuVariantRows; }

const GpuVariant *findGpuVariant(std::string_view text) {
  for (const GpuVariant &variant : gpuVariantRows) {
    if (variant.name == text) {
      return &variant;
    }
  }
  return nullptr;
}

bool isVariant(std::string_view text) { return findCpuVariant(text) || findGpuVariant(text); }

std::string variantList() {
  std::string text;
  for (const CpuVariant &variant : variantRows) {
    text += std::string(variant.name) + ", ";
  }
  for (const GpuVariant &variant : gpuVariantRows) {
    text += variant.name == gpuVariantRows.back().name ? "or " : "";
    text += variant.name;
    text += variant.name == gpuVariantRows.back().name ? "" : ", ";
  }
  return text;
}

int64_t widestPanel(DType weight) {
  int64_t widest = 0;
  for (const CpuVariant &variant : variantRows) {
    widest = std::max(widest, panelWidth(variant, weight));
  }
  return widest;
}

Layout weightLayout(Family family, std::string_view variant, DType weight, DType rows,
                    bool inPlace) {
  const CpuVariant *cpu = findCpuVariant(variant);
  assert((cpu || findGpuVariant(variant)) && "asked for a variant that there is not");
  return cpu ? weightLayout(family, *cpu, weight, rows, inPlace) : Layout();
}

Layout weightLayout(Family family, const CpuVariant &variant, DType weight, DType rows,
                    bool inPlace) {
  if (!familyRows[size_t(family)].panels) {
    return {};
  }
  if (inPlace) {
    return {LayoutKind::InPlace, panelWidth(variant, weight)};
  }
  bool dots = rows == DType::I8 || (rows == DType::BF16 && variant.dots == DType::BF16);
  return {dots ? LayoutKind::Dots : LayoutKind::Panels, panelWidth(variant, weight)};
}

int64_t Configuration::get(std::string_view field) const {
  for (const Field &entry : fields) {
    if (entry.name == field) {
      return entry.value;
    }
  }
  assert(false && "asked a configuration for a field that its family lacks");
  return 0;
}

std::string familyTable() {
  std::string text;
  for (const FamilyRow &row : familyRows) {
    text += std::string(row.name) + (row.panels ? " panels" : " row-major") + " revision " +
            std::string(row.revision) + ":" + (row.fields.empty() ? "" : " ") +
            std::string(row.fields) + "\n";
  }
  for (const CpuVariant &variant : variantRows) {
    text += std::string(variant.name) + " features " + std::string(variant.features) + " lanes " +
            std::to_string(variant.lanes) + " registers " + std::to_string(variant.registers) +
            "\n";
  }
  for (const GpuFamilyRow &row : gpuFamilyRows) {
    text += "gpu " + std::string(name(row.family)) + " revision " + std::string(row.revision) +
            ": " + std::string(row.fields) + "\n";
  }
  for (const GpuVariant &variant : gpuVariantRows) {
    text += std::string(variant.name) + " shared " + std::to_string(variant.sharedBytes) + "\n";
  }
  return text + "GPU kernel ABI revision " + std::to_string(gpuKernelAbiRevision) +
         "\nlayouts revision " + std::to_string(layoutRevision) + "\nkernel ABI revision " +
         std::to_string(kernelAbiRevision) + "\n";
}

std::string familyTableHash() { return hash128(familyTable()).hex(); }

std::vector<Configuration> enumerateConfigs(Family family, std::string_view variant,
                                            const KernelFacts &facts) {
  if (const CpuVariant *cpu = findCpuVariant(variant)) {
    return enumerateConfigs(family, *cpu, facts);
  }
  const GpuVariant *gpu = findGpuVariant(variant);
  assert(gpu && "asked for a variant that there is not");
  return enumerateConfigs(family, *gpu, facts);
}

Configuration chooseConfig(Family family, std::string_view variant, const KernelFacts &facts) {
  std::vector<Configuration> configs = enumerateConfigs(family, variant, facts);
  for (Configuration &config : configs) {
    if (config.legal) {
      return config;
    }
  }
  return configs.back();
}

Configuration chooseConfig(Family family, const CpuVariant &variant, const KernelFacts &facts) {
  return chooseConfig(family, variant.name, facts);
}

} // namespace dsv3::plan
