//===- DType.h - element types of stored and computed tensors ---*- C++ -*-===//
//
// The element types that checkpoints store and plans name, with their sizes and
// their names. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dsv3 {

enum class DType : uint8_t { F32, F16, BF16, F8E4M3, F64, I8, U8, I32, I64, I4 };

namespace detail {
struct DTypeRow {
  DType type;
  uint8_t bits;
  std::string_view name;        ///< as MLIR and plans write it
  std::string_view safetensors; ///< as safetensors headers write it; empty: they do not
};
inline constexpr std::array<DTypeRow, 10> dtypeTable{{
    {DType::F32, 32, "f32", "F32"},
    {DType::F16, 16, "f16", "F16"},
    {DType::BF16, 16, "bf16", "BF16"},
    {DType::F8E4M3, 8, "f8E4M3FN", "F8_E4M3"},
    {DType::F64, 64, "f64", "F64"},
    {DType::I8, 8, "i8", "I8"},
    {DType::U8, 8, "ui8", "U8"},
    {DType::I32, 32, "i32", "I32"},
    {DType::I64, 64, "i64", "I64"},
    {DType::I4, 4, "i4", ""},
}};
} // namespace detail

/// Bits of one element.
constexpr size_t bitSize(DType type) { return detail::dtypeTable[static_cast<size_t>(type)].bits; }
/// Bytes of one element. Precondition: it has whole bytes, as all types but i4 have.
constexpr size_t byteSize(DType type) {
  assert(bitSize(type) % 8 == 0 && "elements of part of a byte are counted in bits");
  return bitSize(type) / 8;
}
/// The name in IR and plans: f32, bf16, f8E4M3FN, …
constexpr std::string_view name(DType type) {
  return detail::dtypeTable[static_cast<size_t>(type)].name;
}
/// The name in safetensors headers: F32, BF16, F8_E4M3, …
constexpr std::string_view safetensorsName(DType type) {
  return detail::dtypeTable[static_cast<size_t>(type)].safetensors;
}
constexpr std::optional<DType> dtypeFromName(std::string_view text) {
  for (const detail::DTypeRow &row : detail::dtypeTable) {
    if (row.name == text) {
      return row.type;
    }
  }
  return std::nullopt;
}
constexpr std::optional<DType> dtypeFromSafetensorsName(std::string_view text) {
  for (const detail::DTypeRow &row : detail::dtypeTable) {
    if (row.safetensors == text && !text.empty()) {
      return row.type;
    }
  }
  return std::nullopt;
}

} // namespace dsv3
