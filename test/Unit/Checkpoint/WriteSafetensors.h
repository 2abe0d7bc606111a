//===- WriteSafetensors.h - whole safetensors files for tests ---*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/SafetensorsWriter.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace dsv3::test {

/// A tensor to write, its bytes owned by the caller.
struct TensorView {
  checkpoint::TensorSpec spec;
  std::span<const std::byte> data;
};

/// Writes `tensors` to `path`. Fails as SafetensorsWriter does.
inline Status writeSafetensors(const std::filesystem::path &path,
                               std::span<const TensorView> tensors,
                               const checkpoint::SafetensorsWriter::Metadata &metadata = {}) {
  std::vector<checkpoint::TensorSpec> specs;
  for (const TensorView &tensor : tensors) {
    specs.push_back(tensor.spec);
  }
  auto writer = checkpoint::SafetensorsWriter::create(path, specs, metadata);
  if (!writer) {
    return writer.status();
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (Status status = writer->write(i, 0, tensors[i].data); !status) {
      return status;
    }
  }
  return writer->finish();
}

} // namespace dsv3::test
