//===- PlanFields.h - the fields of a plan in file order --------*- C++ -*-===//
//
// One description of the order of fields, shared by writer and reader, so that
// they cannot disagree. `fields(archive, object)` shows the archive each field;
// an archive takes integers, strings, enumerations, vectors and optional enumerations.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include <concepts>
#include <type_traits>

namespace dsv3::plan::detail {

template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename A, Is<Size> T>
void fields(A &archive, T &size) {
  archive(size.name);
}

template <typename A, Is<Segment> T>
void fields(A &archive, T &segment) {
  archive(segment.key), archive(segment.scaleKey);
  archive(segment.fileRows), archive(segment.fileColumns);
  archive(segment.groupStride), archive(segment.firstRow);
  archive(segment.rows), archive(segment.transposed);
}

template <typename A, Is<Layout> T>
void fields(A &archive, T &layout) {
  archive(layout.kind), archive(layout.panelWidth);
}

template <typename A, Is<Parameter> T>
void fields(A &archive, T &parameter) {
  archive(parameter.name), archive(parameter.type), archive(parameter.stored);
  archive(parameter.groups), archive(parameter.rows), archive(parameter.columns);
  archive(parameter.scaleRows), archive(parameter.scaleColumns), archive(parameter.parts);
  archive(parameter.segments), archive(parameter.layers), archive(parameter.layouts);
}

template <typename A, Is<TileCount> T>
void fields(A &archive, T &tiles) {
  archive(tiles.size), archive(tiles.factor), archive(tiles.divisor);
  archive(tiles.times), archive(tiles.plus);
}

template <typename A, Is<KernelVariant> T>
void fields(A &archive, T &variant) {
  fields(archive, variant.tiles), archive(variant.scratchBytes);
}

template <typename A, Is<Kernel> T>
void fields(A &archive, T &kernel) {
  archive(kernel.symbol), archive(kernel.family);
  archive(kernel.sizes), archive(kernel.variants);
}

template <typename A, Is<Arg> T>
void fields(A &archive, T &arg) {
  archive(arg.kind), archive(arg.index), archive(arg.offset);
}

template <typename A, Is<Observation> T>
void fields(A &archive, T &observation) {
  archive(observation.name), archive(observation.type);
  archive(observation.size), archive(observation.columns);
}

template <typename A, Is<Instruction> T>
void fields(A &archive, T &instruction) {
  archive(instruction.opcode), archive(instruction.target);
  archive(instruction.layer), archive(instruction.args);
}

template <typename A, Is<Body> T>
void fields(A &archive, T &body) {
  archive(body.name), archive(body.instructions);
}

template <typename A, Is<Port> T>
void fields(A &archive, T &port) {
  archive(port.name), archive(port.type), archive(port.size), archive(port.columns);
}

template <typename A, Is<Entry> T>
void fields(A &archive, T &entry) {
  archive(entry.name), archive(entry.role);
  archive(entry.minTokens), archive(entry.maxTokens);
  archive(entry.maxima), archive(entry.arenaBytes);
  archive(entry.inputs), archive(entry.outputs), archive(entry.observations);
  archive(entry.bodies), archive(entry.instructions);
}

template <typename A, Is<Cache> T>
void fields(A &archive, T &cache) {
  archive(cache.type), archive(cache.layers), archive(cache.latent), archive(cache.rope);
  archive(cache.pageTokens), archive(cache.maxContext), archive(cache.maxRequests);
}

template <typename A, Is<Variant> T>
void fields(A &archive, T &variant) {
  archive(variant.name), archive(variant.object), archive(variant.checksum);
}

template <typename A, Is<Plan> T>
void fields(A &archive, T &plan) {
  archive(plan.identity), archive(plan.policy), archive(plan.families);
  archive(plan.vocabSize), archive(plan.hiddenSize), archive(plan.layers);
  archive(plan.scaleBlock), archive(plan.variants), archive(plan.sizes),
      fields(archive, plan.cache);
  archive(plan.parameters), archive(plan.kernels), archive(plan.entries);
}

} // namespace dsv3::plan::detail
