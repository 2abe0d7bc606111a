//===- SafetensorsWriter.h - writing safetensors files ----------*- C++ -*-===//
//
// Writes tensors to a safetensors file, in pieces that come in any order. The file is written
// aside, synced and renamed once, so nobody ever sees half of it; if anything fails (a full disk),
// what was there before stays. A device or pipe gets the bytes in the end.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"
#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::checkpoint {

/// Name, element type and shape of a tensor to write. Row-major.
struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

/// A file that is being written. Movable, not shared between threads. Destroyed before
/// finish() succeeds, it removes what it wrote.
class SafetensorsWriter {
public:
  using Metadata = std::map<std::string, std::string>;

  /// Begins a file that will hold `tensors`, their data in this order. Put wider
  /// element types first where readers want aligned data. Fails if two names are
  /// equal, a shape is negative or too large, or the file cannot be created or has no
  /// space.
  static Expected<SafetensorsWriter> create(const std::filesystem::path &path,
                                            std::span<const TensorSpec> tensors,
                                            const Metadata &metadata = {});

  SafetensorsWriter(SafetensorsWriter &&other) noexcept;
  SafetensorsWriter &operator=(SafetensorsWriter &&other) noexcept;
  ~SafetensorsWriter();

  /// Writes bytes of tensor number `tensor`, from byte `offset` of its data on; each
  /// byte once. Fails if they exceed the tensor.
  Status write(size_t tensor, uint64_t offset, std::span<const std::byte> data);
  /// Syncs and publishes the file. Fails if bytes are missing. Call it once, last.
  Status finish();

private:
  class Output;
  SafetensorsWriter(std::unique_ptr<Output> output, std::vector<uint64_t> begins);

  std::unique_ptr<Output> output;
  std::vector<uint64_t> begins; ///< of the tensors in the file, and the end
  uint64_t writtenBytes = 0;
};

} // namespace dsv3::checkpoint
