//===- Bundle.cpp - writes a bundle ---------------------------------------===//
#include "Bundle.h"

#include "WriteFile.h"
#include "dsv3/Checkpoint/PublishFolder.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Hash.h"
#include "dsv3/Target/Cpu.h"

#include "llvm/Support/MemoryBuffer.h"

#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace mlir;

namespace dsv3::compile {

/// A directory beside its place. What lies there at the end is removed: the draft that was
/// not published, or what was replaced.
class Draft {
public:
  explicit Draft(fs::path target)
      : target(std::move(target)),
        directory(this->target.string() + ".draft." + std::to_string(getpid())) {}
  ~Draft() {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }
  Draft(const Draft &) = delete;
  Draft &operator=(const Draft &) = delete;

  const fs::path &path() const { return directory; }

  Status create() {
    std::error_code error;
    if (fs::exists(target, error) && !fs::is_empty(target, error) &&
        !fs::exists(target / "plan.dsv3", error)) {
      return Failure{"is there already and is no bundle", target.string(),
                     "choose another place with -o, or remove it"};
    }
    if (target.has_parent_path()) {
      fs::create_directories(target.parent_path(), error);
    }
    // A killed process may have had the same number.
    if (!error) {
      fs::remove_all(directory, error);
    }
    if (!error) {
      fs::create_directory(directory, error);
    }
    return error ? Status(cannotWrite(directory, error)) : Status();
  }

  Status publish() {
    std::error_code error = checkpoint::publishFolder(directory, target);
    return error ? Status(cannotWrite(target, error)) : Status();
  }

private:
  fs::path target, directory;
};

static Status addVariant(ModuleOp module, plan::Variant &variant, const fs::path &directory) {
  const plan::CpuVariant &cpu = *plan::findCpuVariant(variant.name);
  OwningOpRef<ModuleOp> code = cpu::emitKernels(module, cpu);
  if (!code) {
    return Failure{"no code for " + variant.name, "", "see the message above"};
  }
  Expected<std::string> object = cpu::compileObject(std::move(code), cpu);
  if (!object) {
    return object.status();
  }
  fs::path path = directory / variant.object;
  if (Status linked = cpu::linkSharedObject(*object, path.string()); !linked) {
    return linked;
  }
  auto bytes = llvm::MemoryBuffer::getFile(path.string());
  if (!bytes) {
    return Failure{"cannot be read back: " + bytes.getError().message(), path.string(), ""};
  }
  variant.checksum = hash128(std::string_view((*bytes)->getBuffer())).hex();
  return {};
}

Status writeBundle(ModuleOp module, BundleParts parts, const std::string &path) {
  fs::path target = fs::path(path).lexically_normal();
  if (!target.has_filename()) { // "bundle/"
    target = target.parent_path();
  }
  if (std::error_code ignored; fs::is_symlink(target, ignored)) {
    target = fs::weakly_canonical(target, ignored); // the bundle is replaced, not the link
  }
  Draft draft(target);
  if (Status created = draft.create(); !created) {
    return created;
  }
  for (plan::Variant &variant : parts.plan.variants) {
    if (Status added = addVariant(module, variant, draft.path()); !added) {
      return added;
    }
  }
  // Not user input: a plan that is not valid is a mistake of the compiler.
  if (Status valid = plan::validate(parts.plan); !valid) {
    return valid;
  }
  if (Status written = writeFile(draft.path() / "plan.dsv3", plan::serialise(parts.plan));
      !written) {
    return written;
  }
  if (Status written = writeFile(draft.path() / "config.json", parts.configText); !written) {
    return written;
  }
  if (!parts.checkpoint.empty()) {
    if (Status written = writeFile(draft.path() / "checkpoint", parts.checkpoint + "\n");
        !written) {
      return written;
    }
  }
  return draft.publish();
}

} // namespace dsv3::compile
