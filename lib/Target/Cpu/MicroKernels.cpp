//===- MicroKernels.cpp - inner loops that kernels share ------------------===//
#include "MicroKernels.h"

#include "dsv3/Plan/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace dsv3::cpu {

//===----------------------------------------------------------------------===//
// Columns of panels
//===----------------------------------------------------------------------===//

/// `value` in each element of a vector of integers.
static Value splatBits(Code &code, Value like, int64_t value) {
  auto type = cast<VectorType>(like.getType());
  IntegerAttr one = code.builder.getIntegerAttr(
      type.getElementType(), APInt(type.getElementTypeBitWidth(), uint64_t(value), false, true));
  return arith::ConstantOp::create(code.builder, code.loc, SplatElementsAttr::get(type, one));
}

static Value bitcast(Code &code, Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  int64_t count = type.getNumElements() * type.getElementTypeBitWidth() /
                  static_cast<int64_t>(element.getIntOrFloatBitWidth());
  auto to = VectorType::get({count}, element);
  // Elements of another size: as LLVM sees them.
  return LLVM::BitcastOp::create(code.builder, code.loc, to, vector);
}

static Value andBits(Code &code, Value vector, int64_t mask) {
  return arith::AndIOp::create(code.builder, code.loc, vector, splatBits(code, vector, mask));
}

/// Two vectors of bfloat16 that lie side by side in 32-bit words, as f32.
static std::array<Num, 2> halvesOfWords(Code &code, Value words) {
  Value low = arith::ShLIOp::create(code.builder, code.loc, words, splatBits(code, words, 16));
  return {code.wrap(bitcast(code, low, code.f32())),
          code.wrap(bitcast(code, andBits(code, words, 0xFFFF0000), code.f32()))};
}

/// Calls body(vector, f32) for the four vectors of codes in the order and form of panels
/// (dsv3/Plan/Layout.h). Codes whose exponent is 0 come out as if they had a leading one and the
/// exponent below.
static void expandCodes(Code &code, Value codes, llvm::function_ref<void(int64_t, Num)> body) {
  OpBuilder &b = code.builder;
  int64_t bytes = cast<VectorType>(codes.getType()).getNumElements();
  // The first byte of a bfloat16 for each sign and upper three bits of an exponent; its second
  // byte is the lowest bit of the exponent and the mantissa. The exponent's bias goes from 7
  // to 127.
  constexpr int64_t fromLane = 16, upperExponents = 8, biasChange = (127 - 7) / 2;
  SmallVector<int8_t> table;
  for (int64_t i = 0; i < bytes; ++i) {
    int64_t sign = i % fromLane / upperExponents;
    table.push_back(static_cast<int8_t>(sign << 7 | (biasChange + i % upperExponents)));
  }
  Value tableOfLanes = arith::ConstantOp::create(
      b, code.loc,
      DenseElementsAttr::get(cast<VectorType>(codes.getType()), ArrayRef<int8_t>(table)));
  StringRef lookup = bytes == 64 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b";
  Value first = LLVM::CallIntrinsicOp::create(b, code.loc, codes.getType(), b.getStringAttr(lookup),
                                              ValueRange{tableOfLanes, andBits(code, codes, 0x0F)})
                    .getResults();
  Value second = andBits(code, codes, 0xF0);
  for (int64_t half : {0, 8}) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < bytes; ++i) {
      int64_t byte = i / fromLane * fromLane + half + i % fromLane / 2;
      order.push_back(i % 2 == 0 ? byte : bytes + byte);
    }
    Value words = vector::ShuffleOp::create(b, code.loc, second, first, order);
    auto [low, high] = halvesOfWords(code, bitcast(code, words, code.i32()));
    body(half / 4, low);
    body(half / 4 + 1, high);
  }
}

/// Whether a code of a panel has exponent 0.
static Num anySubnormal(Code &code, ArrayRef<Value> columns) {
  OpBuilder &b = code.builder;
  Value any;
  for (Value codes : columns) {
    Value exponents = andBits(code, codes, plan::panelCode(0x78));
    Value zero = arith::CmpIOp::create(b, code.loc, arith::CmpIPredicate::eq, exponents,
                                       splatBits(code, codes, 0));
    any = any ? arith::OrIOp::create(b, code.loc, any, zero).getResult() : zero;
  }
  return code.wrap(vector::ReductionOp::create(b, code.loc, vector::CombiningKind::OR, any));
}

/// What expandCodes makes of a code, corrected where the exponent is 0: m / 8 * 2^-6, of which
/// it made (1 + m / 8) * 2^-7. The smaller of number and corrected number is right for every
/// code, and exact.
static Num correctSubnormal(Code &code, Num number) {
  int64_t lanes = widthOf(number);
  Num magnitude = code.abs(number);
  Num corrected = magnitude + magnitude - code.splat(code.number(0x1p-6), lanes);
  Value sign = andBits(code, bitcast(code, number.value, code.i32()), 0x80000000);
  Value bits = bitcast(code, code.min(magnitude, corrected).value, code.i32());
  return code.wrap(
      bitcast(code, arith::OrIOp::create(code.builder, code.loc, bits, sign), code.f32()));
}

static void withCodes(Code &code, int64_t width, Memory first, int64_t count,
                      llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  SmallVector<Value> columns;
  for (int64_t c = 0; c < count; ++c) {
    columns.push_back((first + c * width).as(code.i8()).raw(width));
  }
  auto expand = [&](llvm::function_ref<Num(Num)> corrected) {
    for (auto [c, codes] : llvm::enumerate(columns)) {
      expandCodes(code, codes, [&, c = static_cast<int64_t>(c)](int64_t v, Num vector) {
        body(c, v, corrected(vector));
      });
    }
  };
  // Subnormal f32 or f16 would be a way without a branch, and far slower where processors
  // take an assist for them. Weights have one such code in thousands.
  code.whenRarely(
      anySubnormal(code, columns),
      [&] { expand([&](Num vector) { return correctSubnormal(code, vector); }); },
      [&] { expand([](Num vector) { return vector; }); });
}

/// The two vectors of a column of elements of 16 or 32 bits.
static std::array<Num, 2> loadWide(Code &code, int64_t width, Memory column) {
  int64_t lanes = width / 2;
  if (column.elementType().isF32()) {
    return {column.floats(lanes), (column + lanes).floats(lanes)};
  }
  Value words = column.as(code.i32()).raw(lanes);
  if (column.elementType().isBF16()) {
    return halvesOfWords(code, words);
  }
  OpBuilder &b = code.builder;
  auto type = cast<VectorType>(words.getType());
  auto half = [&](Value word) {
    Value narrow = arith::TruncIOp::create(b, code.loc, type.clone(b.getI16Type()), word);
    Value f16 = bitcast(code, narrow, b.getF16Type());
    return code.wrap(arith::ExtFOp::create(b, code.loc, type.clone(b.getF32Type()), f16));
  };
  Value high = arith::ShRUIOp::create(b, code.loc, words, splatBits(code, words, 16));
  return {half(words), half(high)};
}

void withColumns(Code &code, int64_t width, Memory first, int64_t count,
                 llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  if (isa<Float8E4M3FNType>(first.elementType())) {
    withCodes(code, width, first, count, body);
    return;
  }
  for (int64_t c = 0; c < count; ++c) {
    auto [low, high] = loadWide(code, width, first + c * width);
    body(c, 0, low);
    body(c, 1, high);
  }
}

//===----------------------------------------------------------------------===//
// Functions that kernels share
//===----------------------------------------------------------------------===//

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
  auto function = sharedFunction(
      code, name, {pointer, pointer, code.builder.getI64Type()},
      [&](Code &inner, Block::BlockArgListType arguments) {
        Memory source(inner, arguments[0], element), target(inner, arguments[1], inner.f32());
        inner.loop(inner.integer(0), inner.wrap(arguments[2]), 1, [&](Num k) {
          withColumns(inner, width, source + k * width, 1, [&](int64_t, int64_t v, Num vector) {
            (target + k * width + v * widthOf(vector)).store(vector);
          });
        });
      });
  LLVM::CallOp::create(code.builder, code.loc, function,
                       ValueRange{from.address(), to.address(), count.value});
}

/// Bytes that are asked for before they are read. A processor's own prefetching falls behind
/// where many operations come between two lines.
static constexpr int64_t streamAhead = 2048;
static constexpr int64_t lineBytes = 64;

/// One pass over a panel's columns [begin, end): sums[row][panel][vector] += x * column.
static void emitStreamColumns(Code &code, const StreamCall &call, Num begin, Num end,
                              ArrayRef<Var> sums) {
  int64_t bytes = call.panels[0].elementType().getIntOrFloatBitWidth() / 8;
  int64_t columnBytes = call.width * bytes;
  int64_t unroll = std::max<int64_t>(1, lineBytes / columnBytes);
  auto vectors = static_cast<size_t>(call.width / code.lanes());
  auto columns = [&](Num k, int64_t count) {
    for (auto [p, panel] : llvm::enumerate(call.panels)) {
      Memory first = panel + k * call.width;
      for (int64_t line = 0; line < count * columnBytes; line += lineBytes) {
        first.prefetch(streamAhead + line);
      }
      withColumns(code, call.width, first, count, [&, p = p](int64_t c, int64_t v, Num vector) {
        for (auto [i, row] : llvm::enumerate(call.rows)) {
          const Var &sum = sums[((p * call.rows.size() + i) * vectors) + static_cast<size_t>(v)];
          Num x = code.splat((row + (k + c)).floats(), widthOf(vector));
          sum.set(code.fma(x, vector, sum.get()));
        }
      });
    }
  };
  Num whole = begin + (end - begin) / unroll * unroll;
  code.loop(begin, whole, unroll, [&](Num k) { columns(k, unroll); });
  if (unroll > 1) {
    code.loop(whole, end, 1, [&](Num k) { columns(k, 1); });
  }
}

/// The body of a stream function.
static void emitStream(Code &code, const StreamCall &call) {
  int64_t lanes = code.lanes(), vectors = call.width / lanes;
  Num zero = code.integer(0);
  auto forSums = [&](llvm::function_ref<void(size_t, size_t, int64_t)> body) {
    for (size_t p = 0; p < call.panels.size(); ++p) {
      for (size_t i = 0; i < call.rows.size(); ++i) {
        for (int64_t v = 0; v < vectors; ++v) {
          body(p, i, v);
        }
      }
    }
  };
  auto place = [&](size_t p, size_t i, int64_t v) {
    return call.out + call.outStride * static_cast<int64_t>(i) +
           (static_cast<int64_t>(p) * call.width + v * lanes);
  };
  forSums([&](size_t p, size_t i, int64_t v) { place(p, i, v).store(code.zeros(lanes)); });
  code.loop(zero, (call.count + (call.kBlock - 1)) / call.kBlock, 1, [&](Num block) {
    SmallVector<Var> sums;
    forSums([&](size_t, size_t, int64_t) { sums.push_back(code.variable(code.zeros(lanes))); });
    Num begin = block * call.kBlock;
    emitStreamColumns(code, call, begin, code.min(begin + call.kBlock, call.count), sums);
    const Var *next = sums.begin();
    forSums([&](size_t p, size_t i, int64_t v) {
      Memory to = place(p, i, v);
      Num sum = (next++)->get(), before = to.floats(lanes);
      if (call.scales.empty()) {
        to.store(before + sum);
      } else {
        Num scale = (call.scales[p] + (block * call.width + v * lanes)).floats(lanes);
        to.store(code.fma(sum, scale, before));
      }
    });
  });
}

void callStream(Code &code, const StreamCall &call) {
  Type element = call.panels[0].elementType();
  std::string name = "stream." + typeName(element) + "." + std::to_string(call.rows.size()) + "x" +
                     std::to_string(call.panels.size()) + "x" + std::to_string(call.width) + "." +
                     std::to_string(call.kBlock) + (call.scales.empty() ? "" : ".scaled");
  SmallVector<Value> arguments{call.count.value, call.out.address(), call.outStride.value};
  for (const auto *list : {&call.rows, &call.panels, &call.scales}) {
    for (const Memory &memory : *list) {
      arguments.push_back(memory.address());
    }
  }
  SmallVector<Type> parameters =
      llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        StreamCall body = call;
        body.count = inner.wrap(values[0]), body.outStride = inner.wrap(values[2]);
        body.out = Memory(inner, values[1], inner.f32());
        size_t next = 3;
        for (auto *list : {&body.rows, &body.panels, &body.scales}) {
          for (Memory &memory : *list) {
            memory = Memory(inner, values[next++], memory.elementType());
          }
        }
        emitStream(inner, body);
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
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
