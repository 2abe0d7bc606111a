//===- MicroKernels.cpp - inner loops that kernels share ------------------===//
#include "MicroKernels.h"

#include "Graph/ShapeCheck.h"

#include "dsv3/Plan/Scratch.h"

#include "mlir/IR/BuiltinOps.h"

#include <functional>

using namespace mlir;

namespace dsv3::cpu {

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

void callShared(Code &code, StringRef name, ArrayRef<Memory> memories, ArrayRef<Num> numbers,
                llvm::function_ref<void(Code &, ArrayRef<Memory>, ArrayRef<Num>)> body) {
  SmallVector<Value> arguments;
  for (const Memory &memory : memories) {
    arguments.push_back(memory.address());
  }
  for (Num number : numbers) {
    arguments.push_back(number.value);
  }
  SmallVector<Type> parameters =
      llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        SmallVector<Memory> innerMemories;
        SmallVector<Num> innerNumbers;
        for (auto [memory, value] : llvm::zip(memories, values)) {
          innerMemories.emplace_back(inner, value, memory.elementType());
        }
        for (Value value : values.drop_front(memories.size())) {
          innerNumbers.push_back(inner.wrap(value));
        }
        body(inner, innerMemories, innerNumbers);
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
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

void callExpand(Code &code, const PanelForm &form, Memory from, Memory to, Num count,
                std::optional<Memory> scales, int64_t scaleColumns) {
  Type element = from.elementType();
  int64_t width = form.width;
  std::string name = "expand." + graph::spell(element) + "." + std::to_string(width);
  if (form.rowStride > 0) {
    name += ".rows" + std::to_string(form.rowStride);
  }
  SmallVector<Memory> memories{from, to};
  if (scales) {
    name += ".scaled" + std::to_string(scaleColumns);
    memories.push_back(*scales);
  }
  callShared(code, name, memories, {count}, [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
    Memory source = of[0], target = of[1];
    auto columns = [&](Num begin, Num end, const BlockScales *block) {
      int64_t together = columnsTogether(form, element);
      forColumns(inner, form, begin, end, together, element, [&](Num k, int64_t n) {
        withColumns(inner, form, form.columns(source, k), n, {},
                    [&](int64_t c, int64_t v, Num vector) {
                      (target + (k + c) * width + v * widthOf(vector))
                          .store(block ? block->apply(vector, v) : vector);
                    });
      });
    };
    if (!scales) {
      columns(inner.integer(0), n[0], nullptr);
      return;
    }
    forScales(inner, inner.integer(0), n[0], scaleColumns, width, element, of[2],
              [&](Num begin, Num blockEnd, const BlockScales &block) {
                columns(begin, blockEnd, &block);
              });
  });
}

void callWiden(Code &code, Memory from, Memory to, Num count) {
  callShared(
      code, "widen." + graph::spell(from.elementType()), {from, to}, {count},
      [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
        Num end = n[0], whole = end / inner.lanes() * inner.lanes();
        auto widen = [&](Num i, int64_t width) { (of[1] + i).store((of[0] + i).floats(width)); };
        inner.loop(inner.integer(0), whole, inner.lanes(), [&](Num i) { widen(i, inner.lanes()); });
        inner.loop(whole, end, 1, [&](Num i) { widen(i, 1); });
      });
}

/// The columns of a tile as vectors: [begin, width) each.
static SmallVector<std::pair<int64_t, int64_t>> vectorsOf(int64_t width, int64_t lanes) {
  SmallVector<std::pair<int64_t, int64_t>> vectors;
  for (int64_t begin = 0; begin < width; begin += lanes) {
    vectors.push_back({begin, std::min(lanes, width - begin)});
  }
  return vectors;
}

/// Bytes of a column of what a tile asks for.
static int64_t columnBytes(const TileCall &call) {
  return call.nextForm.width * int64_t(call.next->elementType().getIntOrFloatBitWidth()) / 8;
}

/// Asks for as many bytes as column k has, one after the other of the panel; of rows in place,
/// which lie apart, those of one row after the other.
static void askForColumn(const TileCall &call, Num k) {
  int64_t bytes = columnBytes(call);
  Memory from = call.next->as(k.code->i8());
  if (call.nextForm.rowStride == 0) {
    from = from + k * bytes;
  } else {
    int64_t rowBytes = call.nextForm.rowStride * bytes / call.nextForm.width;
    from = from + (k % call.nextForm.width * rowBytes + k / call.nextForm.width * bytes);
  }
  for (int64_t line = 0; line < bytes; line += lineBytes) {
    from.prefetch(line, Cache::First);
  }
}

/// The body of a tile function.
static void emitTile(Code &code, int64_t rows, int64_t width, const TileCall &call) {
  auto vectors = vectorsOf(width, code.lanes());
  SmallVector<Var> sums;
  auto outAt = [&](int64_t i, int64_t begin) { return call.out + call.outStride * i + begin; };
  for (int64_t i = 0; i < rows; ++i) {
    for (auto [begin, lanes] : vectors) {
      Num first = call.goesOn ? outAt(i, begin).floats(lanes) : code.zeros(lanes);
      sums.push_back(code.variable(first));
    }
  }
  code.loop(code.integer(0), call.count, 1, [&](Num k) {
    SmallVector<Num> column;
    for (auto [begin, lanes] : vectors) {
      column.push_back((call.weight + k * call.weightStride + begin).floats(lanes));
    }
    if (call.next) {
      askForColumn(call, k);
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
      Memory to = outAt(i, begin);
      Num sum = sums[static_cast<size_t>(i) * vectors.size() + v].get();
      if (call.goesOn) {
        to.store(sum);
        continue;
      }
      Num before = to.floats(lanes);
      to.store(call.scale ? code.fma(sum, (*call.scale + begin).floats(lanes), before)
                          : before + sum);
    }
  }
}

void callTile(Code &code, int64_t rows, int64_t width, const TileCall &call) {
  assert(!(call.scale && call.goesOn) && "what was summed before is not scaled");
  std::string name = "tile." + std::to_string(rows) + "x" + std::to_string(width) + "." +
                     std::to_string(call.aStride) + "." + std::to_string(call.weightStride) +
                     (call.scale ? ".scaled" : "") + (call.goesOn ? ".goeson" : "") +
                     (call.next ? ".next" + std::to_string(columnBytes(call)) + "." +
                                      std::to_string(call.nextForm.rowStride)
                                : "");
  SmallVector<Memory> memories{call.a, call.weight, call.out};
  for (const std::optional<Memory> &more : {call.scale, call.next}) {
    if (more) {
      memories.push_back(*more);
    }
  }
  callShared(code, name, memories, {call.count, call.outStride},
             [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
               TileCall body = call;
               body.a = of[0], body.weight = of[1], body.out = of[2];
               body.count = n[0], body.outStride = n[1];
               if (call.scale) {
                 body.scale = of[3];
               }
               if (call.next) {
                 body.next = of.back();
               }
               emitTile(inner, rows, width, body);
             });
}

void clear(Code &code, Memory memory, Num count) {
  code.loop(code.integer(0), count, code.lanes(),
            [&](Num i) { (memory + i).store(code.zeros(code.lanes())); });
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
  for (int64_t height : {8, 6, 4, 3, 2, 1}) {
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

void forGroups(Code &code, int64_t least, int64_t most, Num rows,
               llvm::function_ref<void(Num, Num, int64_t)> body) {
  Num groups = (rows + (most - 1)) / most;
  code.loop(code.integer(0), groups, 1, [&](Num group) {
    Num first = group * rows / groups, count = (group + 1) * rows / groups - first;
    std::function<void(int64_t)> ofHeight = [&](int64_t height) {
      auto meet = [&] { body(group, first, height); };
      if (height == most) {
        meet();
      } else {
        code.when(count == height, meet, [&] { ofHeight(height + 1); });
      }
    };
    // Several groups are of half the most, rounded up, or more.
    ofHeight(std::min(least, (most + 1) / 2));
  });
}

} // namespace dsv3::cpu
