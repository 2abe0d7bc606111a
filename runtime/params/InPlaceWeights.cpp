//===- InPlaceWeights.cpp - weights that stay where they are --------------===//
#include "runtime/params/InPlaceWeights.h"

#include "dsv3/Plan/Layout.h"
#include "runtime/params/ParameterReader.h"

#include <algorithm>

namespace dsv3::runtime {

InPlaceWeights::InPlaceWeights(const plan::Plan &plan, size_t variant)
    : places(plan.parameters.size()) {
  for (size_t p = 0; p < places.size(); ++p) {
    const plan::Parameter &parameter = plan.parameters[p];
    const plan::Layout &layout = parameter.layouts[variant];
    if (layout.kind != plan::LayoutKind::InPlace) {
      continue;
    }
    Place &place = places[p];
    place.layers = parameter.layers;
    plan::PackedShape shape(parameter, layout);
    for (int64_t panel = 0; panel < shape.panelCount(); ++panel) {
      place.panels.push_back(shape.panelBegin(panel));
    }
    place.addresses.resize(place.panels.size() * std::max<size_t>(1, place.layers.size()));
    if (place.layers.empty()) {
      all.push_back({p, -1});
    }
    for (int64_t layer : place.layers) {
      all.push_back({p, layer});
    }
  }
}

size_t InPlaceWeights::indexOf(const Place &place, int64_t layer) {
  auto at = std::lower_bound(place.layers.begin(), place.layers.end(), layer);
  return place.layers.empty() ? 0 : size_t(at - place.layers.begin()) * place.panels.size();
}

void InPlaceWeights::fill(
    const Item &item, const std::function<const std::byte *(int64_t group, int64_t row)> &rowAt) {
  Place &place = places[item.parameter];
  auto to = place.addresses.begin() + std::ptrdiff_t(indexOf(place, item.layer));
  std::ranges::transform(place.panels, to,
                         [&](const auto &panel) { return rowAt(panel.first, panel.second); });
}

void InPlaceWeights::point(const plan::Plan &plan, const checkpoint::Checkpoint &checkpoint) {
  for (const Item &item : all) {
    ParameterReader reader(
        plan, plan.parameters[item.parameter], item.layer, [&](const TensorRequest &request) {
          return checkpointTensor(checkpoint, *checkpoint.find(request.key), nullptr);
        });
    fill(item, [&](int64_t group, int64_t row) {
      Elements mapped;
      return reader.rows(group, row, nullptr, {&mapped, 1}) ? mapped.first : nullptr;
    });
  }
}

const std::byte *InPlaceWeights::table(size_t parameter, int64_t layer) const {
  const Place &place = places[parameter];
  return place.panels.empty()
             ? nullptr
             : reinterpret_cast<const std::byte *>(place.addresses.data() + indexOf(place, layer));
}

} // namespace dsv3::runtime
