//===- ParameterReader.cpp - the rows of a weight -------------------------===//
#include "runtime/params/ParameterReader.h"

#include "dsv3/Plan/Key.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Support/WeightEncoding.h"

#include <algorithm>

namespace dsv3::runtime {

static int64_t tensorsOf(const plan::Parameter &parameter, const plan::Segment &segment) {
  return plan::namesExpert(segment.key) ? parameter.groups : 1;
}

TensorRequest requestOf(const plan::Plan &plan, const plan::Parameter &parameter,
                        const plan::Segment &segment, int64_t layer, int64_t group) {
  TensorRequest request{.key = plan::expandKey(segment.key, layer, group),
                        .scaleKey = plan::expandKey(segment.scaleKey, layer, group),
                        .type = parameter.storedType(),
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
                                 int64_t layer, const Opener &open,
                                 const WeightImportance *importance)
    : importance(importance), parameter(&parameter) {
  if (parameter.scaleRows != 0) {
    std::array<int64_t, 2> block = plan::scaleBlockOf(plan, parameter);
    blockRows = block[0], blockColumns = block[1];
  }
  bool encodesRows = isScaledAlongRows(parameter.type);
  int64_t firstRow = 0;
  for (const plan::Segment &segment : parameter.segments) {
    Piece &piece = pieces.emplace_back(Piece{&segment, firstRow, {}});
    for (int64_t group = 0; group < tensorsOf(parameter, segment); ++group) {
      TensorRequest request = requestOf(plan, parameter, segment, layer, group);
      std::unique_ptr<StoredTensor> tensor = open(request);
      if (encodesRows) {
        piece.requests.push_back(std::move(request));
      } else if (parameter.stored) {
        tensor = encodedTensor(std::move(tensor), request, parameter.type);
      }
      piece.tensors.push_back(std::move(tensor));
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
  size_t which = piece.tensors.size() == 1 ? 0 : size_t(group);
  return {piece.segment, piece.tensors[which].get(),
          piece.requests.empty() ? nullptr : &piece.requests[which], row - piece.firstRow,
          group * piece.segment->groupStride + piece.segment->firstRow};
}

bool ParameterReader::rows(int64_t group, int64_t row, std::byte *buffer,
                           std::span<Elements> to) const {
  int64_t rowBytes = parameter->columns * int64_t(byteSize(parameter->type));
  for (int64_t done = 0, count = 0; done < int64_t(to.size()); done += count) {
    Place place = find(group, row + done);
    count = std::min(int64_t(to.size()) - done, place.segment->rows - place.row);
    std::span<Elements> inSegment = to.subspan(size_t(done), size_t(count));
    std::byte *room = buffer + done * rowBytes;
    if (!place.segment->transposed) {
      if (!place.tensor->alongRows(place.origin + place.row, parameter->columns, room, rowBytes,
                                   inSegment)) {
        return false;
      }
      continue;
    }
    for (int64_t n = 0; n < count; ++n) {
      std::optional<Elements> elements = place.tensor->downColumn(
          place.origin, place.row + n, parameter->columns, room + n * rowBytes);
      if (!elements) {
        return false;
      }
      inSegment[size_t(n)] = *elements;
    }
  }
  return true;
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

bool ParameterReader::encodedRow(int64_t group, int64_t row, std::span<uint8_t> codes,
                                 std::span<float> scales) const {
  Place place = find(group, row);
  std::vector<float> values(size_t(parameter->columns));
  if (!TensorValues(*place.tensor, *place.request).alongRow(place.origin + place.row, values)) {
    return false;
  }
  std::span<const float> factors =
      importance ? importance->of(place.request->key) : std::span<const float>();
  return encodeRow(parameter->type, values, codes, scales, factors);
}

void ParameterReader::dropRows(int64_t group, int64_t row, int64_t count) const {
  for (int64_t end = row + count; row < end;) {
    Place place = find(group, row);
    int64_t inSegment = std::min(end - row, place.segment->rows - place.row);
    if (!place.segment->transposed) {
      place.tensor->dropRows(place.origin + place.row, inSegment);
    }
    row += inSegment;
  }
}

Status ParameterReader::findDamage() const {
  for (const Piece &piece : pieces) {
    for (size_t i = 0; i < piece.tensors.size(); ++i) {
      Status status = piece.tensors[i]->findDamage();
      if (status && !piece.requests.empty()) {
        status = findUncodable(*piece.tensors[i], piece.requests[i], parameter->type);
      }
      if (!status) {
        return status;
      }
    }
  }
  return {};
}

} // namespace dsv3::runtime
