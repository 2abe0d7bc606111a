//===- Pipelines.cpp - the phases of compilation --------------------------===//
#include "dsv3/Pipelines/Pipelines.h"

#include "dsv3/Conversion/Passes.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Transforms/Passes.h"

using namespace mlir;

namespace dsv3 {

//===----------------------------------------------------------------------===//
// graph: what is computed, with which precision, for which steps
//===----------------------------------------------------------------------===//

static void addGraphPhase(OpPassManager &manager, const PipelineOptions &options) {
  // First of all: every pass after it, the policy's too, may rely on the types of weights.
  manager.addPass(createEncodeWeights({options.weights, options.head}));
  // Products one by one: what lies between those of an expert has a precision of its own.
  manager.addPass(createLowerExperts());
  if (options.observeInputs) {
    // While each weight has its own product, and before there are several copies of it.
    manager.addPass(createObserveInputs());
  }
  // Before absorption, which differs between entries.
  manager.addPass(createMakeEntryPoints({options.rows, options.chunk}));
  manager.addPass(createAbsorbMla());
  // Last: they see every product, and every pass of later phases may rely on the types.
  manager.addPass(createSetPrecision({options.policy, options.cacheType}));
  manager.addPass(createNarrowActivations({options.activations}));
}

//===----------------------------------------------------------------------===//
// fused: what is one launch
//===----------------------------------------------------------------------===//

static void addFusedPhase(OpPassManager &manager) {
  // Rewrites on the model, before anything is grouped.
  manager.addPass(createMergeProjections());
  // No choice: rotations have a core op with their append alone.
  manager.addPass(createLowerRopeAppend());
  // Groups. Where two could take the same op the earlier one has it: an addition
  // rather goes with the norm that reads it than into the product that gives it.
  manager.addPass(createFuseResidualNorm());
  manager.addPass(createFuseExperts());
  manager.addPass(createFuseGemmEpilogue());
  // Everything left alone becomes a kernel too.
  manager.addPass(createOutlineKernels());
}

/// Whether all code is for warp groups: others expand keys as they go.
static bool onWarpGroups(const PipelineOptions &options) {
  return !options.variants.empty() && options.tensorCores != "mma" &&
         llvm::all_of(options.variants,
                      [](const std::string &name) { return name == plan::variantSm90a; });
}

/// In how many parts the keys of a token are divided. For CPUs as the pass has it. On a GPU 16 or
/// more heads are a block, and each of some 130 multiprocessors wants one, of which many tokens
/// have enough; steps of one token and of a few share the kernel that combines. Warp groups have 64
/// heads in a block, so that of a long text they want more parts. What a part of 64 heads leaves is
/// written and read again, as many bytes as four pages have: of a lone token short parts are worth
/// that, of several, which are more blocks, longer ones. Parts are of the IR: code for CPUs in such
/// a bundle has as many.
static SplitAttentionOptions splitting(const PipelineOptions &options) {
  bool onGpu = llvm::any_of(options.variants,
                            [](const std::string &name) { return plan::findGpuVariant(name); });
  SplitAttentionOptions made;
  if (onWarpGroups(options)) {
    made.lonePieces = 8192, made.mostParts = 128, made.partPages = 2;
  } else if (onGpu) {
    made.lonePieces = 1024, made.mostParts = 64;
  }
  return made;
}

/// Whether some code is for CPUs.
static bool onCpu(const std::vector<std::string> &variants) {
  return variants.empty() ||
         llvm::any_of(variants, [](const std::string &name) { return plan::findCpuVariant(name); });
}

void addPhase(OpPassManager &manager, Phase phase, const PipelineOptions &options) {
  switch (phase) {
  case Phase::Import:
    // The importer has made the module.
    break;
  case Phase::Graph:
    addGraphPhase(manager, options);
    break;
  case Phase::Sharded:
    // One rank holds the whole model: nothing to annotate or partition.
    break;
  case Phase::Fused:
    addFusedPhase(manager);
    break;
  case Phase::Kernels:
    manager.addPass(createConvertGraphToKernel());
    manager.addPass(createSplitAttention(splitting(options)));
    if (onWarpGroups(options)) {
      manager.addPass(createExpandLatents());
    }
    if (options.weightsInPlace != plan::inPlaceNone && onCpu(options.variants)) {
      manager.addPass(createReadInPlace({options.weightsInPlace == plan::inPlaceExperts}));
    }
    break;
  case Phase::Configured:
    manager.addPass(createConfigureKernels(
        {SmallVector<std::string>(options.variants.begin(), options.variants.end()),
         options.tensorCores}));
    break;
  case Phase::Planned:
  case Phase::Emitted:
    // No modules: plan::validate checks the one, its loader the other.
    return;
  }
  manager.addPass(createVerifyPhase({name(phase).str()}));
}

} // namespace dsv3
