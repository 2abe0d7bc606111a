//===- ValidateParameter.cpp - is a parameter well formed -----------------===//
//
// Sizes, layouts and segments of a parameter: every element of it has exactly
// one place in the checkpoint, inside of a tensor of the stated shape, and every
// block of its scales comes from one block of the checkpoint's.
//
//===----------------------------------------------------------------------===//

#include "ValidateParameter.h"

#include "dsv3/Plan/Key.h"
#include "dsv3/Plan/Layout.h"

#include <algorithm>
#include <array>

using namespace dsv3;
using namespace dsv3::plan;
using plan::detail::bad;

std::optional<int64_t> plan::detail::product(std::initializer_list<int64_t> factors) {
  int64_t result = 1;
  for (int64_t factor : factors) {
    if (factor < 0 || factor > mostBytes || (factor != 0 && result > mostBytes / factor)) {
      return std::nullopt;
    }
    result *= factor;
  }
  return result;
}

Failure plan::detail::bad(const std::string &where, const std::string &what) {
  return Failure{"invalid plan: " + what, where, "compile the bundle again with dsv3-compile"};
}

static std::string numberText(int64_t value) { return std::to_string(value); }

/// Segments name tensors, have rows, and end where their tensor ends.
static Status checkSegment(const Parameter &parameter, const Segment &segment,
                           const std::string &where) {
  bool oneDimension = segment.fileColumns == 0;
  if (segment.key.empty() || segment.rows < 1 || segment.fileRows < 1 || segment.fileColumns < 0 ||
      segment.rows > plan::detail::mostBytes || segment.groupStride < 0 ||
      segment.groupStride > plan::detail::mostBytes || segment.firstRow < 0 ||
      !plan::detail::product({segment.fileRows, std::max<int64_t>(segment.fileColumns, 1), 8}) ||
      !plan::detail::product({parameter.groups, segment.groupStride + 1, 2}) ||
      segment.firstRow > plan::detail::mostBytes) {
    return bad(where, "expected a key, rows and a shape without overflow");
  }
  if (namesExpert(segment.key) && segment.groupStride != 0) {
    return bad(where, "a tensor for each group and a stride of " + numberText(segment.groupStride) +
                          " between groups exclude each other");
  }
  if (oneDimension) {
    // A tensor of n elements is one row of n columns, or a part of it.
    bool fits = !segment.transposed && segment.rows == 1 && parameter.groups == 1 &&
                segment.scaleKey.empty() && segment.firstRow == 0 &&
                parameter.columns == segment.fileRows;
    return fits ? Status()
                : bad(where, "a tensor of one dimension gives one row of all its " +
                                 numberText(segment.fileRows) + " elements");
  }
  int64_t span = segment.transposed ? parameter.columns : segment.rows;
  int64_t across = segment.transposed ? segment.rows : parameter.columns;
  int64_t last = (parameter.groups - 1) * segment.groupStride + segment.firstRow + span;
  if (last > segment.fileRows || across > segment.fileColumns) {
    return bad(where, "reads " + numberText(last) + " rows and " + numberText(across) +
                          " columns of a tensor of shape [" + numberText(segment.fileRows) + ", " +
                          numberText(segment.fileColumns) + "]");
  }
  return {};
}

/// Blocks of `size` along a dimension of `extent` that starts at `origin` of the
/// checkpoint each lie in one block of `block`: every border of the latter is one of
/// theirs. The first two borders decide for all.
static bool blocksWithin(int64_t origin, int64_t extent, int64_t size, int64_t block) {
  int64_t border = (origin / block + 1) * block;
  if (border >= origin + extent) {
    return true;
  }
  return (border - origin) % size == 0 && (border + block >= origin + extent || block % size == 0);
}

static Status checkScales(const Plan &plan, const Parameter &parameter, const std::string &where) {
  if (!scaleForm(parameter.type)) {
    return bad(where, "block scales belong to codes");
  }
  std::array<int64_t, 2> block = scaleBlockOf(plan, parameter);
  int64_t first = 0;
  for (const Segment &segment : parameter.segments) {
    if (first % parameter.scaleRows != 0) {
      return bad(where, "a block of scales spans two segments at row " + numberText(first));
    }
    first += segment.rows;
    int64_t rowBlock = block[segment.transposed ? 1 : 0];
    int64_t columnBlock = block[segment.transposed ? 0 : 1];
    // Groups of which the origins are equal modulo the block are alike.
    int64_t different = std::min(parameter.groups, block[0]);
    for (int64_t group = 0; group < different; ++group) {
      int64_t origin = group * segment.groupStride + segment.firstRow;
      int64_t rowOrigin = segment.transposed ? 0 : origin;
      int64_t columnOrigin = segment.transposed ? origin : 0;
      if (!blocksWithin(rowOrigin, segment.rows, parameter.scaleRows, rowBlock) ||
          !blocksWithin(columnOrigin, parameter.columns, parameter.scaleColumns, columnBlock)) {
        return bad(where, "a block of " + numberText(parameter.scaleRows) + " x " +
                              numberText(parameter.scaleColumns) + " scales of group " +
                              numberText(group) + " spans blocks of the checkpoint");
      }
      if (segment.groupStride == 0) {
        break;
      }
    }
  }
  return {};
}

static bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16 || type == DType::F8E4M3;
}

/// Types that tensors have, and codes that they can be encoded in.
static Status checkEncoding(const Parameter &parameter, const std::string &where) {
  bool alongRows = isScaledAlongRows(parameter.type);
  bool sound = parameter.stored
                   ? *parameter.stored != parameter.type && isFloat(*parameter.stored) &&
                         (alongRows || isFloat(parameter.type))
                   : !alongRows;
  if (!sound) {
    return bad(where, "tensors of " + std::string(name(parameter.storedType())) +
                          " cannot be encoded as " + std::string(name(parameter.type)));
  }
  if (parameter.stored && scaleForm(parameter.type).has_value() != (parameter.scaleRows != 0)) {
    return bad(where, "expected scales of encoded weights that are codes, and of no others");
  }
  if (!alongRows) {
    return {};
  }
  std::array<int64_t, 2> block = encodingBlock(parameter.type);
  bool transposed = std::ranges::any_of(parameter.segments, &Segment::transposed);
  if (parameter.scaleRows != block[0] || parameter.scaleColumns != block[1] || transposed) {
    return bad(where, "expected " + std::string(name(parameter.type)) +
                          " of segments that are not transposed, with scales for " +
                          numberText(block[0]) + " x " + numberText(block[1]) + " values");
  }
  return {};
}

/// Whether a parameter can be read where the checkpoint has it. An odd width is found elsewhere.
static bool liesInPlace(const Parameter &parameter, const Layout &layout) {
  int64_t width = std::max<int64_t>(1, layout.panelWidth);
  return parameter.type == DType::BF16 && !parameter.stored &&
         parameter.rows / parameter.parts % width == 0 &&
         std::ranges::all_of(parameter.segments, [&](const Segment &segment) {
           return segment.fileColumns == parameter.columns &&
                  fitsInPlace(segment.rows, parameter.columns, segment.transposed, width);
         });
}

Status plan::detail::checkParameter(const Plan &plan, const Parameter &parameter) {
  std::string where = "parameter '" + parameter.name + "'";
  if (parameter.name.empty() || parameter.groups < 1 || parameter.rows < 1 ||
      parameter.columns < 1 || parameter.parts < 1 || parameter.rows % parameter.parts != 0 ||
      !product({parameter.groups, parameter.rows, parameter.columns, 8})) {
    return bad(where, "expected a name, positive sizes without overflow and equal parts");
  }
  if (parameter.scaleRows < 0 || parameter.scaleColumns < 0 || parameter.scaleRows > mostBytes ||
      parameter.scaleColumns > mostBytes ||
      (parameter.scaleRows == 0) != (parameter.scaleColumns == 0)) {
    return bad(where, "expected a block of scales, found " + numberText(parameter.scaleRows) +
                          " x " + numberText(parameter.scaleColumns));
  }
  if (parameter.layouts.size() != plan.variants.size()) {
    return bad(where, "expected a layout for each of the " +
                          numberText(int64_t(plan.variants.size())) + " variants, found " +
                          numberText(int64_t(parameter.layouts.size())));
  }
  for (const Layout &layout : parameter.layouts) {
    if (layout.kind == LayoutKind::RowMajor) {
      continue;
    }
    if (layout.kind == LayoutKind::Dots && parameter.type != DType::BF16 &&
        !isScaledAlongRows(parameter.type)) {
      return bad(where, "expected words for dot products of bf16, i8 or i4, found " +
                            std::string(name(parameter.type)));
    }
    if (layout.kind == LayoutKind::InPlace && !liesInPlace(parameter, layout)) {
      return bad(where, "expected bf16 as it is stored, in whole panels of " +
                            numberText(layout.panelWidth) + " rows and " +
                            numberText(inPlaceColumns) + " columns, to read it in place");
    }
    int64_t unit = scaleForm(parameter.type) ? codesOfLane : 2;
    if (layout.panelWidth < unit || layout.panelWidth % unit != 0 || layout.panelWidth > 4096 ||
        !product({parameter.groups, parameter.rows + parameter.parts * layout.panelWidth,
                  parameter.columns + dotColumns, 8})) {
      return bad(where, "expected panels whose width is a multiple of " + numberText(unit) +
                            ", 4096 at most, found " + numberText(layout.panelWidth));
    }
  }
  if (Status status = checkEncoding(parameter, where); !status) {
    return status;
  }
  int64_t rows = 0, previous = -1;
  for (const Segment &segment : parameter.segments) {
    std::string at = where + ", segment '" + segment.key + "'";
    if (Status status = checkSegment(parameter, segment, at); !status) {
      return status;
    }
    bool hasScales =
        parameter.stored ? *parameter.stored == DType::F8E4M3 : parameter.scaleRows != 0;
    if (segment.scaleKey.empty() == hasScales) {
      return bad(at, "expected all segments to have scales, or none");
    }
    if (hasScales && plan.scaleBlock.empty()) {
      return bad(at, "has scales, but the plan states no block that has one");
    }
    bool layered = namesLayer(segment.key);
    if (layered && parameter.layers.empty()) {
      return bad(at, "the key names a layer, the parameter has none");
    }
    rows += segment.rows;
    if (rows > mostBytes) {
      break;
    }
  }
  if (rows != parameter.rows) {
    return bad(where, "expected segments of " + numberText(parameter.rows) +
                          " rows together, found " + numberText(rows));
  }
  for (int64_t layer : parameter.layers) {
    if (layer <= previous || layer >= plan.cache.layers) {
      return bad(where, "expected ascending layers below " + numberText(plan.cache.layers) +
                            ", found " + numberText(layer));
    }
    previous = layer;
  }
  return parameter.scaleRows == 0 ? Status() : checkScales(plan, parameter, where);
}
