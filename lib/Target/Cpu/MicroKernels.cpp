//===- MicroKernels.cpp - inner loops that kernels share ------------------===//
#include "MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace dsv3::cpu {

SmallVector<Num> loadColumn(Code &code, int64_t width, Memory column) {
  Type element = column.elementType();
  OpBuilder &b = code.builder;
  Location loc = code.loc;
  if (isa<Float8E4M3FNType>(element)) {
    return column.smallF8(width, width / 2);
  }
  if (element.isF32()) {
    return {column.floats(width / 2), (column + width / 2).floats(width / 2)};
  }
  Value pairs = column.as(b.getI32Type()).raw(width / 2);
  auto words = cast<VectorType>(pairs.getType());
  auto splat = [&](int64_t value) {
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(words, b.getI32IntegerAttr(static_cast<int32_t>(value))));
  };
  auto floats = words.clone(b.getF32Type());
  if (element.isBF16()) {
    Value low = arith::ShLIOp::create(b, loc, pairs, splat(16));
    Value high = arith::AndIOp::create(b, loc, pairs, splat(int64_t(0xFFFF0000)));
    return {code.wrap(arith::BitcastOp::create(b, loc, floats, low)),
            code.wrap(arith::BitcastOp::create(b, loc, floats, high))};
  }
  auto half = [&](Value word) {
    Value narrow = arith::TruncIOp::create(b, loc, words.clone(b.getI16Type()), word);
    Value f16 = arith::BitcastOp::create(b, loc, words.clone(b.getF16Type()), narrow);
    return code.wrap(arith::ExtFOp::create(b, loc, floats, f16));
  };
  return {half(pairs), half(arith::ShRUIOp::create(b, loc, pairs, splat(16)))};
}

LLVM::LLVMFuncOp sharedFunction(Code &code, StringRef name, ArrayRef<Type> parameters,
                                llvm::function_ref<void(Code &, Block::BlockArgListType)> body) {
  auto module = code.builder.getBlock()->getParentOp()->getParentOfType<ModuleOp>();
  if (auto known = module.lookupSymbol<LLVM::LLVMFuncOp>(name)) {
    return known;
  }
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  Location loc = builder.getUnknownLoc();
  Type none = LLVM::LLVMVoidType::get(module.getContext());
  auto function =
      LLVM::LLVMFuncOp::create(builder, loc, name, LLVM::LLVMFunctionType::get(none, parameters));
  function.setLinkage(LLVM::Linkage::Internal);
  function.setNoInline(true);
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);
  Code inner(builder, loc, *entry, code.variant);
  body(inner, entry->getArguments());
  LLVM::ReturnOp::create(builder, loc, ValueRange());
  return function;
}

static std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

void callExpand(Code &code, int64_t width, Memory from, Memory to, Num count) {
  Type pointer = from.address().getType(), element = from.elementType();
  std::string name = "expand." + typeName(element) + "." + std::to_string(width);
  auto function =
      sharedFunction(code, name, {pointer, pointer, code.builder.getI64Type()},
                     [&](Code &inner, Block::BlockArgListType arguments) {
                       Memory source(inner, arguments[0], element),
                           target(inner, arguments[1], inner.f32());
                       bool f8 = isa<Float8E4M3FNType>(element);
                       inner.loop(inner.integer(0), inner.wrap(arguments[2]), 1, [&](Num k) {
                         Memory row = target + k * width;
                         for (Num part : loadColumn(inner, width, source + k * width)) {
                           int64_t lanes = widthOf(part);
                           row.store(f8 ? part * inner.splat(inner.number(256.0), lanes) : part);
                           row = row + lanes;
                         }
                       });
                     });
  LLVM::CallOp::create(code.builder, code.loc, function,
                       ValueRange{from.address(), to.address(), count.value});
}

/// The columns of a tile as vectors: [begin, width) each.
static SmallVector<std::pair<int64_t, int64_t>> vectorsOf(int64_t width, int64_t lanes) {
  SmallVector<std::pair<int64_t, int64_t>> vectors;
  for (int64_t begin = 0; begin < width; begin += lanes) {
    vectors.push_back({begin, std::min(lanes, width - begin)});
  }
  return vectors;
}

/// The body of a tile function.
static void emitTile(Code &code, int64_t rows, int64_t width, const TileCall &call) {
  auto vectors = vectorsOf(width, code.lanes());
  SmallVector<Var> sums;
  for (int64_t i = 0; i < rows; ++i) {
    for (auto [begin, lanes] : vectors) {
      sums.push_back(code.variable(code.zeros(lanes)));
    }
  }
  code.loop(code.integer(0), call.count, 1, [&](Num k) {
    SmallVector<Num> column;
    for (auto [begin, lanes] : vectors) {
      column.push_back((call.weight + k * call.weightStride + begin).floats(lanes));
    }
    // A row's element is read right before its products, so that few registers wait.
    for (int64_t i = 0; i < rows; ++i) {
      Num x = (call.a + k + i * call.aStride).floats();
      for (auto [v, weight] : llvm::enumerate(column)) {
        Var &sum = sums[static_cast<size_t>(i) * vectors.size() + v];
        sum.set(code.fma(code.splat(x, widthOf(weight)), weight, sum.get()));
      }
    }
  });
  for (int64_t i = 0; i < rows; ++i) {
    for (auto [v, vector] : llvm::enumerate(vectors)) {
      auto [begin, lanes] = vector;
      Memory to = call.out + call.outStride * i + begin;
      Num sum = sums[static_cast<size_t>(i) * vectors.size() + v].get(), before = to.floats(lanes);
      to.store(call.scale ? code.fma(sum, (*call.scale + begin).floats(lanes), before)
                          : before + sum);
    }
  }
}

void callTile(Code &code, int64_t rows, int64_t width, const TileCall &call) {
  Type pointer = call.a.address().getType(), i64 = code.builder.getI64Type();
  bool scaled = call.scale.has_value();
  std::string name = "tile." + std::to_string(rows) + "x" + std::to_string(width) + "." +
                     std::to_string(call.aStride) + "." + std::to_string(call.weightStride) +
                     (scaled ? ".scaled" : "");
  SmallVector<Type> parameters{pointer, pointer, i64, pointer, i64};
  SmallVector<Value> arguments{call.a.address(), call.weight.address(), call.count.value,
                               call.out.address(), call.outStride.value};
  if (scaled) {
    parameters.push_back(pointer);
    arguments.push_back(call.scale->address());
  }
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        auto memory = [&](size_t index) { return Memory(inner, values[index], inner.f32()); };
        TileCall body{
            memory(0), call.aStride,          memory(1),   call.weightStride, inner.wrap(values[2]),
            memory(3), inner.wrap(values[4]), std::nullopt};
        if (scaled) {
          body.scale = memory(5);
        }
        emitTile(inner, rows, width, body);
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
}

void forTiles(Code &code, int64_t mr, Num rows, llvm::function_ref<void(Num, int64_t)> body) {
  Num done = code.integer(0);
  SmallVector<int64_t> heights{mr};
  for (int64_t height : {8, 4, 2, 1}) {
    if (height < mr) {
      heights.push_back(height);
    }
  }
  for (int64_t height : heights) {
    Num end = done + (rows - done) / height * height;
    code.loop(done, end, height, [&](Num i) { body(i, height); });
    done = end;
  }
}

} // namespace dsv3::cpu
