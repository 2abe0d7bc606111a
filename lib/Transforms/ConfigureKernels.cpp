//===- ConfigureKernels.cpp - configurations from the family table --------===//
//
// The table decides; this pass says what it is asked about and writes the answer
// down, with the reason as a remark. Knows no formula of any family.
//
//===----------------------------------------------------------------------===//
#include "Common.h"
#include "dsv3/Transforms/KernelFacts.h"

#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVectorExtras.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_CONFIGUREKERNELS
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct ConfigureKernels : impl::ConfigureKernelsBase<ConfigureKernels> {
  using ConfigureKernelsBase::ConfigureKernelsBase;

  void runOnOperation() override {
    SmallVector<StringRef> wanted;
    std::vector<std::string> defaults;
    for (const std::string &name : variants) {
      if (!plan::isVariant(name)) {
        getOperation().emitError("unknown variant '")
            << name << "'; expected " << plan::variantList();
        return signalPassFailure();
      }
      wanted.push_back(name);
    }
    if (wanted.empty()) {
      defaults = plan::variantsFor(activationsOf(getOperation()));
      wanted.append(defaults.begin(), defaults.end());
    }
    if (!plan::warpGroupsFromName(tensorCores)) {
      getOperation().emitError("expected mma or wgmma for tensor-cores, found '")
          << tensorCores << "'";
      return signalPassFailure();
    }
    auto policy = getOperation()->getAttrOfType<StringAttr>(graph::policyAttrName);
    bool cpus = llvm::any_of(wanted, [](StringRef name) { return plan::findCpuVariant(name); });
    if (cpus && policy && policy != "f32") {
      getOperation().emitError("CPUs have code for precision policy f32 alone, found ")
          << policy << "; hint: leave --policy out, or stop after phase kernels";
      return signalPassFailure();
    }
    for (auto definition : getOperation().getOps<kern::DefOp>()) {
      if (failed(configure(definition, wanted))) {
        return signalPassFailure();
      }
    }
    mergeEqual();
  }

  static DType activationsOf(ModuleOp module) {
    auto name = module->getAttrOfType<StringAttr>(graph::activationsAttrName);
    return name ? plan::activationsFromName(name.getValue()).value_or(DType::F32) : DType::F32;
  }

  static remark::RemarkOpts optionsFor(kern::DefOp definition) {
    return remark::RemarkOpts::name("configure")
        .category(remarkCategory)
        .function(definition.getSymName());
  }

  LogicalResult configure(kern::DefOp definition, ArrayRef<StringRef> wanted) {
    std::optional<plan::Family> family =
        definition.getFamily() ? plan::familyFromName(*definition.getFamily()) : std::nullopt;
    if (!family) {
      return definition.emitError("expected a kernel of a known family, found '")
             << definition.getFamily().value_or("none") << "'; run convert-dsv3-to-kern first";
    }
    FailureOr<plan::KernelFacts> facts = kernelFacts(definition);
    if (failed(facts)) {
      return failure();
    }
    facts->warpGroups = *plan::warpGroupsFromName(tensorCores);
    Builder builder(&getContext());
    SmallVector<NamedAttribute> configs;
    for (StringRef variant : wanted) {
      plan::Configuration choice = plan::chooseConfig(*family, variant, *facts);
      if (!choice.legal) {
        return definition.emitError("kernel @")
               << definition.getSymName() << " has no configuration for " << variant << ": "
               << choice.reason;
      }
      SmallVector<NamedAttribute> fields;
      for (const auto &field : choice.fields) {
        fields.push_back(builder.getNamedAttr(field.name, builder.getI64IntegerAttr(field.value)));
      }
      const plan::TileCount &tiles = choice.tiles;
      fields.push_back(builder.getNamedAttr(
          "tiles", builder.getDenseI64ArrayAttr(
                       {tiles.size, tiles.factor, tiles.divisor, tiles.times, tiles.plus})));
      fields.push_back(
          builder.getNamedAttr("scratch", builder.getI64IntegerAttr(choice.scratchBytes)));
      configs.push_back(builder.getNamedAttr(variant, builder.getDictionaryAttr(fields)));
      remark::analysis(definition.getLoc(), optionsFor(definition))
          << sentence("{0}: {1}", variant, choice.reason);
    }
    definition.setConfigsAttr(builder.getDictionaryAttr(configs));
    return success();
  }

  /// `maxima`, raised to those of `more`: a kernel's bounds are the most of all its entries.
  ArrayAttr raised(ArrayAttr maxima, ArrayAttr more) {
    if (!maxima || !more) {
      return maxima ? maxima : more;
    }
    llvm::MapVector<StringAttr, graph::SizeAttr> sizes;
    for (auto size : llvm::concat<const Attribute>(maxima, more)) {
      auto wanted = cast<graph::SizeAttr>(size);
      graph::SizeAttr &known = sizes[wanted.getName()];
      known = known && known.getMax() > wanted.getMax() ? known : wanted;
    }
    return Builder(&getContext())
        .getArrayAttr(
            llvm::map_to_vector(sizes, [](const auto &size) -> Attribute { return size.second; }));
  }

  /// One definition of those that differ in name and maxima alone.
  void mergeEqual() {
    ModuleOp module = getOperation();
    SmallVector<kern::DefOp> kept;
    llvm::StringMap<StringRef> renamed;
    for (auto definition : llvm::make_early_inc_range(module.getOps<kern::DefOp>())) {
      auto same = llvm::find_if(kept, [&](kern::DefOp other) {
        return other.getKindAttr() == definition.getKindAttr() &&
               other.getConfigsAttr() == definition.getConfigsAttr() &&
               OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &definition.getBody(),
                                                          OperationEquivalence::IgnoreLocations);
      });
      if (same == kept.end()) {
        kept.push_back(definition);
        continue;
      }
      remark::passed(definition.getLoc(), optionsFor(definition))
          << sentence("one kernel with @{0}, which is equal", same->getSymName());
      same->setMaximaAttr(raised(same->getMaximaAttr(), definition.getMaximaAttr()));
      renamed[definition.getSymName()] = same->getSymName();
      definition.erase();
    }
    module.walk([&](kern::LaunchOp launch) {
      auto found = renamed.find(launch.getCallee());
      if (found != renamed.end()) {
        launch.setCallee(found->second);
      }
    });
  }
};
} // namespace
} // namespace dsv3
