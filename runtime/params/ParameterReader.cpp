//===- ParameterReader.cpp - the rows of a weight -------------------------===//
#include "runtime/params/ParameterReader.h"

#include "dsv3/Plan/Key.h"
#include "dsv3/Plan/Layout.h"

namespace dsv3::runtime {

static int64_t tensorsOf(const plan::Parameter &parameter, const plan::Segment &segment) {
  return plan::namesExpert(segment.key) ? parameter.groups : 1;
}

TensorRequest requestOf(const plan::Plan &plan, const plan::Parameter &parameter,
                        const plan::Segment &segment, int64_t layer, int64_t group) {
  TensorRequest request{.key = plan::expandKey(segment.key, layer, group),
                        .scaleKey = plan::expandKey(segment.scaleKey, layer, group),
                        .type = parameter.type,
                        .rows = segment.fileRows,
                        .columns = segment.fileColumns};
  if (!segment.scaleKey.empty()) {
    request.blockRows = plan.scaleBlock[0], request.blockColumns = plan.scaleBlock[1];
  }
  return request;
}

void forEachTensor(const plan::Plan &plan, const plan::Parameter &parameter, int64_t layer,
                   const std::function<void(const TensorRequest &)> &visit) {
  for (const plan::Segment &segment : parameter.segments) {
    for (int64_t group = 0; group < tensorsOf(parameter, segment); ++group) {
      visit(requestOf(plan, parameter, segment, layer, group));
    }
  }
}

ParameterReader::ParameterReader(const plan::Plan &plan, const plan::Parameter &parameter,
                                 int64_t layer, const Opener &open)
    : parameter(&parameter) {
  if (parameter.scaleRows != 0) {
    blockRows = plan.scaleBlock[0], blockColumns = plan.scaleBlock[1];
  }
  int64_t firstRow = 0;
  for (const plan::Segment &segment : parameter.segments) {
    Piece &piece = pieces.emplace_back(Piece{&segment, firstRow, {}});
    for (int64_t group = 0; group < tensorsOf(parameter, segment); ++group) {
      piece.tensors.push_back(open(requestOf(plan, parameter, segment, layer, group)));
    }
    firstRow += segment.rows;
  }
}

ParameterReader::Place ParameterReader::find(int64_t group, int64_t row) const {
  size_t at = 0;
  while (row >= pieces[at].firstRow + pieces[at].segment->rows) {
    ++at;
  }
  const Piece &piece = pieces[at];
  const StoredTensor *tensor = piece.tensors[piece.tensors.size() == 1 ? 0 : size_t(group)].get();
  return {piece.segment, tensor, row - piece.firstRow,
          group * piece.segment->groupStride + piece.segment->firstRow};
}

Elements ParameterReader::row(int64_t group, int64_t row, std::byte *buffer) const {
  Place place = find(group, row);
  if (place.segment->transposed) {
    return place.tensor->downColumn(place.origin, place.row, parameter->columns, buffer);
  }
  return place.tensor->alongRow(place.origin + place.row, parameter->columns, buffer);
}

void ParameterReader::scales(int64_t group, int64_t row, float *scales) const {
  Place place = find(group, row);
  int64_t count = plan::ceilDiv(parameter->columns, parameter->scaleColumns);
  for (int64_t i = 0; i < count; ++i) {
    int64_t column = i * parameter->scaleColumns;
    scales[i] =
        place.segment->transposed
            ? place.tensor->scale((place.origin + column) / blockRows, place.row / blockColumns)
            : place.tensor->scale((place.origin + place.row) / blockRows, column / blockColumns);
  }
}

Status ParameterReader::findDamage() const {
  for (const Piece &piece : pieces) {
    for (const std::unique_ptr<StoredTensor> &tensor : piece.tensors) {
      if (Status status = tensor->findDamage(); !status) {
        return status;
      }
    }
  }
  return {};
}

} // namespace dsv3::runtime
