//===- KernelText.h - what the printers of families work with ---*- C++ -*-===//
//
// The kernel that is printed: the names of its arguments, and the spelling of types,
// views, weights and caches as the device headers (runtime/kernels/cuda) want them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Target/Cuda.h"

#include "llvm/ADT/DenseMap.h"

#include <string>
#include <vector>

namespace dsv3::cuda {

/// The parts of a text that a family fills in.
struct FamilyText {
  std::string header;       ///< of runtime/kernels/cuda/family
  std::string declarations; ///< functors and constants, before the kernel
  std::string checks;       ///< first lines of the kernel: assertions
  std::string call;         ///< of the family's function
  /// What DSV3_TENSOR_MAP is given, and the parameter that it makes.
  struct TensorMap {
    std::string matrix, parameter;
  };
  std::vector<TensorMap> tensorMaps = {};
  bool persistent = false;   ///< its blocks go on until all tiles are done
  std::string clusters = {}; ///< what DSV3_CLUSTERS is given, if there is such a line
};

class KernelText {
public:
  KernelText(kern::DefOp definition, mlir::DictionaryAttr config, LineInfo lines);

  kern::DefOp definition;

  /// A field of the configuration.
  int64_t field(llvm::StringRef name) const {
    return config.getAs<mlir::IntegerAttr>(name).getInt();
  }

  /// `text`, whole lines, each of which stands for where `op` is in the module's file, where that
  /// is asked for and known.
  std::string linesOf(mlir::Operation *op, llvm::StringRef text) const;

  /// Names the argument behind a value by its part in the core op. One that has several parts
  /// keeps a number for a name.
  void setName(mlir::Value value, llvm::StringRef name);
  /// The argument behind a value, through kern.view.
  std::string name(mlir::Value value) const;
  /// The place of a value's pointer among the kernel's parameters.
  int64_t parameterOf(mlir::Value value) const;
  /// Pages and page table of a cache.
  std::string pages(mlir::Value value) const { return name(value) + "Pages"; }
  std::string pageTable(mlir::Value value) const { return name(value) + "Table"; }

  /// "const bf16": the element, constant in an input.
  std::string element(mlir::Value value) const;
  /// "Rows<const float, 0, 128, 128>{x}".
  std::string rows(mlir::Value value) const;
  /// "scaledRows<1>(Rows<const e4m3, 0, 128, 128>{x}, scales)".
  std::string scaledRows(mlir::Value codes, mlir::Value scales) const;
  /// Offset, row stride and head stride of a tensor or a view, in elements.
  struct Strides {
    int64_t offset = 0, row = 1, head = 1;
  };
  static Strides strides(mlir::Value value);
  /// "Weight<bf16, 64, 128>{weight, nullptr}", "Weight<e4m3, 64, 128, 128, 128, Prologue>{…}".
  std::string weight(mlir::Value weight, mlir::Value scales,
                     std::optional<llvm::ArrayRef<int64_t>> block, bool hasPrologue) const;
  /// "Cache<float, 32, 8, 64, 4096, 1>", and a value of it.
  std::string cacheType(mlir::Value value) const;
  std::string cache(mlir::Value value) const;
  /// The first dimension: "17", or "T * 8".
  static std::string rowCount(mlir::Value value);
  /// Likewise: so many of each of the kernel's size of that place, or if that is -1 so many.
  struct RowCount {
    int64_t each, size;
  };
  RowCount sizedRows(mlir::Value value) const;

private:
  mlir::Value argumentOf(mlir::Value value) const;

  mlir::DictionaryAttr config;
  LineInfo lineInfo;
  llvm::DenseMap<mlir::Value, std::string> names;
};

/// "__launch_bounds__(128, 2)": threads, and least blocks of a multiprocessor.
std::string launchBounds(const KernelText &kernel);

/// The last dimension, and any.
int64_t lastDim(mlir::Value value);
int64_t dimOf(mlir::Value value, unsigned dim);

/// A float as a literal of type float, exactly.
std::string floatText(double value);
/// The name of an element type in the device headers; empty if they have none.
std::string typeText(mlir::Type type);

/// What a functor does with the values that its region yields.
struct FunctorResult {
  bool returns = false;          ///< gives back the last value
  mlir::ValueRange destinations; ///< stores a value in each
};
/// A scalar region as a struct that is called with a place and, as `leading`, the region's first
/// arguments; the others are loaded as their access kinds say. `leading` is a parameter and how
/// the first arguments are spelled: {"const float (&sums)[2]", {"sums[0]", "sums[1]"}}.
struct FunctorLead {
  std::string parameter;
  std::vector<std::string> arguments;
  bool first = true;   ///< before what is loaded, or after it
  bool placed = false; ///< is called with a place even if it loads and stores nothing
};
std::string functorText(const KernelText &kernel, llvm::StringRef name, mlir::Region &region,
                        mlir::ValueRange inputs, llvm::ArrayRef<int32_t> access,
                        const FunctorLead &lead, const FunctorResult &result);
/// A value of the struct: "Epilogue{x, out}".
std::string functorValue(const KernelText &kernel, llvm::StringRef name, mlir::ValueRange inputs,
                         mlir::ValueRange destinations);

/// Names the arguments and fills in the text. Fails with a diagnostic where GPUs have no code.
mlir::FailureOr<FamilyText> printFamily(KernelText &kernel);

} // namespace dsv3::cuda
