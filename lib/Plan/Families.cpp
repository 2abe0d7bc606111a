//===- Families.cpp - kernel families, variants, the table's hash ---------===//
//
// Names, vector geometry and layouts. The rules by which configurations are
// enumerated are in FamilyConfigs.cpp.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Plan/Families.h"

#include "dsv3/Plan/Kernel.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Hash.h"

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

constexpr std::array<FamilyRow, 12> familyRows{{
    {Family::Rowwise, "rowwise", false, "rows", "1"},
    {Family::Gemm, "gemm", true, "flight k_block m_tile mr nr panels stream stream_most", "4"},
    {Family::GroupedGemm, "grouped_gemm", true,
     "flight k_block m_tile mr nr panels stream stream_most", "4"},
    {Family::Gather, "gather", false, "rows", "1"},
    {Family::RopeTable, "rope_table", false, "rows", "1"},
    {Family::RopeAppend, "rope_append", false, "rows", "1"},
    {Family::LatentAttention, "latent_attention", false, "heads mr", "2"},
    {Family::ExpandedAttention, "expanded_attention", true, "k_block mr nr rows stream stream_most",
     "4"},
    {Family::Router, "router", false, "rows", "1"},
    {Family::Dispatch, "dispatch", false, "", "1"},
    {Family::Combine, "combine", false, "columns", "1"},
    {Family::Concat, "concat", false, "rows", "1"},
}};

constexpr std::array<CpuVariant, 2> variantRows{{
    {variantV3, 8, 16, "256"},
    {variantV4, 16, 32, "512"},
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

Layout weightLayout(Family family, const CpuVariant &variant, DType weight) {
  if (!familyRows[size_t(family)].panels) {
    return {};
  }
  return {LayoutKind::Panels, panelWidth(variant, weight)};
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
    text += std::string(variant.name) + " lanes " + std::to_string(variant.lanes) + " registers " +
            std::to_string(variant.registers) + "\n";
  }
  return text + "layouts revision " + std::to_string(layoutRevision) + "\nkernel ABI revision " +
         std::to_string(kernelAbiRevision) + "\n";
}

std::string familyTableHash() { return hash128(familyTable()).hex(); }

Configuration chooseConfig(Family family, const CpuVariant &variant, const KernelFacts &facts) {
  for (Configuration &config : enumerateConfigs(family, variant, facts)) {
    if (config.legal) {
      return config;
    }
  }
  assert(false && "a family must have a legal configuration for any facts");
  return {};
}

} // namespace dsv3::plan
