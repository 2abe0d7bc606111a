//===- CpuObject.cpp - kernels for CPUs in a bundle -----------------------===//
#include "CpuObject.h"

#include "../WriteFile.h"
#include "DumpPhase.h"
#include "dsv3/Support/Hash.h"

using namespace mlir;

namespace fs = std::filesystem;

namespace dsv3::compile {

Status CpuObject::dumpAs(const char *ending, llvm::StringRef code) const {
  return compile::dump(dump, Phase::Emitted, "-" + variant->name + ending, code);
}

Expected<CpuObject> CpuObject::start(ModuleOp module, plan::Variant &variant,
                                     const std::string &dump) {
  const plan::CpuVariant &cpu = *plan::findCpuVariant(variant.name);
  OwningOpRef<ModuleOp> code = cpu::emitKernels(module, cpu);
  if (!code) {
    return Failure{"no code for " + variant.name, "", "see the message above"};
  }
  CpuObject object(variant, dump);
  if (!dump.empty()) {
    object.text = std::make_unique<cpu::CodeText>();
    if (Status dumped = object.dumpAs(".mlir", textOf(*code)); !dumped) {
      return dumped;
    }
  }
  Expected<cpu::ObjectCompiler> compiler = cpu::lowerKernels(std::move(code), cpu);
  if (!compiler) {
    return compiler.failure();
  }
  object.bytes = std::async([compiler = *std::move(compiler), text = object.text.get()]() mutable {
    return compiler(text);
  });
  return object;
}

Status CpuObject::finish(const fs::path &directory) {
  Expected<std::string> object = bytes.get();
  if (!object) {
    return object.status();
  }
  if (text) {
    for (auto [ending, code] : {std::pair(".ll", &text->llvm), std::pair(".s", &text->assembly)}) {
      if (Status dumped = dumpAs(ending, *code); !dumped) {
        return dumped;
      }
    }
  }
  Expected<std::string> linked = cpu::linkSharedObject(*object);
  if (!linked) {
    Failure failure = linked.failure();
    failure.where = (directory / variant->object).string();
    return failure;
  }
  variant->checksum = hash128(*linked).hex();
  return writeFile(directory / variant->object, *linked);
}

} // namespace dsv3::compile
