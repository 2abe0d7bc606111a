//===- SegmentAttr.cpp - parts of parameters ------------------------------===//
//
// Assembly of #dsv3.segment:
//   <"key"[, scales = "key"], shape = [r, c], rows = n[, first_row = n]
//    [, group_stride = n][, transposed = true]>
// Written by hand since a declarative format cannot tell one `,` from another.
//
//===----------------------------------------------------------------------===//
#include "Graph/Graph.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace dsv3::graph;

namespace {
/// What has been read of a segment.
struct Fields {
  StringAttr key, scaleKey;
  SmallVector<int64_t> shape;
  int64_t rows = 0, firstRow = 0, groupStride = 0;
  bool transposed = false;
};
} // namespace

/// What follows `keyword =`.
static ParseResult parseField(AsmParser &parser, SMLoc location, StringRef keyword,
                              Fields &fields) {
  if (keyword == "scales") {
    return parser.parseAttribute(fields.scaleKey);
  }
  if (keyword == "shape") {
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
      return parser.parseInteger(fields.shape.emplace_back());
    });
  }
  if (keyword == "rows") {
    return parser.parseInteger(fields.rows);
  }
  if (keyword == "first_row") {
    return parser.parseInteger(fields.firstRow);
  }
  if (keyword == "group_stride") {
    return parser.parseInteger(fields.groupStride);
  }
  if (keyword == "transposed") {
    StringRef value;
    fields.transposed = true;
    return failure(failed(parser.parseKeyword(&value)) || value != "true");
  }
  return parser.emitError(location)
         << "a segment has no '" << keyword
         << "'; hint: scales, shape, rows, first_row, group_stride or transposed";
}

Attribute SegmentAttr::parse(AsmParser &parser, Type) {
  SMLoc begin = parser.getCurrentLocation();
  Fields fields;
  if (parser.parseLess() || parser.parseAttribute(fields.key)) {
    return {};
  }
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc location = parser.getCurrentLocation();
    StringRef keyword;
    if (parser.parseKeyword(&keyword) || parser.parseEqual() ||
        parseField(parser, location, keyword, fields)) {
      return {};
    }
  }
  if (parser.parseGreater()) {
    return {};
  }
  auto emitError = [&] { return parser.emitError(begin); };
  return SegmentAttr::getChecked(function_ref<InFlightDiagnostic()>(emitError), parser.getContext(),
                                 fields.key, fields.scaleKey, ArrayRef<int64_t>(fields.shape),
                                 fields.rows, fields.firstRow, fields.groupStride,
                                 fields.transposed);
}

void SegmentAttr::print(AsmPrinter &printer) const {
  printer << '<' << getKey();
  if (getScaleKey()) {
    printer << ", scales = " << getScaleKey();
  }
  printer << ", shape = [";
  llvm::interleaveComma(getShape(), printer);
  printer << "], rows = " << getRows();
  if (getFirstRow() != 0) {
    printer << ", first_row = " << getFirstRow();
  }
  if (getGroupStride() != 0) {
    printer << ", group_stride = " << getGroupStride();
  }
  printer << (getTransposed() ? ", transposed = true>" : ">");
}

LogicalResult SegmentAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr key,
                                  StringAttr, ArrayRef<int64_t> shape, int64_t rows,
                                  int64_t firstRow, int64_t groupStride, bool transposed) {
  auto fail = [&] { return emitError() << "segment '" << key.getValue() << "': "; };
  if (shape.empty() || shape.size() > 2 || llvm::any_of(shape, [](int64_t n) { return n <= 0; })) {
    return fail() << "shape must be one or two positive sizes, got [" << shape
                  << "]; hint: it is the shape of the stored tensor";
  }
  if (rows <= 0 || firstRow < 0 || groupStride < 0) {
    return fail() << "rows must be positive, first_row and group_stride not negative, got " << rows
                  << ", " << firstRow << ", " << groupStride;
  }
  if (shape.size() == 1 && (rows != 1 || firstRow != 0 || transposed)) {
    return fail() << "a stored vector is one row, got rows " << rows << ", first_row " << firstRow
                  << "; hint: write rows = 1";
  }
  int64_t last = transposed ? firstRow + 1 : firstRow + rows;
  if (shape.size() == 2 && last > shape[0]) {
    return fail() << "row " << last - 1 << " is beyond the " << shape[0]
                  << " rows of the stored tensor";
  }
  if (shape.size() == 2 && transposed && rows > shape[1]) {
    return fail() << "transposed, " << rows << " rows need as many stored columns, got "
                  << shape[1];
  }
  return success();
}
