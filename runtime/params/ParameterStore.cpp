//===- ParameterStore.cpp - the weights of a model in memory --------------===//
#include "runtime/params/ParameterStore.h"

#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/params/PackJob.h"
#include "runtime/params/TensorMismatch.h"
#include "runtime/params/UnitJob.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace dsv3::runtime {

static int64_t layerCount(const plan::Parameter &parameter) {
  return std::max<int64_t>(1, int64_t(parameter.layers.size()));
}

static bool isWeightType(DType type) {
  return type == DType::F32 || type == DType::F16 || type == DType::BF16 || type == DType::F8E4M3;
}

ParameterOffsets::ParameterOffsets(const plan::Plan &plan, size_t variant) {
  uint64_t experts = 0;
  for (const plan::Parameter &parameter : plan.parameters) {
    plan::ParameterBytes bytes = plan::parameterBytes(parameter, parameter.layouts[variant]);
    bool ofExperts = plan::isOfExperts(parameter);
    uint64_t &at = ofExperts ? experts : others;
    places.push_back(
        {parameter.layers, ofExperts, at, at + bytes.data, bytes.stride(), bytes.scales > 0});
    at += bytes.stride() * bytes.copies;
  }
}

uint64_t ParameterOffsets::offsetOf(const Place &place, int64_t layer) {
  auto at = std::lower_bound(place.layers.begin(), place.layers.end(), layer);
  return place.layers.empty() ? 0 : uint64_t(at - place.layers.begin()) * place.stride;
}

WeightPlace ParameterOffsets::data(size_t parameter, int64_t layer) const {
  const Place &place = places[parameter];
  return {place.ofExperts, place.data + offsetOf(place, layer)};
}

std::optional<WeightPlace> ParameterOffsets::scales(size_t parameter, int64_t layer) const {
  const Place &place = places[parameter];
  return place.hasScales
             ? std::optional(WeightPlace{place.ofExperts, place.scales + offsetOf(place, layer)})
             : std::nullopt;
}

Expected<ParameterStore> ParameterStore::reserve(const plan::Plan &plan, size_t variant,
                                                 const LoadOptions &options) {
  for (const plan::Parameter &parameter : plan.parameters) {
    if (!isWeightType(parameter.storedType())) {
      return Failure{"the parameter '" + parameter.name + "' is stored with type " +
                         std::string(name(parameter.storedType())) +
                         ", expected f32, f16, bf16 or " + std::string(name(DType::F8E4M3)),
                     "", "compile the bundle again with dsv3-compile"};
    }
  }
  Expected<Memory> memory =
      Memory::allocate(plan::weightBytes(plan, variant) - options.experts.size(), "the weights");
  if (!memory) {
    return memory.failure();
  }
  ParameterStore store(plan, variant);
  store.memory = *std::move(memory);
  store.place(store.memory.bytes(), options.experts);
  return store;
}

ParameterStore ParameterStore::mapped(const plan::Plan &plan, size_t variant, FileMapping mapping,
                                      std::span<const std::byte> experts) {
  ParameterStore store(plan, variant);
  store.mapping = std::move(mapping);
  std::span<const std::byte> all = store.mapping.bytes();
  store.place(all.first(all.size() - experts.size()), experts);
  store.lookAtPages();
  return store;
}

void ParameterStore::place(std::span<const std::byte> whole, std::span<const std::byte> elsewhere) {
  block = whole;
  apart = elsewhere;
  experts = apart.empty() ? block.data() + offsets.othersBytes() : apart.data();
}

void ParameterStore::lookAtPages() {
  if (block.size() >= hugePage) {
    huge = hugePageBytes(block);
  }
}

const std::byte *ParameterStore::data(size_t parameter, int64_t layer) const {
  const std::byte *table = inPlace.table(parameter, layer);
  return table ? table : offsets.data(parameter, layer).in(block.data(), experts);
}

const std::byte *ParameterStore::scales(size_t parameter, int64_t layer) const {
  std::optional<WeightPlace> at = offsets.scales(parameter, layer);
  return at ? at->in(block.data(), experts) : nullptr;
}

namespace {
/// A plan's parameters as a list of work for one variant.
struct Work {
  using Tensors = std::vector<const checkpoint::TensorInfo *>;
  /// Opens a tensor and appends it to the list.
  using Opener =
      std::function<std::unique_ptr<StoredTensor>(const TensorRequest &, Tensors &tensors)>;

  std::vector<Packer> packers; ///< one for each parameter that is not in place
  std::vector<PackItem> items;

  /// `memory` is for all but experts that `options` want apart.
  Work(const plan::Plan &plan, size_t variant, const ParameterOffsets &offsets, std::byte *memory,
       const LoadOptions &options, const Opener &open) {
    std::byte *experts =
        options.experts.empty() ? memory + offsets.othersBytes() : options.experts.data();
    packers.reserve(plan.parameters.size()); // items point into it
    for (size_t p = 0; p < plan.parameters.size(); ++p) {
      const plan::Parameter &parameter = plan.parameters[p];
      if (parameter.layouts[variant].kind == plan::LayoutKind::InPlace) {
        continue;
      }
      const Packer &packer = packers.emplace_back(parameter, parameter.layouts[variant]);
      for (int64_t i = 0; i < layerCount(parameter); ++i) {
        int64_t layer = parameter.layers.empty() ? -1 : parameter.layers[size_t(i)];
        Tensors tensors;
        ParameterReader reader(
            plan, parameter, layer,
            [&](const TensorRequest &request) { return open(request, tensors); },
            options.importance);
        std::optional<WeightPlace> scales = offsets.scales(p, layer);
        WeightPlace place = offsets.data(p, layer);
        std::byte *scaleMemory = scales ? scales->in(memory, experts) : nullptr;
        items.push_back({&packer,
                         std::move(reader),
                         {place.in(memory, experts), size_t(packer.dataBytes())},
                         {scaleMemory, size_t(packer.scaleBytes())},
                         place,
                         scales.value_or(WeightPlace()),
                         std::move(tensors)});
      }
    }
  }

  /// Puts the items in the order of the files, which disks like.
  void sortByFile() {
    auto place = [](const PackItem &item) {
      return std::pair(item.tensors[0]->file, item.tensors[0]->offset);
    };
    std::stable_sort(items.begin(), items.end(),
                     [&](const PackItem &a, const PackItem &b) { return place(a) < place(b); });
  }
};

/// Counts who still reads a tensor; the last reader gives back what pages it still has.
class TensorUses {
public:
  explicit TensorUses(const checkpoint::Checkpoint &checkpoint) : checkpoint(checkpoint) {}

  void add(const checkpoint::TensorInfo *tensor) { ++counts[tensor]; }
  void finish(const PackItem &item) {
    for (const checkpoint::TensorInfo *tensor : item.tensors) {
      if (--counts.find(tensor)->second == 0) {
        checkpoint.drop(*tensor, 0, tensor->byteCount);
      }
    }
  }

private:
  const checkpoint::Checkpoint &checkpoint;
  std::map<const checkpoint::TensorInfo *, std::atomic<int64_t>> counts;
};
} // namespace

/// `options` for a part of a job, with so many bytes before and after it.
static LoadOptions partOf(const LoadOptions &options, uint64_t before, uint64_t after) {
  LoadOptions part = options;
  if (options.progress) {
    part.progress = [&options, before, after](uint64_t done, uint64_t total) {
      options.progress(before + done, before + total + after);
    };
  }
  return part;
}

uint64_t mostBytesUnderWay(const plan::Plan &plan, size_t variant, bool expertsApart) {
  uint64_t largest = 0;
  uint64_t all =
      plan::weightBytes(plan, variant) - (expertsApart ? plan::expertBytes(plan, variant) : 0);
  for (const plan::Parameter &parameter : plan.parameters) {
    if (!expertsApart || !plan::isOfExperts(parameter)) {
      largest =
          std::max(largest, plan::parameterBytes(parameter, parameter.layouts[variant]).stride());
    }
  }
  // One that is more than may wait, and the two that threads are at the end and the begin of.
  constexpr uint64_t layersAtOnce = 3;
  bool few = largest < (all - std::min(all, mostReadyBytes)) / layersAtOnce;
  return few ? mostReadyBytes + layersAtOnce * largest : all;
}

Status ParameterStore::makeInPlace(const plan::Plan &plan, uint64_t seed,
                                   const LoadOptions &allOptions) {
  LoadOptions options = allOptions;
  options.take = nullptr; // rows stay
  uint64_t bytes = 0;
  std::vector<uint64_t> offsetsOfItems;
  for (const InPlaceWeights::Item &item : inPlace.items()) {
    offsetsOfItems.push_back(bytes);
    bytes += plan::rowBytes(plan.parameters[item.parameter]);
  }
  Expected<Memory> memory = Memory::allocate(bytes, "the weights");
  if (!memory) {
    return memory.failure();
  }
  madeUp = *std::move(memory);
  std::vector<Packer> packers;
  packers.reserve(offsetsOfItems.size()); // items point into it
  std::vector<PackItem> items;
  for (size_t i = 0; i < offsetsOfItems.size(); ++i) {
    const InPlaceWeights::Item &item = inPlace.items()[i];
    const plan::Parameter &parameter = plan.parameters[item.parameter];
    std::byte *rows = madeUp.data() + offsetsOfItems[i];
    const Packer &packer = packers.emplace_back(parameter, plan::Layout());
    ParameterReader reader(plan, parameter, item.layer, [&](const TensorRequest &request) {
      return dummyTensor(request, seed);
    });
    items.push_back({&packer, std::move(reader), {rows, size_t(packer.dataBytes())}, {}});
    uint64_t rowBytes = uint64_t(parameter.columns) * byteSize(parameter.type);
    inPlace.fill(item, [&](int64_t group, int64_t row) {
      return rows + uint64_t(group * parameter.rows + row) * rowBytes;
    });
  }
  return packItems(items, options, [](const PackItem &) {});
}

/// The tensors that are read in place, each once, in the order of the files, which disks like.
static std::vector<const checkpoint::TensorInfo *>
tensorsOf(const plan::Plan &plan, const InPlaceWeights &weights,
          const checkpoint::Checkpoint &checkpoint) {
  std::vector<const checkpoint::TensorInfo *> tensors;
  for (const InPlaceWeights::Item &item : weights.items()) {
    forEachTensor(
        plan, plan.parameters[item.parameter], item.layer,
        [&](const TensorRequest &request) { tensors.push_back(checkpoint.find(request.key)); });
  }
  std::ranges::sort(tensors, {}, [](const checkpoint::TensorInfo *tensor) {
    return std::pair(tensor->file, tensor->offset);
  });
  auto twice = std::ranges::unique(tensors);
  tensors.erase(twice.begin(), twice.end());
  return tensors;
}

/// Reads tensors, so that no step waits for them.
static Status fetchTensors(const std::vector<const checkpoint::TensorInfo *> &tensors,
                           const checkpoint::Checkpoint &checkpoint, const LoadOptions &options) {
  constexpr uint64_t pieceBytes = uint64_t(16) << 20;
  struct Piece {
    const checkpoint::TensorInfo *tensor;
    uint64_t first, bytes;
  };
  std::vector<Piece> pieces;
  uint64_t total = 0;
  for (const checkpoint::TensorInfo *tensor : tensors) {
    for (uint64_t at = 0; at < tensor->byteCount; at += pieceBytes) {
      pieces.push_back({tensor, at, std::min(pieceBytes, tensor->byteCount - at)});
    }
    total += tensor->byteCount;
  }
  std::mutex mutex;
  Status failed;
  auto fetch = [&](int64_t unit) -> std::optional<uint64_t> {
    const Piece &piece = pieces[size_t(unit)];
    if (Status read = checkpoint.fetch(*piece.tensor, piece.first, piece.bytes); !read) {
      std::lock_guard lock(mutex);
      failed = read;
      return std::nullopt;
    }
    return piece.bytes;
  };
  Status done = runUnits(int64_t(pieces.size()), total, options, fetch);
  return failed ? done : failed;
}

Status ParameterStore::addInPlace(const plan::Plan &plan, checkpoint::Checkpoint &checkpoint,
                                  const LoadOptions &options) {
  if (Status fits = findMismatches(plan, checkpoint); !fits) {
    return fits;
  }
  if (Status mapped = checkpoint.map(); !mapped) {
    return mapped;
  }
  inPlace.point(plan, checkpoint);
  return options.fetches ? fetchTensors(tensorsOf(plan, inPlace, checkpoint), checkpoint, options)
                         : Status();
}

Expected<ParameterStore> ParameterStore::dummy(const plan::Plan &plan, size_t variant,
                                               uint64_t seed, const LoadOptions &options) {
  Expected<ParameterStore> store = reserve(plan, variant, options);
  if (!store) {
    return store;
  }
  Work work(plan, variant, store->offsets, store->memory.data(), options,
            [&](const TensorRequest &request, auto &) { return dummyTensor(request, seed); });
  uint64_t rows = plan::inPlaceBytes(plan, variant), packed = plan::weightBytes(plan, variant);
  Status made = packItems(work.items, partOf(options, 0, rows), [](const PackItem &) {});
  store->lookAtPages();
  if (made) {
    made = store->makeInPlace(plan, seed, partOf(options, packed, 0));
  }
  return made ? std::move(store) : made;
}

Expected<ParameterStore> ParameterStore::load(const plan::Plan &plan, size_t variant,
                                              checkpoint::Checkpoint &checkpoint,
                                              const LoadOptions &options) {
  if (Status fits = findMismatches(plan, checkpoint); !fits) {
    return fits;
  }
  if (Status mapped = checkpoint.map(); !mapped) {
    return mapped;
  }
  Expected<ParameterStore> store = reserve(plan, variant, options);
  if (!store) {
    return store;
  }
  TensorUses uses(checkpoint);
  auto open = [&](const TensorRequest &request, Work::Tensors &tensors) {
    const checkpoint::TensorInfo *data = checkpoint.find(request.key);
    const checkpoint::TensorInfo *scales =
        request.scaleKey.empty() ? nullptr : checkpoint.find(request.scaleKey);
    tensors.push_back(data);
    uses.add(data);
    return checkpointTensor(checkpoint, *data, scales);
  };
  Work work(plan, variant, store->offsets, store->memory.data(), options, open);
  work.sortByFile();
  uint64_t rows = plan::inPlaceBytes(plan, variant), packed = plan::weightBytes(plan, variant);
  Status loaded = packItems(work.items, partOf(options, 0, rows),
                            [&](const PackItem &item) { uses.finish(item); });
  store->lookAtPages();
  if (loaded) {
    loaded = store->addInPlace(plan, checkpoint, partOf(options, packed, 0));
  }
  if (Status same = checkpoint.findChange(); !same) {
    return same;
  }
  return loaded ? std::move(store) : loaded;
}

} // namespace dsv3::runtime
