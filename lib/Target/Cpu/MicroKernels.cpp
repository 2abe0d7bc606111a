//===- MicroKernels.cpp - inner loops that kernels share ------------------===//
#include "MicroKernels.h"

#include "Graph/Graph.h"
#include "PanelColumns.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Plan/Scratch.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace dsv3::cpu {

/// Bytes that are asked for before they are read, where plan::asksAheadSymbol wants it.
static constexpr int64_t streamAhead = 2048;
static constexpr int64_t lineBytes = 64;

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

/// Runs body(k, count) for the columns [begin, end) of a panel of such elements, `unroll` at a time
/// as far as possible. Precondition: `begin` and `unroll` are multiples of columnsTogether.
static void forColumns(Code &code, Num begin, Num end, int64_t unroll, Type element,
                       llvm::function_ref<void(Num, int64_t)> body) {
  int64_t together = columnsTogether(element);
  for (int64_t count = unroll; count > together; count = together) {
    Num whole = begin + (end - begin) / count * count;
    code.loop(begin, whole, count, [&](Num k) { body(k, count); });
    begin = whole;
  }
  Num whole = begin + (end - begin) / together * together;
  code.loop(begin, whole, together, [&](Num k) { body(k, together); });
  if (together > 1) {
    code.when(whole < end, [&] { body(whole, 1); });
  }
}

/// Elements of the scales of a block of a panel.
static int64_t scaleBlockElements(Type element, int64_t width) {
  return width * scaleForm(*graph::codesOf(element))->numbers;
}

/// Runs body(begin, end, scales) for the blocks of `scaleColumns` columns of a panel.
static void forScales(Code &code, Num begin, Num end, int64_t scaleColumns, int64_t width,
                      Type element, Memory scales,
                      llvm::function_ref<void(Num, Num, const BlockScales &)> body) {
  code.loop(begin, end, scaleColumns, [&](Num k) {
    Memory ofBlock = scales + k / scaleColumns * scaleBlockElements(element, width);
    body(k, code.min(k + scaleColumns, end), BlockScales::load(code, width, element, ofBlock));
  });
}

/// Where a stream function leaves vector v of row i and panel p.
static Memory streamResult(Code &code, const StreamCall &call, size_t p, size_t i, int64_t v) {
  return call.out + call.outStride * static_cast<int64_t>(i) +
         (static_cast<int64_t>(p) * call.width + v * code.lanes());
}

void callExpand(Code &code, int64_t width, Memory from, Memory to, Num count,
                std::optional<Memory> scales, int64_t scaleColumns) {
  Type element = from.elementType();
  std::string name = "expand." + typeName(element) + "." + std::to_string(width);
  SmallVector<Value> arguments{from.address(), to.address(), count.value};
  if (scales) {
    name += ".scaled" + std::to_string(scaleColumns);
    arguments.push_back(scales->address());
  }
  SmallVector<Type> parameters =
      llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        Memory source(inner, values[0], element), target(inner, values[1], inner.f32());
        Num end = inner.wrap(values[2]);
        auto columns = [&](Num begin, Num end, const BlockScales *block) {
          forColumns(inner, begin, end, columnsTogether(element), element, [&](Num k, int64_t n) {
            withColumns(inner, width, source + k * width, n, false,
                        [&](int64_t c, int64_t v, Num vector) {
                          (target + (k + c) * width + v * widthOf(vector))
                              .store(block ? block->apply(vector, v) : vector);
                        });
          });
        };
        if (!scales) {
          columns(inner.integer(0), end, nullptr);
          return;
        }
        Memory ofPanel(inner, values[3], scales->elementType());
        forScales(inner, inner.integer(0), end, scaleColumns, width, element, ofPanel,
                  [&](Num begin, Num blockEnd, const BlockScales &block) {
                    columns(begin, blockEnd, &block);
                  });
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
}

void callWiden(Code &code, Memory from, Memory to, Num count) {
  Type element = from.elementType();
  SmallVector<Value> arguments{from.address(), to.address(), count.value};
  SmallVector<Type> parameters =
      llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
  auto function = sharedFunction(
      code, "widen." + typeName(element), parameters,
      [&](Code &inner, Block::BlockArgListType values) {
        Memory source(inner, values[0], element), target(inner, values[1], inner.f32());
        Num end = inner.wrap(values[2]), whole = end / inner.lanes() * inner.lanes();
        auto widen = [&](Num i, int64_t width) { (target + i).store((source + i).floats(width)); };
        inner.loop(inner.integer(0), whole, inner.lanes(), [&](Num i) { widen(i, inner.lanes()); });
        inner.loop(whole, end, 1, [&](Num i) { widen(i, 1); });
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
}

/// Where in the sums of a stream function vector v of row i and panel p is.
static size_t sumIndex(const StreamCall &call, const Code &code, size_t p, size_t i, int64_t v) {
  auto vectors = static_cast<size_t>(call.width / code.lanes());
  return (p * call.rows.size() + i) * vectors + static_cast<size_t>(v);
}

/// One pass over columns [begin, end) of the panels: sums[panel][row][vector] += x * column.
/// Columns are scaled by the block of their panel where there are `blocks`.
static void emitStreamColumns(Code &code, const StreamCall &call, Num begin, Num end,
                              ArrayRef<Var> sums, ArrayRef<BlockScales> blocks) {
  Type element = call.panels[0].elementType();
  int64_t columnBytes = call.width * element.getIntOrFloatBitWidth() / 8;
  int64_t unroll = std::max<int64_t>(hasRowScales(element) ? 4 : 1, lineBytes / columnBytes);
  forColumns(code, begin, end, unroll, element, [&](Num k, int64_t count) {
    for (auto [p, panel] : llvm::enumerate(call.panels)) {
      Memory first = panel + k * call.width;
      for (int64_t line = 0; *call.asksAhead && line < count * columnBytes; line += lineBytes) {
        first.prefetch(streamAhead + line);
      }
      auto product = [&, p = p](int64_t c, int64_t v, Num vector) {
        if (!blocks.empty()) {
          vector = blocks[p].apply(vector, v);
        }
        for (auto [i, row] : llvm::enumerate(call.rows)) {
          const Var &sum = sums[sumIndex(call, code, p, i, v)];
          Num x = code.splat((row + (k + c)).floats(), widthOf(vector));
          sum.set(code.fma(x, vector, sum.get()));
        }
      };
      withColumns(code, call.width, first, count, call.tinyCodes, product);
    }
  });
}

/// The sum of elements [begin, end) of a row, `most` of them or fewer.
static Num emitRowSum(Code &code, Memory row, Num begin, Num end, int64_t most) {
  int64_t lanes = code.lanes();
  Var sum = code.variable(code.number(0.0));
  auto oneByOne = [&] {
    code.loop(begin, end, 1, [&](Num k) { sum.set(sum.get() + (row + k).floats()); });
  };
  assert(most % lanes == 0 && "blocks are whole vectors");
  code.when(
      end - begin == most,
      [&] {
        Num vector = (row + begin).floats(lanes);
        for (int64_t at = lanes; at < most; at += lanes) {
          vector = vector + (row + (begin + at)).floats(lanes);
        }
        sum.set(code.sumOf(vector));
      },
      oneByOne);
  return sum.get();
}

/// A block of a stream function: columns [begin, end), of which sums are made in registers.
static void emitStreamBlock(Code &code, const StreamCall &call, Num block, ArrayRef<Var> sums) {
  Type element = call.panels[0].elementType();
  Num begin = block * call.kBlock, end = code.min(begin + call.kBlock, call.count);
  auto blocksAt = [&](Num index) {
    return llvm::map_to_vector(call.scales, [&](Memory scales) {
      return BlockScales::load(code, call.width, element,
                               scales + index * scaleBlockElements(element, call.width));
    });
  };
  if (call.scaledWeights) {
    code.loop(begin, end, call.scaleColumns, [&](Num k) {
      emitStreamColumns(code, call, k, code.min(k + call.scaleColumns, end), sums,
                        blocksAt(k / call.scaleColumns));
    });
  } else {
    emitStreamColumns(code, call, begin, end, sums, {});
  }
  SmallVector<BlockScales> blocks =
      call.scaledWeights ? SmallVector<BlockScales>() : blocksAt(block);
  for (auto [i, row] : llvm::enumerate(call.rows)) {
    bool shifted = !blocks.empty() && !blocks[0].offsets.empty();
    Num ofRow = shifted ? emitRowSum(code, row, begin, end, call.kBlock) : code.number(0.0);
    for (size_t p = 0; p < call.panels.size(); ++p) {
      for (int64_t v = 0; v < call.width / code.lanes(); ++v) {
        Memory to = streamResult(code, call, p, i, v);
        Num sum = sums[sumIndex(call, code, p, i, v)].get(), total = to.floats(code.lanes());
        if (call.tinyCodes) {
          sum = sum * code.splat(code.number(1 / (tinyCodes * tinyRows)), code.lanes());
        }
        if (shifted) {
          total = code.fma(code.splat(ofRow, code.lanes()),
                           blocks[p].offsets[static_cast<size_t>(v)], total);
        }
        to.store(blocks.empty() ? total + sum
                                : code.fma(sum, blocks[p].scales[static_cast<size_t>(v)], total));
      }
    }
  }
}

/// The body of a stream function.
static void emitStream(Code &code, const StreamCall &call) {
  size_t count = call.panels.size() * call.rows.size() * size_t(call.width / code.lanes());
  for (size_t p = 0; p < call.panels.size(); ++p) {
    for (size_t i = 0; i < call.rows.size(); ++i) {
      for (int64_t v = 0; v < call.width / code.lanes(); ++v) {
        streamResult(code, call, p, i, v).store(code.zeros(code.lanes()));
      }
    }
  }
  Num blocks = (call.count + (call.kBlock - 1)) / call.kBlock;
  code.loop(code.integer(0), blocks, 1, [&](Num block) {
    SmallVector<Var> sums;
    for (size_t i = 0; i < count; ++i) {
      sums.push_back(code.variable(code.zeros(code.lanes())));
    }
    emitStreamBlock(code, call, block, sums);
  });
}

Num asksAhead(Code &code) {
  OpBuilder &b = code.builder;
  auto module = b.getBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(plan::asksAheadSymbol);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(b, code.loc, code.i32(), /*isConstant=*/false,
                                    LLVM::Linkage::External, plan::asksAheadSymbol,
                                    b.getI32IntegerAttr(1));
  }
  Value address = LLVM::AddressOfOp::create(b, code.loc, global);
  return !(Memory(code, address, code.i32()).integer() == 0);
}

static void callStreamFunction(Code &code, const StreamCall &call) {
  Type element = call.panels[0].elementType();
  Type rowType = call.rows[0].elementType();
  std::string name = "stream." + (rowType.isF32() ? "" : typeName(rowType) + ".") +
                     typeName(element) + "." + std::to_string(call.rows.size()) + "x" +
                     std::to_string(call.panels.size()) + "x" + std::to_string(call.width) + "." +
                     std::to_string(call.kBlock) +
                     (call.scaledWeights    ? ".scaled" + std::to_string(call.scaleColumns)
                      : call.scales.empty() ? ""
                                            : ".scaled") +
                     (*call.asksAhead ? ".ahead" : "") + (call.tinyCodes ? ".tiny" : "");
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

void callStream(Code &code, const StreamCall &call) {
  if (call.asksAhead) {
    callStreamFunction(code, call);
    return;
  }
  auto with = [&](bool ahead) {
    StreamCall chosen = call;
    chosen.asksAhead = ahead;
    callStreamFunction(code, chosen);
  };
  code.when(asksAhead(code), [&] { with(true); }, [&] { with(false); });
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
    for (int64_t line = 0; line < call.nextBytes; line += lineBytes) {
      (call.next->as(code.i8()) + k * call.nextBytes).prefetch(line);
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
                     (scaled ? ".scaled" : "") +
                     (call.next ? ".next" + std::to_string(call.nextBytes) : "");
  SmallVector<Type> parameters{pointer, pointer, i64, pointer, i64};
  SmallVector<Value> arguments{call.a.address(), call.weight.address(), call.count.value,
                               call.out.address(), call.outStride.value};
  if (scaled) {
    parameters.push_back(pointer);
    arguments.push_back(call.scale->address());
  }
  if (call.next) {
    parameters.push_back(pointer);
    arguments.push_back(call.next->address());
  }
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        auto memory = [&](size_t index) { return Memory(inner, values[index], inner.f32()); };
        TileCall body{memory(0),
                      call.aStride,
                      memory(1),
                      call.weightStride,
                      inner.wrap(values[2]),
                      memory(3),
                      inner.wrap(values[4]),
                      std::nullopt,
                      std::nullopt,
                      call.nextBytes};
        if (scaled) {
          body.scale = memory(5);
        }
        if (call.next) {
          body.next = memory(values.size() - 1);
        }
        emitTile(inner, rows, width, body);
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
}

void forPaddedTiles(Code &code, int64_t mr, Num rows, llvm::function_ref<void(Num, int64_t)> body) {
  int64_t unit = plan::tileUnit(mr);
  Num whole = rows / mr * mr, units = (rows - whole + (unit - 1)) / unit;
  code.loop(code.integer(0), whole, mr, [&](Num i) { body(i, mr); });
  for (int64_t height = unit; height <= mr; height += unit) {
    code.when(units == height / unit, [&] { body(whole, height); });
  }
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
