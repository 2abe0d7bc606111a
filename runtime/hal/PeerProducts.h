//===- PeerProducts.h - products of a device maker's own library -*- C++ -*-===//
//
// What `bench --kernels --shapes` puts beside kernels: the same product by the library that the
// device's maker has for it, on the same device in the same minutes. It serves no model.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <optional>
#include <string>

namespace dsv3::runtime {

/// Rows [rows, depth] times a weight [columns, depth], multiplied and added as f32; results in
/// bf16.
struct PeerProduct {
  enum class Operands : uint8_t {
    BF16,
    Codes, ///< FP8 e4m3 with f32 scales: of rows for each 1 x 128, of the weight for 128 x 128
  };
  Operands operands = Operands::BF16;
  int64_t rows = 0, columns = 0, depth = 0;
};

/// Its device outlives it; used by the thread that uses the device, between steps.
class PeerProducts {
public:
  virtual ~PeerProducts() = default;
  PeerProducts(const PeerProducts &) = delete;
  PeerProducts &operator=(const PeerProducts &) = delete;

  /// With the version: "cuBLASLt 13.1.0".
  virtual std::string description() const = 0;
  /// The average of `runs` cold runs (LaunchProfile) by the fastest of the library's ways, on
  /// random values. Nothing where the library does not have such a product. Fails where it could
  /// not be measured: the device has no memory left for it, or the library reports an error.
  virtual Expected<std::optional<double>> seconds(const PeerProduct &product, int runs) = 0;

protected:
  PeerProducts() = default;
};

} // namespace dsv3::runtime
