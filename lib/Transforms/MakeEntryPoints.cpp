//===- MakeEntryPoints.cpp - one entry for each bucket of tokens ----------===//
//
// A step of one token, one of a few and one of a chunk want different kernels and
// other forms of attention. Each bucket gets its own copy of the program, with the
// maxima of its sizes, so that arena offsets are constants.
//
//===----------------------------------------------------------------------===//
#include "Common.h"

#include "dsv3/Plan/Names.h"

#include "mlir/IR/IRMapping.h"

#include <set>

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_MAKEENTRYPOINTS
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// A bucket of steps.
struct Bucket {
  StringRef name, role, attention;
  int64_t minTokens, maxTokens;
};

struct MakeEntryPoints : impl::MakeEntryPointsBase<MakeEntryPoints> {
  using MakeEntryPointsBase::MakeEntryPointsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (rows < 1 || chunk < rows) {
      module.emitError("a chunk must hold at least the rows of an absorbed step: found chunk ")
          << int64_t(chunk) << " and rows " << int64_t(rows) << "; raise chunk or lower rows";
      return signalPassFailure();
    }
    SmallVector<Bucket> step{{"decode", plan::roleStep, "absorbed", 1, 1}};
    if (rows > 1) {
      step.push_back({"rows", plan::roleStep, "absorbed", 2, rows});
    }
    step.push_back({"prefill", plan::roleStep, "expanded", 1, chunk});
    SmallVector<func::FuncOp> originals;
    SmallVector<func::FuncOp> entries;
    for (auto function : module.getOps<func::FuncOp>()) {
      (function->hasAttr(graph::entryAttrName) ? entries : originals).push_back(function);
    }
    for (func::FuncOp entry : entries) {
      if (entry->getAttrOfType<DictionaryAttr>(graph::entryAttrName).get(graph::entrySizesKey)) {
        entry.emitError("expected an entry of no bucket yet, found one with sizes; run "
                        "dsv3-make-entry-points once, on an imported module");
        return signalPassFailure();
      }
    }
    for (func::FuncOp entry : entries) {
      auto role = entry->getAttrOfType<DictionaryAttr>(graph::entryAttrName)
                      .getAs<StringAttr>(graph::entryRoleKey);
      if (role.getValue() == StringRef(plan::roleStep)) {
        for (const Bucket &bucket : step) {
          copy(entry, bucket);
        }
      } else {
        copy(entry, {"mtp", plan::roleMtp, "expanded", 1, chunk});
      }
    }
    for (func::FuncOp function : llvm::concat<func::FuncOp>(originals, entries)) {
      function.erase();
    }
    for (auto function : module.getOps<func::FuncOp>()) {
      if (function.getSymName().starts_with("new.")) {
        function.setSymName(function.getSymName().drop_front(4));
      }
      function.walk(
          [](graph::CallLayerOp call) { call.setCallee(call.getCallee().drop_front(4)); });
    }
  }

  /// A copy of `entry` and of the layer functions it calls, under new names (with a
  /// mark until the originals are gone).
  void copy(func::FuncOp entry, const Bucket &bucket) {
    ModuleOp module = getOperation();
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    llvm::StringMap<std::string> copies;
    SmallVector<graph::CallLayerOp> calls;
    entry.walk([&](graph::CallLayerOp call) { calls.push_back(call); });
    llvm::StringMap<std::set<int64_t>> layers;
    for (graph::CallLayerOp call : calls) {
      layers[call.getCallee()].insert(static_cast<int64_t>(call.getLayer()));
    }
    for (graph::CallLayerOp call : calls) {
      StringRef callee = call.getCallee();
      if (copies.contains(callee)) {
        continue;
      }
      auto layer = cast<func::FuncOp>(builder.clone(*module.lookupSymbol(callee)));
      copies[callee] = ("new." + bucket.name + "." + callee).str();
      layer.setSymName(copies[callee]);
      layer->setAttr(graph::attentionAttrName, builder.getStringAttr(bucket.attention));
      layer->setAttr(graph::layersAttrName,
                     builder.getDenseI64ArrayAttr(llvm::to_vector(layers[callee])));
    }
    auto clone = cast<func::FuncOp>(builder.clone(*entry.getOperation()));
    clone.setSymName(("new." + bucket.name).str());
    clone.walk([&](graph::CallLayerOp call) { call.setCallee(copies[call.getCallee()]); });
    auto size = [&](StringRef name) {
      return graph::SizeAttr::get(&getContext(), builder.getStringAttr(name), bucket.maxTokens);
    };
    clone->setAttr(
        graph::entryAttrName,
        builder.getDictionaryAttr(
            {builder.getNamedAttr(graph::entryRoleKey, builder.getStringAttr(bucket.role)),
             builder.getNamedAttr(graph::entryMinTokensKey,
                                  builder.getI64IntegerAttr(bucket.minTokens)),
             builder.getNamedAttr(graph::entryMaxTokensKey,
                                  builder.getI64IntegerAttr(bucket.maxTokens)),
             builder.getNamedAttr(
                 graph::entrySizesKey,
                 builder.getArrayAttr({size(plan::sizeTokens), size(plan::sizeOutputs)}))}));
    remark::analysis(clone.getLoc(),
                     remarkOptions("make-entry-points", clone).function(bucket.name))
        << sentence("entry {0}: {1} to {2} tokens, {3} attention", bucket.name, bucket.minTokens,
                    bucket.maxTokens, bucket.attention);
  }
};
} // namespace
} // namespace dsv3
