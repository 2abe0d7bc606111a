//===- InPlaceProduct.cpp - a row times a weight in place -----------------===//
#include "InPlaceProduct.h"

#include "Graph/ShapeCheck.h"
#include "MicroKernels.h"
#include "StreamProduct.h"

using namespace mlir;

namespace dsv3::cpu {

/// Bytes that are asked for before they are read, where plan::asksAheadSymbol wants it.
static constexpr int64_t bytesAhead = 2048;
/// Vectors of sums of the row and one of the weight: as many as hide the latency of an addition.
static constexpr int64_t vectorsOfSum = 4;

static void emitInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out,
                        bool ahead) {
  int64_t lanes = code.lanes(), block = vectorsOfSum * lanes, columns = form.rowStride;
  int64_t elementBytes = panel.elementType().getIntOrFloatBitWidth() / 8;
  code.loop(code.integer(0), code.integer(form.width), 1, [&](Num j) {
    Memory weights = panel + j * form.rowStride;
    SmallVector<Var> sums;
    for (int64_t v = 0; v < vectorsOfSum; ++v) {
      sums.push_back(code.variable(code.zeros(lanes)));
    }
    auto multiply = [&](Num k, int64_t vectors) {
      for (int64_t v = 0; v < vectors; ++v) {
        Memory at = weights + (k + v * lanes);
        if (ahead && v * lanes * elementBytes % lineBytes == 0) {
          at.prefetch(bytesAhead);
        }
        Var &sum = sums[static_cast<size_t>(v)];
        sum.set(code.fma((row + (k + v * lanes)).floats(lanes), at.floats(lanes), sum.get()));
      }
    };
    Num whole = code.integer(columns / block * block);
    code.loop(code.integer(0), whole, block, [&](Num k) { multiply(k, vectorsOfSum); });
    code.loop(whole, code.integer(columns), lanes, [&](Num k) { multiply(k, 1); });
    Num half = sums[0].get() + sums[1].get(), other = sums[2].get() + sums[3].get();
    (out + j).store(code.sumOf(half + other));
  });
}

void callInPlace(Code &code, const PanelForm &form, Memory row, Memory panel, Memory out) {
  Type f32 = out.elementType(), element = panel.elementType();
  auto with = [&](bool ahead) {
    std::string name = "in_place." + graph::spell(element) + "." + std::to_string(form.width) +
                       "x" + std::to_string(form.rowStride) + (ahead ? ".ahead" : "");
    SmallVector<Value> arguments{row.address(), panel.address(), out.address()};
    SmallVector<Type> parameters(arguments.size(), out.address().getType());
    auto function =
        sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
          emitInPlace(inner, form, Memory(inner, values[0], f32), Memory(inner, values[1], element),
                      Memory(inner, values[2], f32), ahead);
        });
    LLVM::CallOp::create(code.builder, code.loc, function, arguments);
  };
  code.when(asksAhead(code), [&] { with(true); }, [&] { with(false); });
}

} // namespace dsv3::cpu
