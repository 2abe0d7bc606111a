//===- GpuKernel.cpp - names and texts of GPU kernels ---------------------===//
#include "dsv3/Plan/GpuKernel.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <optional>

namespace dsv3::plan {

static constexpr std::string_view kernelMark = "//===- kernel ", markEnd = " -===//\n";

std::string gpuFunctionName(std::string_view symbol) {
  std::string name;
  for (char c : symbol) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    bool digit = c >= '0' && c <= '9';
    name += letter || (digit && !name.empty()) ? c : '_';
  }
  return name;
}

/// The numbers of `line`, which begins behind the mark.
template <size_t count>
static std::optional<std::array<int64_t, count>> numbersOf(std::string_view line) {
  std::array<int64_t, count> values{};
  const char *next = line.data(), *end = line.data() + line.size();
  for (size_t i = 0; i < values.size(); ++i) {
    std::string_view after = i + 1 < values.size() ? ", " : ")";
    auto [stop, error] = std::from_chars(next, end, values[i]);
    if (error != std::errc() || !std::string_view(stop, size_t(end - stop)).starts_with(after)) {
      return std::nullopt;
    }
    next = stop + after.size();
  }
  return values;
}

static std::optional<MappedMatrix> matrixOf(std::string_view line) {
  auto numbers = numbersOf<5>(line);
  if (!numbers) {
    return std::nullopt;
  }
  auto [argument, rows, size, rowBytes, boxRows] = *numbers;
  constexpr int64_t mostBytes = int64_t(1) << 41, mostBoxRows = 256, chunk = 16;
  constexpr int64_t mostRowsOfSize = int64_t(1) << 20;
  bool fits = argument >= 0 && rows > 0 && size >= -1 && (size < 0 || rows <= mostRowsOfSize) &&
              rowBytes > 0 && rowBytes % chunk == 0 && rowBytes <= mostBytes / rows &&
              boxRows > 0 && boxRows <= mostBoxRows;
  return fits ? std::optional(MappedMatrix{argument, rows, size, rowBytes, boxRows}) : std::nullopt;
}

Expected<std::vector<MappedMatrix>> mappedMatricesOf(const KernelText &kernel) {
  std::vector<MappedMatrix> matrices;
  std::string_view text(kernel.text);
  const std::string mapMark = "\n" + std::string(tensorMapLine);
  for (size_t at = text.find(mapMark); at != text.npos; at = text.find(mapMark, at + 1)) {
    std::string_view line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    std::optional<MappedMatrix> matrix = matrixOf(line.substr(mapMark.size() - 1));
    if (!matrix) {
      return Failure{
          "expected argument, rows, size, row bytes and box rows of a tensor map, found '" +
              std::string(line.substr(0, 80)) + "'",
          "kernel '" + kernel.symbol + "'", "compile the bundle again with dsv3-compile"};
    }
    matrices.push_back(*matrix);
  }
  return matrices;
}

Status checkMatrices(const std::vector<MappedMatrix> &matrices, size_t arguments, size_t sizes,
                     const std::string &where) {
  for (const MappedMatrix &matrix : matrices) {
    if (matrix.argument >= int64_t(arguments) || matrix.size >= int64_t(sizes)) {
      return Failure{"expected a tensor map of one of " + std::to_string(arguments) +
                         " arguments and " + std::to_string(sizes) + " sizes, found argument " +
                         std::to_string(matrix.argument) + " and size " +
                         std::to_string(matrix.size),
                     where, "compile the model again"};
    }
  }
  return {};
}

bool isDependent(const KernelText &kernel) {
  return kernel.text.find("\n" + std::string(dependentLine)) != std::string::npos;
}

LaunchGrid GridShape::of(int64_t tiles, int64_t multiprocessors) const {
  LaunchGrid grid;
  for (grid.parts = mostParts; grid.parts > 1 && tiles * grid.parts > mostBlocks;) {
    grid.parts /= 2;
  }
  bool few = grid.parts > 1 || tiles <= fewTiles;
  grid.sharing = few ? 1 : sharing;
  int64_t clusters = std::max<int64_t>(1, multiprocessors / grid.clusterBlocks());
  grid.columns = persistent ? grid.sharing * std::min(tiles, clusters) : tiles;
  return grid;
}

Expected<GridShape> gridShapeOf(const KernelText &kernel) {
  constexpr int64_t mostClusterBlocks = 8;
  GridShape shape;
  std::string_view text(kernel.text);
  shape.persistent = text.find("\n" + std::string(persistentLine)) != text.npos;
  const std::string mark = "\n" + std::string(clustersLine);
  size_t at = text.find(mark);
  if (at == text.npos) {
    return shape;
  }
  std::string_view line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  auto numbers = numbersOf<4>(line.substr(mark.size() - 1));
  auto count = [](int64_t blocks) {
    return blocks > 0 && blocks <= mostClusterBlocks && (blocks & (blocks - 1)) == 0;
  };
  if (!numbers || !count((*numbers)[0]) || !count((*numbers)[2])) {
    return Failure{"expected blocks that share, few tiles, parts and blocks of a launch, found '" +
                       std::string(line.substr(0, 80)) + "'",
                   "kernel '" + kernel.symbol + "'", "compile the bundle again with dsv3-compile"};
  }
  shape.sharing = (*numbers)[0];
  shape.fewTiles = (*numbers)[1];
  shape.mostParts = (*numbers)[2];
  shape.mostBlocks = (*numbers)[3];
  return shape;
}

std::string joinKernelTexts(std::string_view variant, const std::vector<KernelText> &kernels) {
  std::string file = "// Kernels of a dsv3 bundle for " + std::string(variant) +
                     ". Each is compiled as a file of its own.\n";
  for (const KernelText &kernel : kernels) {
    assert(kernel.text.find("\n" + std::string(kernelMark)) == std::string::npos &&
           !kernel.text.starts_with(kernelMark) &&
           (kernel.text.empty() || kernel.text.ends_with('\n')) &&
           "a line of a kernel looks like the beginning of another");
    file += std::string(kernelMark) + kernel.symbol + std::string(markEnd) + kernel.text;
  }
  return file;
}

Expected<std::vector<KernelText>> splitKernelTexts(std::string_view file,
                                                   const std::string &where) {
  std::vector<KernelText> kernels;
  size_t line = 0;
  while (line < file.size()) {
    size_t end = file.find('\n', line);
    if (end == file.npos) {
      return Failure{"expected a whole last line, found '" + std::string(file.substr(line, 40)) +
                         "'",
                     where, "compile the bundle again with dsv3-compile"};
    }
    std::string_view text = file.substr(line, end + 1 - line);
    bool named = text.starts_with(kernelMark) && text.ends_with(markEnd) &&
                 text.size() > kernelMark.size() + markEnd.size();
    if (named) {
      text.remove_prefix(kernelMark.size());
      text.remove_suffix(markEnd.size());
      kernels.push_back({std::string(text), ""});
    } else if (!kernels.empty()) {
      kernels.back().text += text;
    }
    line = end + 1;
  }
  return kernels;
}

} // namespace dsv3::plan
