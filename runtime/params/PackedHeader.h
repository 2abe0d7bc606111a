//===- PackedHeader.h - what a file of packed weights says of itself ------===//
//
// Packed weights are kept in a file: a header that names all that they depend on, then,
// from packedDataOffset on, the weights as ParameterStore has them in memory. Here is the
// header alone, as values and as bytes:
//
//   magic "DSV3PACK", u32 version, u64 bytes of the header, u64 bytes of the weights,
//   texts plan, variant, source, calibration (u64 length, bytes),
//   u64 count, for each file: text name, u64 bytes, i64 time,
//   the hash (dsv3/Support/Hash.h), 16 bytes, of each piece of the weights,
//   the hash of all bytes before it
//
// Integers are little endian. The header is checked whenever it is read; the weights only
// where that is asked for, since to read all of them is what the file is there to avoid.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Hash.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

inline constexpr uint32_t packedFormatVersion = 4;
/// On the border of a huge page; the header lies before it.
inline constexpr uint64_t packedDataOffset = uint64_t(2) << 20;

/// Weights that share a checksum; the last piece is what remains.
inline constexpr uint64_t packedPieceBytes = uint64_t(64) << 20;
inline uint64_t packedPieces(uint64_t dataBytes) {
  return dataBytes / packedPieceBytes + (dataBytes % packedPieceBytes != 0);
}

/// A file of the checkpoint, as it was when it was opened.
struct PackedSourceFile {
  std::string name;
  uint64_t bytes = 0;
  int64_t changed = 0; ///< SafetensorsFile::changed

  friend bool operator==(const PackedSourceFile &, const PackedSourceFile &) = default;
};

struct PackedHeader {
  std::string plan;        ///< hash of the plan file's bytes
  std::string variant;     ///< name
  std::string source;      ///< "checkpoint IDENTITY", or of which seed the weights are made up
  std::string calibration; ///< hash of the text that int4 weights are fitted to; empty: none
  std::vector<PackedSourceFile> files; ///< none if made up
  uint64_t dataBytes = 0;
  std::vector<Hash128> checksums; ///< of each piece of the weights

  friend bool operator==(const PackedHeader &, const PackedHeader &) = default;
};

/// Fails if the header, with the checksums of all pieces, would not fit before the weights.
Status fitsBeforeWeights(const PackedHeader &header);
/// Fails if it does not fit. Precondition: there is a checksum for each piece.
Expected<std::string> serialise(const PackedHeader &header);

/// Reads the header of a file of `fileBytes` bytes that begins with `bytes`, of which there
/// are packedDataOffset or all that the file has. Fails, saying why, if it is damaged, of
/// another version, or the file is shorter or longer than it says.
Expected<PackedHeader> parsePackedHeader(std::string_view bytes, uint64_t fileBytes);

/// Which part of `found` is another than that of `wanted`, as half a sentence; empty if
/// they are equal. Checksums of weights are no part: who wants some does not know them.
std::string difference(const PackedHeader &found, const PackedHeader &wanted);

} // namespace dsv3::runtime
