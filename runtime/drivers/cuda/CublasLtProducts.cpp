//===- CublasLtProducts.cpp - products by NVIDIA's library ----------------===//
//
// cuBLASLt has columns of a matrix behind each other, where we have rows: its A is the weight
// [columns, depth], transposed, its B the rows [rows, depth], and its result [rows, columns] of
// ours. For FP8 it has no other order.
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/cuda/CublasLtProducts.h"

#include "dsv3/Support/DType.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/RandomNumbers.h"
#include "runtime/drivers/cuda/CublasLt.h"
#include "runtime/drivers/cuda/CudaStopwatch.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;
using namespace dsv3::runtime::cuda::lt;
using Operands = PeerProduct::Operands;

/// What its ways may use beside the operands.
static constexpr int64_t workspaceBytes = int64_t(64) << 20;
/// How many ways are tried, the best first as the library estimates them.
static constexpr int mostWays = 8;
/// Values that are drawn; a larger matrix has them again and again.
static constexpr int64_t drawnValues = int64_t(1) << 20;
static constexpr int64_t groupSize = 128; ///< values along the depth that share a scale

namespace {

/// What the library made of a kind, returned to it at the end.
template <typename T>
class Made {
public:
  explicit Made(LtResult (*destroy)(T)) : destroy(destroy) {}
  Made(const Made &) = delete;
  Made &operator=(const Made &) = delete;
  ~Made() {
    if (value) {
      destroy(value);
    }
  }
  T *place() { return &value; }
  operator T() const { return value; }

private:
  T value = nullptr;
  LtResult (*destroy)(T);
};

/// A product's memory on the GPU.
struct Matrices {
  std::unique_ptr<Buffer> weight, rows, result, scalesOfWeight, scalesOfRows, workspace;
};

class CublasLtProducts final : public PeerProducts {
public:
  CublasLtProducts(std::shared_ptr<const CudaContext> context, runtime::Device &device,
                   std::shared_ptr<const CublasLt> library)
      : context(std::move(context)), device(device), library(std::move(library)) {}
  ~CublasLtProducts() override {
    if (handle) {
      context->use();
      library->Destroy(handle);
    }
  }
  Status start();

  std::string description() const override { return "cuBLASLt " + library->version(); }
  Expected<std::optional<double>> seconds(const PeerProduct &product, int runs) override;

private:
  Expected<std::optional<double>> measure(const PeerProduct &product, int runs);
  Expected<Matrices> allocate(const PeerProduct &product);
  Expected<std::unique_ptr<Buffer>> drawn(int64_t values, DType type, const char *what);
  /// What the library has for it: success, a refusal, or another error.
  LtResult describe(const PeerProduct &product, const Matrices &matrices,
                    Operation operation) const;
  Status check(LtResult result, const char *what) const;

  std::shared_ptr<const CudaContext> context;
  runtime::Device &device;
  std::shared_ptr<const CublasLt> library;
  Handle handle = nullptr;
};

} // namespace

static int64_t roundedUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

/// Whether it says that there is no such product, for this GPU or at all.
static bool isRefusal(LtResult result) {
  return result == ltNotSupported || result == ltInvalidValue || result == ltArchitectureMismatch;
}

Status CublasLtProducts::check(LtResult result, const char *what) const {
  return result == ltSuccess
             ? Status()
             : Failure{std::string(what) + ": cuBLASLt says " + library->GetStatusName(result),
                       library->path(), "nvidia-smi shows who else uses the GPU"};
}

Status CublasLtProducts::start() {
  context->use();
  return check(library->Create(&handle), "it does not start");
}

/// Evenly drawn codes and values from -1 to 1, and scales about 1.
static std::vector<std::byte> draw(int64_t values, DType type) {
  RandomNumbers random(0);
  std::vector<std::byte> bytes;
  auto add = [&](auto value) {
    const auto *begin = reinterpret_cast<const std::byte *>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof value);
  };
  for (int64_t i = 0; i < values; ++i) {
    auto value = float(2 * random.uniform() - 1);
    switch (type) {
    case DType::F8E4M3:
      add(floatToF8E4M3(448 * value));
      break;
    case DType::BF16:
      add(floatToBf16(value));
      break;
    default:
      add(1 + value / 2);
    }
  }
  return bytes;
}

Expected<std::unique_ptr<Buffer>> CublasLtProducts::drawn(int64_t values, DType type,
                                                          const char *what) {
  std::vector<std::byte> bytes = draw(std::min(values, drawnValues), type);
  int64_t size = values * int64_t(byteSize(type));
  Expected<std::unique_ptr<Buffer>> buffer = device.allocate(size, what);
  for (int64_t at = 0; buffer && at < size; at += int64_t(bytes.size())) {
    auto part = std::span(bytes).first(size_t(std::min(int64_t(bytes.size()), size - at)));
    if (Status copied = device.upload(**buffer, at, part); !copied) {
      return copied;
    }
  }
  return buffer;
}

Expected<Matrices> CublasLtProducts::allocate(const PeerProduct &product) {
  bool codes = product.operands == Operands::Codes;
  DType type = codes ? DType::F8E4M3 : DType::BF16;
  const char *what = "a product by cuBLASLt";
  Matrices made;
  Status status;
  auto add = [&](std::unique_ptr<Buffer> &place, Expected<std::unique_ptr<Buffer>> buffer) {
    if (buffer) {
      place = *std::move(buffer);
    } else {
      status = buffer.status();
    }
    return status.ok();
  };
  // The largest, which may not fit, comes first. The library reads scales of rows, side by side,
  // for each group of the depth; those of the weight lie along the depth, in fours.
  int64_t groups = roundedUp(product.depth, groupSize) / groupSize;
  bool all =
      add(made.weight, drawn(product.columns * product.depth, type, what)) &&
      add(made.rows, drawn(product.rows * product.depth, type, what)) &&
      add(made.result, device.allocate(2 * product.rows * product.columns, what)) &&
      add(made.workspace, device.allocate(workspaceBytes, what)) &&
      (!codes ||
       (add(made.scalesOfRows, drawn(roundedUp(product.rows, 4) * groups, DType::F32, what)) &&
        add(made.scalesOfWeight,
            drawn(roundedUp(product.columns, groupSize) / groupSize * roundedUp(groups, 4),
                  DType::F32, what))));
  return all ? Expected<Matrices>(std::move(made)) : status.failure();
}

LtResult CublasLtProducts::describe(const PeerProduct &product, const Matrices &matrices,
                                    Operation operation) const {
  LtResult result = ltSuccess;
  auto set = [&](int attribute, auto value) {
    if (result == ltSuccess) {
      result = library->MatmulDescSetAttribute(operation, attribute,
                                               static_cast<const void *>(&value), sizeof value);
    }
  };
  set(attributeTransA, transposed);
  if (product.operands == Operands::Codes) {
    set(attributeFastAccumulation, int8_t(0));
    set(attributeScaleModeOfA, scaleOfBlock);
    set(attributeScaleModeOfB, scaleOfVector);
    set(attributeScaleOfA, static_cast<const void *>(matrices.scalesOfWeight->address()));
    set(attributeScaleOfB, static_cast<const void *>(matrices.scalesOfRows->address()));
  }
  return result;
}

Expected<std::optional<double>> CublasLtProducts::measure(const PeerProduct &product, int runs) {
  const CublasLt &lt = *library;
  Expected<Matrices> matrices = allocate(product);
  if (!matrices) {
    return matrices.failure();
  }
  Expected<std::unique_ptr<CudaStopwatch>> watch =
      CudaStopwatch::create(context, CachesBefore::Emptied);
  if (!watch) {
    return watch.failure();
  }
  int type = product.operands == Operands::Codes ? typeF8E4M3 : typeBf16;
  auto rows = uint64_t(product.rows), columns = uint64_t(product.columns),
       depth = uint64_t(product.depth);
  Made<Operation> operation(lt.MatmulDescDestroy);
  Made<Layout> a(lt.MatrixLayoutDestroy), b(lt.MatrixLayoutDestroy), d(lt.MatrixLayoutDestroy);
  Made<Preference> preference(lt.MatmulPreferenceDestroy);
  std::array<Way, mostWays> ways;
  int count = 0;
  auto workspace = uint64_t(workspaceBytes);
  LtResult result = ltSuccess;
  auto then = [&](auto call) { result = result == ltSuccess ? call() : result; };
  then([&] { return lt.MatmulDescCreate(operation.place(), computeF32, typeF32); });
  then([&] { return describe(product, *matrices, operation); });
  then([&] { return lt.MatrixLayoutCreate(a.place(), type, depth, columns, product.depth); });
  then([&] { return lt.MatrixLayoutCreate(b.place(), type, depth, rows, product.depth); });
  then([&] { return lt.MatrixLayoutCreate(d.place(), typeBf16, columns, rows, product.columns); });
  then([&] { return lt.MatmulPreferenceCreate(preference.place()); });
  then([&] {
    return lt.MatmulPreferenceSetAttribute(preference, preferenceMaxWorkspace, &workspace,
                                           sizeof workspace);
  });
  then([&] {
    return lt.MatmulAlgoGetHeuristic(handle, operation, a, b, d, d, preference, mostWays,
                                     ways.data(), &count);
  });
  if (isRefusal(result)) {
    return std::optional<double>();
  }
  if (Status described = check(result, "it cannot be described"); !described) {
    return described;
  }
  constexpr float one = 1, zero = 0;
  std::optional<double> best;
  for (const Way &way : std::span(ways).first(size_t(count))) {
    LtResult launched = way.state;
    auto order = [&] {
      launched = lt.Matmul(handle, operation, &one, matrices->weight->address(), a,
                           matrices->rows->address(), b, &zero, matrices->result->address(), d,
                           matrices->result->address(), d, way.algorithm,
                           matrices->workspace->address(), workspace, context->stream);
      return Status();
    };
    double sum = 0;
    // The first loads the kernel and is not counted.
    for (int run = -1; run < runs && launched == ltSuccess; ++run) {
      Expected<double> seconds = (*watch)->measure(order);
      if (!seconds) {
        return seconds.failure();
      }
      sum += run < 0 ? 0 : *seconds;
    }
    if (launched == ltSuccess) {
      best = std::min(best.value_or(sum / runs), sum / runs);
    } else if (!isRefusal(launched)) {
      result = launched;
    }
  }
  Status launched = best ? Status() : check(result, "it cannot be launched");
  return launched ? Expected<std::optional<double>>(best) : launched.failure();
}

Expected<std::optional<double>> CublasLtProducts::seconds(const PeerProduct &product, int runs) {
  context->use();
  Expected<std::optional<double>> measured = measure(product, runs);
  if (measured) {
    return measured;
  }
  Failure failure = measured.failure();
  failure.what = description() + ", " + std::to_string(product.rows) + " x " +
                 std::to_string(product.columns) + " x " + std::to_string(product.depth) + ": " +
                 failure.what;
  return failure;
}

Expected<std::unique_ptr<PeerProducts>>
cuda::createCublasLtProducts(std::shared_ptr<const CudaContext> context, runtime::Device &device) {
  Expected<std::shared_ptr<const CublasLt>> library = CublasLt::load();
  if (!library) {
    return library.failure();
  }
  auto made = std::make_unique<CublasLtProducts>(std::move(context), device, *std::move(library));
  if (Status started = made->start(); !started) {
    return started;
  }
  return std::unique_ptr<PeerProducts>(std::move(made));
}
