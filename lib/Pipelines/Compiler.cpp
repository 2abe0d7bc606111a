//===- Compiler.cpp - a model taken through the phases --------------------===//
#include "dsv3/Pipelines/Compiler.h"

#include "Graph/Graph.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace dsv3 {

OwningOpRef<ModuleOp> compileTo(Phase last, MLIRContext &context, const ModelSource &source,
                                const PipelineOptions &options, const PhaseObserver &observer) {
  OwningOpRef<ModuleOp> module =
      import::importModel(context, source.config, source.storedType, source.options);
  if (!module) {
    return nullptr;
  }
  Builder builder(&context);
  if (!source.identity.empty()) {
    (*module)->setAttr(graph::identityAttrName, builder.getStringAttr(source.identity));
  }
  if (source.config.quantization) {
    (*module)->setAttr(graph::scaleBlockAttrName,
                       builder.getDenseI64ArrayAttr(source.config.quantization->weightBlockSize));
    if (source.config.quantization->powersOfTwo) {
      (*module)->setAttr(graph::scaleFormatAttrName,
                         builder.getStringAttr(graph::scaleFormatUe8m0));
    }
  }
  for (Phase phase : {Phase::Import, Phase::Graph, Phase::Sharded, Phase::Fused, Phase::Kernels,
                      Phase::Configured}) {
    if (phase > last) {
      break;
    }
    PassManager manager(&context);
    addPhase(manager, phase, options);
    if (failed(manager.run(*module)) || (observer && failed(observer(phase, *module)))) {
      return nullptr;
    }
  }
  return module;
}

} // namespace dsv3
