//===- RunCheck.cpp - constants and expectations of tests -----------------===//
//
// A failed check is reported at its place and counted; the run goes on, so that one run
// shows all of them.
//
//===----------------------------------------------------------------------===//
#include "Check/Check.h"
#include "Frame.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace dsv3::reference {

static Tensor constant(ElementsAttr value) {
  ShapedType type = value.getShapedType();
  Tensor tensor(type.getShape().vec());
  if (isa<FloatType>(type.getElementType())) {
    for (auto [index, element] : llvm::enumerate(value.getValues<APFloat>())) {
      bool inexact = false;
      APFloat wide = element;
      wide.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
      tensor[static_cast<int64_t>(index)] = wide.convertToDouble();
    }
    return tensor;
  }
  bool unsignedCodes = type.getElementType().isInteger(4); // of weights: 0 to 15
  for (auto [index, element] : llvm::enumerate(value.getValues<APInt>())) {
    tensor[static_cast<int64_t>(index)] = static_cast<double>(
        unsignedCodes ? static_cast<int64_t>(element.getZExtValue()) : element.getSExtValue());
  }
  return tensor;
}

/// `[1, 3]` of element `index`.
static std::string position(const Tensor &tensor, int64_t index) {
  std::string text = "]";
  for (size_t dim = tensor.shape().size(); dim-- > 0;) {
    text = std::to_string(index % tensor.dim(dim)) + text;
    text = (dim == 0 ? "" : ", ") + text;
    index /= tensor.dim(dim);
  }
  return "[" + text;
}

/// Nine digits tell any two values of type f32 apart.
static std::string number(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", value);
  return text;
}

namespace {
/// What an element is compared with, and how far it may be from that.
struct Expectation {
  double value, tolerance;
};
} // namespace

/// Reports the element that is farthest beyond its tolerance, if there is one. Returns
/// whether all is well.
static bool compare(Operation &op, const Tensor &actual,
                    function_ref<Expectation(int64_t)> expected) {
  int64_t wrong = 0, worst = 0;
  double most = 0;
  for (int64_t i = 0; i < actual.size(); ++i) {
    auto [value, tolerance] = expected(i);
    double distance = actual[i] == value ? 0 : std::fabs(actual[i] - value);
    // A tolerance relative to infinity would admit everything.
    if (distance <= tolerance && std::isfinite(distance)) {
      continue;
    }
    double excess =
        std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance - tolerance;
    if (wrong++ == 0 || excess > most) {
      worst = i, most = excess;
    }
  }
  if (wrong == 0) {
    return true;
  }
  auto [value, tolerance] = expected(worst);
  op.emitOpError() << "failed: expected " << number(value) << ", found " << number(actual[worst])
                   << " at " << position(actual, worst) << "; they differ by "
                   << number(std::fabs(actual[worst] - value)) << ", " << number(tolerance)
                   << " is allowed; " << wrong << " of " << actual.size()
                   << " elements differ by too much";
  return false;
}

static bool sameShape(Operation &op, const Tensor &actual, const Tensor &expected) {
  if (actual.shape() == expected.shape()) {
    return true;
  }
  op.emitOpError() << "failed: expected shape [" << ArrayRef<int64_t>(expected.shape())
                   << "], found [" << ArrayRef<int64_t>(actual.shape()) << "]";
  return false;
}

LogicalResult Frame::runCheck(Operation &op, bool &known) {
  auto count = [&](bool passed) {
    ++(passed ? machine.checks.passed : machine.checks.failed);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](check::ConstantOp written) {
        bind(written.getResult(), constant(written.getValue()));
        return success();
      })
      .Case([&](check::ExpectEqOp expect) {
        const Tensor &actual = get(expect.getActual()), &expected = get(expect.getExpected());
        return count(sameShape(op, actual, expected) &&
                     compare(op, actual, [&](int64_t i) { return Expectation{expected[i], 0}; }));
      })
      .Case([&](check::ExpectCloseOp expect) {
        const Tensor &actual = get(expect.getActual()), &expected = get(expect.getExpected());
        double atol = expect.getAtol().convertToDouble(), rtol = expect.getRtol().convertToDouble();
        return count(sameShape(op, actual, expected) && compare(op, actual, [&](int64_t i) {
                       return Expectation{expected[i], atol + rtol * std::fabs(expected[i])};
                     }));
      })
      .Case([&](check::ExpectAlmostConstantOp expect) {
        Expectation expectation{expect.getValue().convertToDouble(),
                                expect.getAtol().convertToDouble()};
        return count(compare(op, get(expect.getActual()), [&](int64_t) { return expectation; }));
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

LogicalResult Interpreter::runTest(StringRef name) {
  auto function = module.lookupSymbol<func::FuncOp>(name);
  if (!function || function.isExternal()) {
    return module.emitError("no function @") << name << " with a body";
  }
  for (Type type : function.getArgumentTypes()) {
    if (!isa<graph::CacheType>(type)) {
      return function.emitError("expected no argument but a cache, found one of type ")
             << type << "; hint: write inputs with check.constant";
    }
  }
  int64_t failedBefore = checks.failed;
  Observer observer;
  Frame frame(*this, /*layer=*/-1, observer);
  if (failed(frame.run(function.getBody().front()))) {
    return failure();
  }
  return success(checks.failed == failedBefore);
}

} // namespace dsv3::reference
