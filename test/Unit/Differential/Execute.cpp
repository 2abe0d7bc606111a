//===- Execute.cpp - a kernel's arguments and results in memory -----------===//
#include "KernelRun.h"

#include "Graph/Extent.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Support/Float.h"

#include <gtest/gtest.h>

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;

namespace dsv3::differential {

GuardedBytes::GuardedBytes(size_t size) : bytes(size) {
  auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  size_t whole = (size + page - 1) / page * page;
  mapped = whole + page;
  mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    throw std::bad_alloc();
  }
  mprotect(static_cast<std::byte *>(mapping) + whole, page, PROT_NONE);
  begin = static_cast<std::byte *>(mapping) + whole - size;
  std::memset(begin, 0xFF, size); // NaN, -1
}
GuardedBytes::GuardedBytes(GuardedBytes &&other) noexcept
    : mapping(std::exchange(other.mapping, nullptr)), mapped(other.mapped), bytes(other.bytes),
      begin(other.begin) {}
GuardedBytes::~GuardedBytes() {
  if (mapping) {
    munmap(mapping, mapped);
  }
}

static DType dtypeOf(Type element) {
  return element.isBF16()        ? DType::BF16
         : element.isF16()       ? DType::F16
         : element.isInteger(32) ? DType::I32
                                 : graph::codesOf(element).value_or(DType::F32);
}

static void put(std::byte *to, DType type, double value) {
  auto store = [&](auto bits) { std::memcpy(to, &bits, sizeof bits); };
  switch (type) {
  case DType::BF16:
    return store(floatToBf16(static_cast<float>(value)));
  case DType::F16:
    return store(static_cast<_Float16>(value));
  case DType::I32:
    return store(static_cast<int32_t>(value));
  case DType::F8E4M3:
    return store(floatToF8E4M3(static_cast<float>(value)));
  case DType::I8:
    return store(static_cast<int8_t>(value));
  default:
    return store(static_cast<float>(value));
  }
}

template <typename T>
static T bitsAt(const std::byte *from) {
  T bits;
  std::memcpy(&bits, from, sizeof bits);
  return bits;
}

static double taken(const std::byte *from, DType type) {
  switch (type) {
  case DType::F32:
    return bitsAt<float>(from);
  case DType::I32:
    return bitsAt<int32_t>(from);
  case DType::I8:
    return bitsAt<int8_t>(from);
  case DType::BF16:
    return bf16ToFloat(bitsAt<uint16_t>(from));
  case DType::F8E4M3:
    return f8e4m3ToFloat(bitsAt<uint8_t>(from));
  default:
    return f16ToFloat(bitsAt<uint16_t>(from));
  }
}

namespace {

/// The packed weight of a core op.
struct Packing {
  unsigned weight = ~0U, scales = ~0U; ///< arguments
  plan::Parameter parameter;
  DType rows = DType::F32; ///< what it is multiplied with
  bool inPlace = false;
};

} // namespace

template <typename OpT>
static Packing packingOf(OpT op, int64_t parts) {
  Packing result;
  auto type = cast<RankedTensorType>(op.getWeight().getType());
  result.weight = cast<BlockArgument>(op.getWeight()).getArgNumber();
  result.parameter.type = dtypeOf(type.getElementType());
  bool grouped = type.getRank() == 3;
  result.parameter.groups = grouped ? type.getDimSize(0) : 1;
  result.parameter.rows = type.getDimSize(grouped ? 1 : 0);
  result.parameter.columns = type.getShape().back();
  result.parameter.parts = parts;
  if (op.getScales()) {
    result.scales = cast<BlockArgument>(op.getScales()).getArgNumber();
    result.parameter.scaleRows = (*op.getBlock())[0];
    result.parameter.scaleColumns = (*op.getBlock())[1];
  }
  return result;
}

static Packing packingOf(kern::DefOp definition) {
  Operation *core = definition.getCore();
  auto ofProduct = [](auto op) {
    Packing packed = packingOf(op, static_cast<int64_t>(op.getParts()));
    packed.rows = dtypeOf(cast<RankedTensorType>(op.getA().getType()).getElementType());
    packed.inPlace = op.getInPlace();
    return packed;
  };
  if (auto op = dyn_cast<kern::GemmOp>(core)) {
    return ofProduct(op);
  }
  if (auto op = dyn_cast<kern::GroupedGemmOp>(core)) {
    return ofProduct(op);
  }
  if (auto op = dyn_cast<kern::ExpandedAttentionOp>(core)) {
    return packingOf(op, 1);
  }
  return {};
}

/// Runs body(group, row, column) for the elements of a parameter, or those `step` columns apart.
static void forElements(const plan::Parameter &parameter, int64_t step,
                        llvm::function_ref<void(int64_t, int64_t, int64_t)> body) {
  for (int64_t g = 0; g < parameter.groups; ++g) {
    for (int64_t r = 0; r < parameter.rows; ++r) {
      for (int64_t c = 0; c < parameter.columns; c += step) {
        body(g, r, c);
      }
    }
  }
}

static GuardedBytes packWeight(const reference::Tensor &tensor, const plan::Parameter &parameter,
                               const plan::PackedShape &shape, bool ofCpu) {
  GuardedBytes bytes(static_cast<size_t>(shape.dataBytes()));
  std::memset(bytes.data(), 0, bytes.size());
  forElements(parameter, 1, [&](int64_t g, int64_t r, int64_t c) {
    auto index = static_cast<size_t>(shape.dataIndex(g, r, c));
    double value = tensor[(g * parameter.rows + r) * parameter.columns + c];
    std::byte *to = bytes.data() + index * bitSize(parameter.type) / 8;
    if (parameter.type == DType::I4) {
      *to |= std::byte(static_cast<uint8_t>(value) << (index % 2 * 4));
      return;
    }
    put(to, parameter.type, value);
    if (parameter.type == DType::F8E4M3 && ofCpu) {
      *to = std::byte(plan::panelCode(uint8_t(*to)));
    }
  });
  return bytes;
}

/// Rows of each group, which ends where memory does, so that what is read behind them is found.
static std::vector<GuardedBytes> rowsInPlace(const reference::Tensor &tensor,
                                             const plan::Parameter &parameter) {
  std::vector<GuardedBytes> rows;
  int64_t count = parameter.rows * parameter.columns;
  auto elementBytes = static_cast<int64_t>(byteSize(parameter.type));
  for (int64_t g = 0; g < parameter.groups; ++g) {
    std::byte *to = rows.emplace_back(static_cast<size_t>(count * elementBytes)).data();
    for (int64_t i = 0; i < count; ++i) {
      put(to + i * elementBytes, parameter.type, tensor[g * count + i]);
    }
  }
  return rows;
}

/// The addresses of their panels.
static GuardedBytes tableOf(const std::vector<GuardedBytes> &rows, const plan::Parameter &parameter,
                            const plan::PackedShape &shape) {
  GuardedBytes table(static_cast<size_t>(shape.dataBytes()));
  auto rowBytes = parameter.columns * static_cast<int64_t>(byteSize(parameter.type));
  for (int64_t panel = 0; panel < shape.panelCount(); ++panel) {
    auto [group, row] = shape.panelBegin(panel);
    const std::byte *at = rows[static_cast<size_t>(group)].data() + row * rowBytes;
    std::memcpy(table.data() + static_cast<size_t>(panel) * sizeof at,
                static_cast<const void *>(&at), sizeof at);
  }
  return table;
}

static GuardedBytes packScales(const reference::Tensor &tensor, const plan::Parameter &parameter,
                               const plan::PackedShape &shape) {
  GuardedBytes bytes(static_cast<size_t>(shape.scaleBytes()));
  std::memset(bytes.data(), 0, bytes.size());
  ScaleForm form = *scaleForm(parameter.type);
  int64_t down = plan::ceilDiv(parameter.rows, parameter.scaleRows);
  int64_t across = plan::ceilDiv(parameter.columns, parameter.scaleColumns);
  forElements(parameter, parameter.scaleColumns, [&](int64_t g, int64_t r, int64_t c) {
    int64_t block = (g * down + r / parameter.scaleRows) * across + c / parameter.scaleColumns;
    for (int64_t n = 0; n < form.numbers; ++n) {
      auto index = static_cast<size_t>(shape.scaleIndex(g, r, c, n));
      put(bytes.data() + index * byteSize(form.type), form.type, tensor[block * form.numbers + n]);
    }
  });
  return bytes;
}

Execution::Execution(kern::DefOp definition, std::string_view variant, const KernelInputs &inputs)
    : definition(definition), variant(variant) {
  Packing packing = packingOf(definition);
  if (packing.weight == ~0U) {
    return;
  }
  plan::Layout layout = plan::weightLayout(*plan::familyFromName(*definition.getFamily()), variant,
                                           packing.parameter.type, packing.rows, packing.inPlace);
  plan::PackedShape shape(packing.parameter, layout);
  if (layout.kind == plan::LayoutKind::InPlace) {
    rows = rowsInPlace(inputs.tensors[packing.weight], packing.parameter);
    packed.emplace(packing.weight, tableOf(rows, packing.parameter, shape));
    return;
  }
  packed.emplace(packing.weight, packWeight(inputs.tensors[packing.weight], packing.parameter,
                                            shape, plan::findCpuVariant(variant) != nullptr));
  if (packing.scales != ~0U) {
    packed.emplace(packing.scales,
                   packScales(inputs.tensors[packing.scales], packing.parameter, shape));
  }
}

namespace {

/// The arguments of one run.
class Arguments {
public:
  Arguments(kern::DefOp definition, const KernelInputs &inputs,
            const std::map<unsigned, GuardedBytes> &packed);
  KernelCall call(std::string_view variant);
  KernelResults results();

private:
  GuardedBytes &add(size_t bytes) {
    GuardedBytes &buffer = buffers.emplace_back(bytes);
    all.emplace_back(buffer.data(), bytes);
    return buffer;
  }
  void addInput(BlockArgument argument);
  void addCache(graph::CacheType type);
  std::byte *pageRow(graph::CacheType type, int64_t request, int64_t position);
  int64_t elements(RankedTensorType type);
  std::vector<double> appended(kern::RopeAppendOp append);

  kern::DefOp definition;
  const KernelInputs &inputs;
  std::vector<GuardedBytes> buffers; ///< all but what is packed
  std::vector<std::span<std::byte>> all;
  std::byte *pages = nullptr;
  std::vector<int32_t> table;
};

} // namespace

Arguments::Arguments(kern::DefOp definition, const KernelInputs &inputs,
                     const std::map<unsigned, GuardedBytes> &packed)
    : definition(definition), inputs(inputs) {
  for (BlockArgument argument : definition.getInputs()) {
    auto known = packed.find(argument.getArgNumber());
    if (known != packed.end()) {
      all.emplace_back(known->second.data(), known->second.size());
    } else if (auto cache = dyn_cast<graph::CacheType>(argument.getType())) {
      addCache(cache);
    } else {
      addInput(argument);
    }
  }
  for (BlockArgument argument : definition.getDestinations()) {
    auto type = cast<RankedTensorType>(argument.getType());
    add(static_cast<size_t>(elements(type)) * byteSize(dtypeOf(type.getElementType())));
  }
}

void Arguments::addInput(BlockArgument argument) {
  const reference::Tensor &tensor = inputs.tensors[argument.getArgNumber()];
  DType type = dtypeOf(cast<RankedTensorType>(argument.getType()).getElementType());
  GuardedBytes &bytes = add(static_cast<size_t>(tensor.size()) * byteSize(type));
  for (int64_t i = 0; i < tensor.size(); ++i) {
    put(bytes.data() + static_cast<size_t>(i) * byteSize(type), type, tensor[i]);
  }
}

std::byte *Arguments::pageRow(graph::CacheType type, int64_t request, int64_t position) {
  auto page = static_cast<int64_t>(type.getPage());
  int64_t perRequest = plan::ceilDiv(static_cast<int64_t>(type.getMaxContext()), page);
  auto width = static_cast<int64_t>(type.getLatent() + type.getRope());
  int64_t slot =
      table[static_cast<size_t>(request * perRequest + position / page)] * page + position % page;
  return pages + static_cast<size_t>(slot * width) * byteSize(dtypeOf(type.getElementType()));
}

/// Pages in an order that is not that of the positions; what was not cached is NaN.
void Arguments::addCache(graph::CacheType type) {
  auto page = static_cast<int64_t>(type.getPage());
  int64_t perRequest = plan::ceilDiv(static_cast<int64_t>(type.getMaxContext()), page);
  auto width = static_cast<int64_t>(type.getLatent() + type.getRope());
  auto total = perRequest * static_cast<int64_t>(type.getMaxRequests());
  table.resize(static_cast<size_t>(total));
  for (int64_t i = 0; i < total; ++i) {
    table[static_cast<size_t>(i)] = static_cast<int32_t>(total - 1 - i);
  }
  pages = add(static_cast<size_t>(total * page * width) * byteSize(dtypeOf(type.getElementType())))
              .data();
  for (size_t request = 0; request < inputs.cached.size(); ++request) {
    for (size_t s = 0; s < inputs.cached[request].size(); ++s) {
      std::byte *row = pageRow(type, static_cast<int64_t>(request), static_cast<int64_t>(s));
      for (size_t i = 0; i < inputs.cached[request][s].size(); ++i) {
        put(row + i * byteSize(dtypeOf(type.getElementType())), dtypeOf(type.getElementType()),
            inputs.cached[request][s][i]);
      }
    }
  }
  GuardedBytes &given = add(table.size() * sizeof(int32_t));
  for (int64_t i = 0; i < total; ++i) {
    auto wrong = inputs.wrongPages.find(i);
    bool right = wrong == inputs.wrongPages.end();
    put(given.data() + static_cast<size_t>(i) * sizeof(int32_t), DType::I32,
        right ? table[static_cast<size_t>(i)] : wrong->second);
  }
}

int64_t Arguments::elements(RankedTensorType type) {
  int64_t count = 1;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    graph::Extent extent = graph::extentOf(type, static_cast<unsigned>(dim));
    auto [base, factor] =
        extent.isStatic() ? std::pair<StringRef, int64_t>() : graph::DimsAttr::split(extent.name);
    count *= extent.isStatic() ? extent.value : inputs.sizes.at(base.str()) * factor;
  }
  return count;
}

KernelCall Arguments::call(std::string_view variant) {
  std::vector<int64_t> sizes;
  for (StringRef name : definition.getSizesAttr().getAsValueRange<StringAttr>()) {
    sizes.push_back(inputs.sizes.at(name.str()));
  }
  DictionaryAttr config = definition.getConfig(variant);
  auto tile = config.getAs<DenseI64ArrayAttr>("tiles").asArrayRef();
  return {all,
          sizes,
          {static_cast<int32_t>(tile[0]), tile[1], tile[2], tile[3], tile[4]},
          config.getAs<IntegerAttr>("scratch").getInt()};
}

static std::vector<double> takenAll(std::span<const std::byte> bytes, DType type) {
  std::vector<double> values;
  values.reserve(bytes.size() / byteSize(type));
  for (size_t at = 0; at < bytes.size(); at += byteSize(type)) {
    values.push_back(taken(bytes.data() + at, type));
  }
  return values;
}

/// The rows of the cache that have places.
std::vector<double> Arguments::appended(kern::RopeAppendOp append) {
  auto type = cast<graph::CacheType>(append.getCache().getType());
  DType element = dtypeOf(type.getElementType());
  auto width = static_cast<size_t>(type.getLatent() + type.getRope());
  const auto &positions = inputs.tensors[cast<BlockArgument>(append.getPositions()).getArgNumber()];
  const auto &requests = inputs.tensors[cast<BlockArgument>(append.getRequests()).getArgNumber()];
  std::vector<double> rows;
  for (int64_t t = 0; t < positions.size(); ++t) {
    auto request = static_cast<int64_t>(requests[t]), position = static_cast<int64_t>(positions[t]);
    auto mostRequests = static_cast<int64_t>(type.getMaxRequests());
    auto slots = static_cast<int64_t>(table.size() * type.getPage()) / mostRequests;
    if (request < 0 || request >= mostRequests || position < 0 || position >= slots) {
      continue; // an error is expected
    }
    llvm::append_range(
        rows, takenAll({pageRow(type, request, position), width * byteSize(element)}, element));
  }
  return rows;
}

KernelResults Arguments::results() {
  KernelResults results;
  auto destinations = definition.getDestinations();
  size_t first = all.size() - destinations.size();
  for (auto [i, argument] : llvm::enumerate(destinations)) {
    auto type = cast<RankedTensorType>(argument.getType());
    results.push_back(takenAll(all[first + i], dtypeOf(type.getElementType())));
  }
  if (auto append = dyn_cast<kern::RopeAppendOp>(definition.getCore())) {
    results.push_back(appended(append));
  }
  return results;
}

KernelResults Execution::run(const KernelInputs &inputs,
                             llvm::function_ref<void(const KernelCall &)> call) {
  Arguments arguments(definition, inputs, packed);
  call(arguments.call(variant));
  return arguments.results();
}

TileRun::TileRun(plan::KernelFunction function, const KernelCall &call)
    : function(function), call(call),
      scratch(static_cast<size_t>((call.scratchBytes + 63) / 64 * 64)) {
  arguments.reserve(call.arguments.size());
  for (std::span<std::byte> bytes : call.arguments) {
    arguments.push_back(bytes.data());
  }
}

uint32_t TileRun::tiles() const {
  return static_cast<uint32_t>(call.tiles.evaluate(call.sizes.data()));
}

int32_t TileRun::operator()(uint32_t begin, uint32_t end) const {
  return function(arguments.data(), call.sizes.data(), begin, end, scratch.data());
}

KernelResults Execution::run(plan::KernelFunction function, const KernelInputs &inputs, int order,
                             plan::KernelError expected) {
  return run(inputs, [&](const KernelCall &call) {
    TileRun run(function, call);
    uint32_t tiles = run.tiles();
    if (order == 0) {
      EXPECT_EQ(run(0, tiles), static_cast<int32_t>(expected));
    }
    for (uint32_t i = tiles; order != 0 && i > 0; --i) {
      EXPECT_EQ(run(i - 1, i), static_cast<int32_t>(expected));
    }
  });
}

KernelResults execute(kern::DefOp definition, const plan::CpuVariant &variant,
                      plan::KernelFunction function, const KernelInputs &inputs, int order,
                      plan::KernelError expected) {
  return Execution(definition, variant.name, inputs).run(function, inputs, order, expected);
}

} // namespace dsv3::differential
