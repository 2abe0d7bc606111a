//===- Bundle.cpp - writes a bundle ---------------------------------------===//
#include "Bundle.h"

#include "../WriteFile.h"
#include "AtInterrupt.h"
#include "CpuObject.h"
#include "DumpPhase.h"
#include "Precompile.h"
#include "dsv3/Checkpoint/AsideFolder.h"
#include "dsv3/Checkpoint/PublishFolder.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/FileWriting.h"
#include "dsv3/Support/Hash.h"
#include "dsv3/Target/Cuda.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <filesystem>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace mlir;

namespace dsv3::compile {

/// The module of phase configured, in a bundle whose kernels name its lines.
static constexpr const char *moduleFileName = "configured.mlir";

/// A file of `folder` that no bundle has; empty if there is none. Kernels and packed weights are
/// a bundle's, by their names.
static fs::path foreignFile(const fs::path &folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    bool own = name == plan::planFileName || name == plan::configFileName ||
               name == plan::checkpointFileName || name == moduleFileName ||
               name.ends_with(plan::objectFileEnding) || name.ends_with(plan::textFileEnding) ||
               name == plan::cubinFolderName || name.starts_with(plan::packedFilePrefix);
    if (!own) {
      return name;
    }
  }
  return {};
}

/// The place of a bundle of that name: where a link leads, since the bundle is replaced, not the
/// link.
static Expected<fs::path> targetOf(const std::string &path) {
  fs::path target = fs::path(path).lexically_normal();
  if (!target.has_filename()) { // "bundle/"
    target = target.parent_path();
  }
  std::error_code error;
  if (!fs::is_symlink(target, error)) {
    return target;
  }
  fs::path place = fs::canonical(target, error);
  if (error) {
    return Failure{"the link leads to no folder: " + error.message(), target.string(),
                   "remove the link, or give the name of the folder itself"};
  }
  return place;
}

/// That a bundle can take the place: nothing else lies there, and what is above it is a folder in
/// which one may write, or can be made.
static Status checkTarget(const fs::path &target) {
  std::error_code error;
  if (fs::symlink_status(target, error).type() == fs::file_type::none) {
    return cannotWrite(target, error); // too long a name, say
  }
  if (fs::exists(target, error) &&
      (!fs::is_directory(target, error) ||
       (!fs::is_empty(target, error) && !fs::exists(target / plan::planFileName, error)))) {
    return Failure{"is there already and is no bundle", target.string(),
                   "choose another place with -o, or remove it"};
  }
  // A bundle is replaced as a whole: what else lies there would be lost.
  if (fs::path foreign = foreignFile(target); !foreign.empty()) {
    return Failure{"holds '" + foreign.string() + "', which is no file of a bundle",
                   target.string(), "choose another place with -o, or move it away"};
  }
  fs::path folder = folderOf(target);
  while (fs::symlink_status(folder, error).type() == fs::file_type::not_found) {
    folder = folderOf(folder);
  }
  if (!fs::is_directory(folder, error)) {
    return cannotWrite(target, error ? error : std::make_error_code(std::errc::not_a_directory));
  }
  return access(folder.c_str(), W_OK | X_OK) == 0
             ? Status()
             : cannotWrite(target, {errno, std::generic_category()});
}

Status checkBundlePlace(const std::string &path) {
  Expected<fs::path> target = targetOf(path);
  return target ? checkTarget(*target) : target.status();
}

/// Prints the kernels for a kind of GPU into `directory`, and compiles them if the parts say so.
static Status addGpuVariant(ModuleOp module, plan::Variant &variant, const fs::path &directory,
                            const BundleParts &parts) {
  FailureOr<std::vector<plan::KernelText>> kernels =
      cuda::printKernels(module, *plan::findGpuVariant(variant.name),
                         parts.lineInfo ? cuda::LineInfo::OfModule : cuda::LineInfo::None);
  if (failed(kernels)) {
    return Failure{"no code for " + variant.name, "", "see the message above"};
  }
  std::string file = plan::joinKernelTexts(variant.name, *kernels);
  variant.checksum = hash128(std::string_view(file)).hex();
  Status written = writeFile(directory / variant.object, file);
  if (written && !parts.dump.empty()) {
    written = compile::dump(parts.dump, Phase::Emitted, "-" + variant.name + ".cu", file);
  }
  return written && parts.precompile
             ? precompile(*kernels, variant.name, directory / plan::cubinFolderName)
             : written;
}

/// Writes the module into `directory`, and gives it back as it is read from there: with lines of
/// the file as places.
static Expected<OwningOpRef<ModuleOp>> addModule(ModuleOp module, const fs::path &directory) {
  std::string text = textOf(module);
  if (Status written = writeFile(directory / moduleFileName, text); !written) {
    return written;
  }
  OwningOpRef<ModuleOp> read =
      parseSourceString<ModuleOp>(text, module.getContext(), moduleFileName);
  if (!read) {
    return Failure{"the text of the module cannot be read again", "--line-info",
                   "leave it out, and please report it"};
  }
  return read;
}

Status writeBundle(ModuleOp module, BundleParts parts, const std::string &path) {
  Expected<fs::path> place = targetOf(path);
  if (Status free = place ? checkTarget(*place) : place.status(); !free) {
    return free;
  }
  const fs::path &target = *place;
  std::error_code error;
  fs::create_directories(folderOf(target), error);
  if (error) {
    return cannotWrite(target, error);
  }
  checkpoint::AsideFolder aside(folderOf(target));
  error = aside.error();
  fs::path draft = aside.path() / "bundle";
  if (!error) {
    fs::create_directory(draft, error);
  }
  if (error) {
    return cannotWrite(target, error);
  }
  AtInterrupt interrupt([&] { aside.remove(); });
  OwningOpRef<ModuleOp> placed;
  if (parts.lineInfo) {
    Expected<OwningOpRef<ModuleOp>> read = addModule(module, draft);
    if (!read) {
      return read.status();
    }
    placed = *std::move(read);
  }
  std::vector<CpuObject> objects;
  for (auto [index, variant] : llvm::enumerate(parts.plan.variants)) {
    // What is left takes seconds each, of CPUs until their threads have compiled.
    llvm::errs() << "making code for " << variant.name << ", " << index + 1 << " of "
                 << parts.plan.variants.size() << '\n';
    if (plan::findGpuVariant(variant.name)) {
      if (Status added = addGpuVariant(placed ? *placed : module, variant, draft, parts); !added) {
        return added;
      }
      continue;
    }
    Expected<CpuObject> object = CpuObject::start(module, variant, parts.dump);
    if (!object) {
      return object.status();
    }
    objects.push_back(*std::move(object));
  }
  // The linker sets up LLVM once more, which threads that compile should not meet.
  for (CpuObject &object : objects) {
    object.wait();
  }
  for (CpuObject &object : objects) {
    if (Status finished = object.finish(draft); !finished) {
      return finished;
    }
  }
  if (Status written = writeFile(draft / plan::planFileName, plan::serialise(parts.plan));
      !written) {
    return written;
  }
  if (Status written = writeFile(draft / plan::configFileName, parts.configText); !written) {
    return written;
  }
  if (!parts.checkpoint.empty()) {
    if (Status written = writeFile(draft / plan::checkpointFileName, parts.checkpoint + "\n");
        !written) {
      return written;
    }
  }
  // What was there comes aside, and is removed with it.
  auto whole = interrupt.hold();
  error = checkpoint::publishFolder(draft, target);
  aside.remove();
  return error ? Status(cannotWrite(target, error)) : Status();
}

} // namespace dsv3::compile
