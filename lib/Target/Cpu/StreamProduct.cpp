//===- StreamProduct.cpp - few rows times panels as they are read ---------===//
#include "StreamProduct.h"

#include "Graph/Graph.h"
#include "Graph/ShapeCheck.h"
#include "MicroKernels.h"
#include "PanelColumns.h"
#include "Plan/Plan.h"

#include "dsv3/Plan/Names.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace dsv3::cpu {

/// Where a stream function leaves vector v of row i and panel p.
static Memory streamResult(Code &code, const StreamCall &call, size_t p, size_t i, int64_t v) {
  auto index = static_cast<int64_t>(p);
  return call.out + call.outStride * static_cast<int64_t>(i) +
         call.panelStride * (index / call.parts) +
         (index % call.parts * call.width + v * code.lanes());
}

/// Where in the sums of a stream function vector v of row i and panel p is, of the first set.
static size_t sumIndex(const StreamCall &call, const Code &code, size_t p, size_t i, int64_t v) {
  auto vectors = static_cast<size_t>(call.width / code.lanes());
  return (p * call.rows.size() + i) * vectors + static_cast<size_t>(v);
}

/// Sums of a set.
static size_t sumCount(const StreamCall &call, const Code &code) {
  return call.panels.size() * call.rows.size() * size_t(call.width / code.lanes());
}

/// How many bytes ahead a stream function asks for each of its panels.
static int64_t panelAhead(const StreamCall &call) {
  return call.panels.size() == 1 ? bytesAhead : bytesAhead / 4;
}

/// Asks for the scales of the blocks whose columns are asked for in `block`, where each block has
/// lines of its own; of a block that is longer than that, for its own.
static void prefetchScales(const StreamCall &call, Num block, Cache cache) {
  Type element = call.panels[0].elementType();
  int64_t columnBytes = call.width * element.getIntOrFloatBitWidth() / 8;
  for (Memory scales : call.scales) {
    int64_t elements = scaleBlockElements(element, call.width);
    int64_t bytes = elements * scales.elementType().getIntOrFloatBitWidth() / 8;
    int64_t blocks = panelAhead(call) / (call.scaleColumns * columnBytes);
    for (int64_t line = 0; bytes >= lineBytes && line < bytes; line += lineBytes) {
      (scales + block * elements).prefetch(blocks * bytes + line, cache);
    }
  }
}

/// One pass over columns [begin, end) of the panels: sums[panel][row][vector] += x * column.
/// Columns are scaled by the block of their panel where there are `blocks`.
static void emitStreamColumns(Code &code, const StreamCall &call, std::optional<Cache> asked,
                              Num begin, Num end, ArrayRef<Var> sums,
                              ArrayRef<BlockScales> blocks) {
  Type element = call.panels[0].elementType();
  int64_t columnBytes = call.width * element.getIntOrFloatBitWidth() / 8;
  // A word of i4 at a time: of two LLVM would keep some of the sums of 16 registers in memory.
  bool inWords = element.isInteger(4);
  int64_t unroll = inWords ? plan::columnsOfWord
                           : std::max({int64_t(hasRowScales(element) ? 4 : 1),
                                       lineBytes / columnBytes, call.sumSets});
  int64_t ahead = panelAhead(call);
  PanelForm form{call.width};
  auto multiply = [&](Num k, int64_t count, bool readsOn) {
    for (auto [p, panel] : llvm::enumerate(call.panels)) {
      Memory first = panel + k * call.width;
      for (int64_t line = 0; asked && line < count * columnBytes; line += lineBytes) {
        first.prefetch(ahead + line, *asked);
      }
      // The vectors of a column, all of which a row meets before the next row: so one number of a
      // row is in a register at a time.
      SmallVector<Num> column;
      auto product = [&, p = p](int64_t c, int64_t v, Num vector) {
        assert(v == static_cast<int64_t>(column.size()) && "vectors come in order");
        column.push_back(blocks.empty() ? vector : blocks[p].apply(vector, v));
        if (v + 1 < call.width / code.lanes()) {
          return;
        }
        for (auto [i, row] : llvm::enumerate(call.rows)) {
          Num x = code.splat((row + (k + c)).floats(), code.lanes());
          for (auto [of, value] : llvm::enumerate(column)) {
            size_t set = static_cast<size_t>(c % call.sumSets) * sumCount(call, code);
            const Var &sum = sums[set + sumIndex(call, code, p, i, static_cast<int64_t>(of))];
            sum.set(code.fma(x, value, sum.get()));
          }
        }
        column.clear();
      };
      withColumns(code, form, first, count, {call.tinyCodes, readsOn}, product);
    }
  };
  if (inWords) {
    // Behind all words but the last one there are more of the panel.
    Num last = begin + (end - begin - 1) / unroll * unroll;
    code.rolledLoop(begin, last, unroll, [&](Num k) { multiply(k, unroll, true); });
    begin = last;
  }
  forColumns(code, form, begin, end, unroll, element,
             [&](Num k, int64_t count) { multiply(k, count, false); });
}

/// A block of a stream function: columns [begin, end), of which sums are made in registers.
static void emitStreamBlock(Code &code, const StreamCall &call, std::optional<Cache> asked,
                            Num block, ArrayRef<Var> sums) {
  Type element = call.panels[0].elementType();
  Num begin = block * call.kBlock, end = begin + call.kBlock;
  if (!call.wholeBlocks) {
    end = code.min(end, call.count);
  }
  assert(!(call.tinyCodes && call.scaledWeights) && "a row alone is scaled less often");
  // A sum times this is what it means. Of i4 it is in the scales, which as f16 leave room for it.
  double unit = call.tinyCodes ? 1 / (tinyCodes(element) * tinyRows) : 1;
  bool inScales = element.isInteger(4);
  auto blocksAt = [&](Num index) {
    return llvm::map_to_vector(call.scales, [&](Memory scales) {
      return BlockScales::load(code, call.width, element,
                               scales + index * scaleBlockElements(element, call.width),
                               inScales ? unit : 1);
    });
  };
  if (call.scaledWeights) {
    code.loop(begin, end, call.scaleColumns, [&](Num k) {
      emitStreamColumns(code, call, asked, k, code.min(k + call.scaleColumns, end), sums,
                        blocksAt(k / call.scaleColumns));
    });
  } else {
    if (asked) {
      prefetchScales(call, block, *asked);
    }
    emitStreamColumns(code, call, asked, begin, end, sums, {});
  }
  SmallVector<BlockScales> blocks =
      call.scaledWeights ? SmallVector<BlockScales>() : blocksAt(block);
  for (size_t i = 0; i < call.rows.size(); ++i) {
    bool shifted = !blocks.empty() && !blocks[0].offsets.empty();
    assert(shifted == !call.rowSums.empty() && "offsets are times the sums of a row's blocks");
    Num ofRow = shifted ? (call.rowSums[i] + block).floats() : code.number(0.0);
    for (size_t p = 0; p < call.panels.size(); ++p) {
      for (int64_t v = 0; v < call.width / code.lanes(); ++v) {
        Memory to = streamResult(code, call, p, i, v);
        Num sum = sums[sumIndex(call, code, p, i, v)].get(), total = to.floats(code.lanes());
        for (int64_t set = 1; set < call.sumSets; ++set) {
          size_t first = static_cast<size_t>(set) * sumCount(call, code);
          sum = sum + sums[first + sumIndex(call, code, p, i, v)].get();
        }
        if (call.tinyCodes && !inScales) {
          sum = sum * code.splat(code.number(unit), code.lanes());
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
static void emitStream(Code &code, const StreamCall &call, std::optional<Cache> asked) {
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
    for (size_t i = 0; i < sumCount(call, code) * size_t(call.sumSets); ++i) {
      sums.push_back(code.variable(code.zeros(code.lanes())));
    }
    emitStreamBlock(code, call, asked, block, sums);
  });
}

/// Whether the i32 `symbol` of the module, which the runtime sets, is other than 0.
static Num isSet(Code &code, StringRef symbol) {
  OpBuilder &b = code.builder;
  auto module = b.getBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(symbol);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    global = LLVM::GlobalOp::create(b, code.loc, code.i32(), /*isConstant=*/false,
                                    LLVM::Linkage::External, symbol, b.getI32IntegerAttr(1));
  }
  Value address = LLVM::AddressOfOp::create(b, code.loc, global);
  return !(Memory(code, address, code.i32()).integer() == 0);
}

void withAsking(Code &code, bool many, function_ref<void(std::optional<Cache>)> body) {
  code.when(
      isSet(code, plan::asksFirstLevelSymbol), [&] { body(Cache::First); },
      [&] { body(many ? std::optional(Cache::Second) : std::nullopt); });
}

StringRef askingName(std::optional<Cache> cache) {
  return !cache ? "" : *cache == Cache::First ? ".asking1" : ".asking2";
}

Num assistsSubnormals(Code &code) { return isSet(code, plan::assistsSubnormalsSymbol); }

static void callStreamFunction(Code &code, const StreamCall &call, std::optional<Cache> asked) {
  Type element = call.panels[0].elementType();
  Type rowType = call.rows[0].elementType();
  std::string name =
      "stream." + (rowType.isF32() ? "" : graph::spell(rowType) + ".") + graph::spell(element) +
      "." + std::to_string(call.rows.size()) + "x" + std::to_string(call.panels.size()) +
      (call.panels.size() > 1 ? "of" + std::to_string(call.parts) : "") + "x" +
      std::to_string(call.width) + "." + std::to_string(call.kBlock) +
      (call.scaledWeights    ? ".scaled" + std::to_string(call.scaleColumns)
       : call.scales.empty() ? ""
                             : ".scaled") +
      (call.sumSets > 1 ? ".sets" + std::to_string(call.sumSets) : "") +
      (call.wholeBlocks ? "" : ".part") + askingName(asked).str() + (call.tinyCodes ? ".tiny" : "");
  SmallVector<Memory> memories{call.out};
  for (const auto *list : {&call.rows, &call.panels, &call.scales, &call.rowSums}) {
    memories.append(*list);
  }
  callShared(code, name, memories, {call.count, call.outStride, call.panelStride},
             [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
               StreamCall body = call;
               body.count = n[0], body.outStride = n[1], body.panelStride = n[2];
               body.out = of.front();
               ArrayRef<Memory> rest = of.drop_front();
               for (auto *list : {&body.rows, &body.panels, &body.scales, &body.rowSums}) {
                 llvm::copy(rest.take_front(list->size()), list->begin());
                 rest = rest.drop_front(list->size());
               }
               emitStream(inner, body, asked);
             });
}

void callStream(Code &code, const StreamCall &call) {
  DType weight = *planir::dtypeOf(call.panels[0].elementType());
  bool many = call.rows.size() > 1 || plan::expandsInFewRegisters(code.variant, weight);
  withAsking(code, many,
             [&](std::optional<Cache> asked) { callStreamFunction(code, call, asked); });
}

} // namespace dsv3::cpu
