//===- OutputCheck.cpp - outputs do not replace what is read --------------===//
#include "runtime/cli/OutputCheck.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/File.h"

#include <vector>

namespace fs = std::filesystem;

namespace dsv3::cli {

static Status check(const std::string &output, const std::vector<fs::path> &files,
                    const char *what) {
  for (const fs::path &file : files) {
    if (isSameFile(output, file)) {
      return Failure{"expected a place outside of " + std::string(what) +
                         " that is read, found its file " + file.string(),
                     "--output " + output, "choose another name"};
    }
  }
  return {};
}

Status checkOutput(const std::string &output, const checkpoint::Checkpoint &checkpoint) {
  std::vector<fs::path> files;
  for (const checkpoint::SafetensorsFile &file : checkpoint.files()) {
    files.push_back(file.path());
  }
  for (const char *name : {"model.safetensors", "model.safetensors.index.json", "config.json",
                           "generation_config.json", "tokenizer.json", "tokenizer_config.json",
                           "chat_template.jinja"}) {
    files.push_back(checkpoint.directory() / name);
  }
  return check(output, files, "the checkpoint");
}

Status checkOutput(const std::string &output, const runtime::Bundle &bundle) {
  std::vector<fs::path> files;
  for (std::string_view name :
       {plan::planFileName, plan::configFileName, plan::checkpointFileName}) {
    files.push_back(bundle.directory() / name);
  }
  for (size_t variant = 0; variant < bundle.plan().variants.size(); ++variant) {
    files.push_back(bundle.objectPath(variant));
    files.push_back(bundle.packedPath(variant));
  }
  return check(output, files, "the bundle");
}

} // namespace dsv3::cli
