//===- Bundle.cpp - what dsv3-compile leaves behind -----------------------===//
#include "runtime/bundle/Bundle.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Excerpt.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Cpu.h"

#include <algorithm>
#include <climits>
#include <system_error>

namespace dsv3::runtime {

/// The plan of the 671B model has a few megabytes.
static constexpr size_t mostPlanBytes = size_t(1) << 30, mostTextBytes = size_t(4) << 20;
static constexpr const char *compileAgain = "compile the bundle again with dsv3-compile";

bool Bundle::isBundle(const std::filesystem::path &directory) {
  std::error_code error;
  return std::filesystem::exists(directory / plan::planFileName, error);
}

static bool isControl(unsigned char character) { return character < ' '; }

/// A file of the bundle; whoever lacks it should compile again.
static Expected<std::string> readPart(const std::filesystem::path &path, size_t limit) {
  Expected<std::string> bytes = readFile(path, limit);
  if (!bytes) {
    Failure failure = bytes.failure();
    failure.hint = compileAgain;
    return failure;
  }
  return bytes;
}

Expected<Bundle> Bundle::open(const std::filesystem::path &directory) {
  Bundle bundle;
  bundle.root = directory;
  Expected<std::string> bytes = readPart(directory / plan::planFileName, mostPlanBytes);
  if (!bytes) {
    return bytes.failure();
  }
  Expected<plan::Plan> plan = plan::parse(*bytes, (directory / plan::planFileName).string());
  if (!plan) {
    return plan.failure();
  }
  bundle.contents = *std::move(plan);
  bundle.hashOfPlan = hash128(*bytes).hex();
  if (Status valid = plan::validate(bundle.contents); !valid) {
    Failure failure = valid.failure();
    failure.where = (directory / plan::planFileName).string();
    return failure;
  }
  if (bundle.contents.families != plan::familyTableHash()) {
    return Failure{"the kernels were made with another table of kernel families (" +
                       bundle.contents.families + ") than this dsv3 has (" +
                       plan::familyTableHash() + ")",
                   directory.string(), compileAgain};
  }
  for (size_t i = 0; i < bundle.contents.variants.size(); ++i) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(bundle.objectPath(i), error)) {
      return Failure{"the kernels of variant " + bundle.contents.variants[i].name + " are missing",
                     bundle.objectPath(i).string(), compileAgain};
    }
  }
  Expected<std::string> config = readPart(directory / plan::configFileName, mostTextBytes);
  if (!config) {
    return config.failure();
  }
  bundle.config = *std::move(config);
  std::error_code error;
  if (std::filesystem::exists(directory / plan::checkpointFileName, error)) {
    Expected<std::string> source = readPart(directory / plan::checkpointFileName, mostTextBytes);
    if (!source) {
      return source.failure();
    }
    while (source->ends_with('\n')) {
      source->pop_back();
    }
    if (source->size() >= PATH_MAX || std::ranges::any_of(*source, isControl)) {
      return Failure{"expected the path of a checkpoint, found '" + excerpt(*source) + "'",
                     (directory / plan::checkpointFileName).string(), compileAgain};
    }
    bundle.source = *source;
  }
  return bundle;
}

Expected<size_t> Bundle::chooseVariant(std::string_view wanted) const {
  std::vector<std::string> names;
  names.reserve(contents.variants.size());
  for (const plan::Variant &variant : contents.variants) {
    names.push_back(variant.name);
  }
  Expected<size_t> chosen = runtime::chooseVariant(names, wanted);
  if (!chosen) {
    Failure failure = chosen.failure();
    failure.where = root.string();
    return failure;
  }
  return chosen;
}

Expected<size_t> Bundle::chooseVariant(const Device &device) const {
  std::vector<std::string_view> names;
  std::string text;
  for (const plan::Variant &variant : contents.variants) {
    names.push_back(variant.name);
    text += (text.empty() ? "" : ", ") + variant.name;
  }
  std::optional<size_t> best = device.preferredVariant(names);
  if (!best) {
    std::string architectures;
    for (const plan::GpuVariant &variant : plan::gpuVariants()) {
      architectures += (architectures.empty() ? "" : ", ") + std::string(variant.name);
    }
    return Failure{"expected kernels for this device (" + device.description() +
                       "), found those for " + text,
                   root.string(),
                   "compile with dsv3-compile --target=cpu,cuda --arch=… for this device: one of " +
                       architectures};
  }
  return *best;
}

std::filesystem::path Bundle::objectPath(size_t variant) const {
  return root / contents.variants[variant].object;
}

std::filesystem::path Bundle::packedPath(size_t variant) const {
  return root / (std::string(plan::packedFilePrefix) + contents.variants[variant].name);
}

Status Bundle::checkIdentity(const checkpoint::Checkpoint &checkpoint) const {
  if (checkpoint.identity() == contents.identity) {
    return config == checkpoint.configText()
               ? Status()
               : Failure{"expected the text of " + checkpoint.configWhere() + ", found another",
                         (root / plan::configFileName).string(), compileAgain};
  }
  return Failure{"the bundle was compiled from another checkpoint (" + contents.identity +
                     ") than the one in " + checkpoint.directory().string() + " (" +
                     checkpoint.identity() + ")",
                 root.string(),
                 "compile it again: dsv3-compile --model " + checkpoint.directory().string() +
                     " -o " + root.string()};
}

} // namespace dsv3::runtime
