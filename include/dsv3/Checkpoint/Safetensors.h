//===- Safetensors.h - reading safetensors files ----------------*- C++ -*-===//
//
// Opens a safetensors file: 8 bytes of header length (little endian), a JSON header
// that maps names to {dtype, shape, data_offsets}, then the data. Opening reads and
// checks the header only; the weights are mapped when asked for. Every number of
// the header is checked as the format's reference implementation does (huggingface/
// safetensors, Metadata::validate): spans in order, no overlap, no hole, the whole
// rest of the file covered. Does not interpret names; see Checkpoint.h for a model.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"
#include "dsv3/Support/Hash.h"
#include "dsv3/Support/MappingNames.h"
#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// Longest header that is read, in bytes; the reference implementation's limit.
inline constexpr uint64_t maxHeaderBytes = 100'000'000;

/// A tensor as the header of its file describes it. Row-major.
struct TensorInfo {
  std::string name;
  /// The element type; empty if dsv3 has none for it, then `dtypeName` says what it is.
  std::optional<DType> dtype;
  /// The element type in the header's spelling: BF16, F8_E4M3, F8_E5M2, …
  std::string dtypeName;
  std::vector<int64_t> shape; ///< in elements; empty for a scalar
  uint64_t offset = 0;        ///< of the first byte, from the beginning of the file
  uint64_t byteCount = 0;
  uint32_t file = 0; ///< index into Checkpoint::files(); 0 in a file by itself
};

/// "[576, 7168]"
std::string shapeText(std::span<const int64_t> shape);

/// The header of a safetensors file, without the file.
struct SafetensorsHeader {
  std::vector<TensorInfo> tensors; ///< sorted by name
  std::map<std::string, std::string> metadata;
};

/// Reads a header. `json` is the header's text, `headerEnd` the offset of the first
/// data byte in the file, `fileBytes` the size of the file, `where` names the file in
/// a failure. Fails if the text is no header or does not describe the data exactly.
Expected<SafetensorsHeader> parseSafetensorsHeader(std::string_view json, uint64_t headerEnd,
                                                   uint64_t fileBytes, const std::string &where);

/// An open safetensors file. Owns its file descriptor and its mapping, so that the
/// file may be renamed or deleted meanwhile. Movable. Const members may be called from
/// several threads; map() may not run beside any other call.
class SafetensorsFile {
public:
  /// Opens `path` and checks its header. Reads no weights.
  static Expected<SafetensorsFile> open(const std::filesystem::path &path);

  SafetensorsFile(SafetensorsFile &&other) noexcept;
  SafetensorsFile &operator=(SafetensorsFile &&other) noexcept;
  SafetensorsFile(const SafetensorsFile &) = delete;
  SafetensorsFile &operator=(const SafetensorsFile &) = delete;
  ~SafetensorsFile();

  const std::filesystem::path &path() const { return filePath; }
  /// Sorted by name.
  const std::vector<TensorInfo> &tensors() const { return header.tensors; }
  /// The strings under __metadata__; empty if there is none.
  const std::map<std::string, std::string> &metadata() const { return header.metadata; }
  /// The tensor of that name, or null.
  const TensorInfo *find(std::string_view name) const;
  /// The hash of the header's bytes, without the weights.
  Hash128 headerHash() const { return hashOfHeader; }
  /// The file's size, and when it or its attributes were last changed, in nanoseconds since 1970,
  /// as it was opened. Unlike the time of modification nobody sets the latter, so a copy that took
  /// that over has another; but a new name or owner changes it, too.
  uint64_t size() const { return fileBytes; }
  int64_t changed() const { return changedAt; }

  /// Maps the file for reading, once; later calls do nothing. Fails as findChange
  /// does. Truncating a mapped file on disk ends its
  /// readers (SIGBUS), as with every mapped file; MappingNames.h knows its name.
  Status map();
  /// The bytes of a tensor of this file. Need not be aligned to its elements: copy
  /// them out with memcpy. Precondition: map() succeeded.
  std::span<const std::byte> bytes(const TensorInfo &tensor) const;
  /// Copies the bytes of the tensor from `first` on to `to`. Of many bytes, each needed once, that
  /// takes less than mapping their pages. Precondition: the tensor has so many bytes.
  Status read(const TensorInfo &tensor, uint64_t first, std::span<std::byte> to) const;
  /// Fails if the file has another size or time of modification than when it was opened.
  Status findChange() const;
  /// Tells the system that the pages that lie wholly inside those bytes of the tensor are not
  /// needed any more; they are read again if touched. Precondition: map() succeeded, and the
  /// tensor has `count` bytes from `first` on.
  void drop(const TensorInfo &tensor, uint64_t first, uint64_t count) const;

private:
  SafetensorsFile() = default;
  void close();

  std::filesystem::path filePath;
  SafetensorsHeader header;
  Hash128 hashOfHeader;
  uint64_t fileBytes = 0;
  int64_t modifiedAt = 0, changedAt = 0;
  int descriptor = -1;
  void *mapping = nullptr;
  MappingName listedName; ///< of the mapping
};

} // namespace dsv3::checkpoint
