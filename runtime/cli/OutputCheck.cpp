//===- OutputCheck.cpp - outputs do not replace what is read --------------===//
#include "runtime/cli/OutputCheck.h"

#include "dsv3/Checkpoint/OutputCheck.h"
#include "dsv3/Plan/Names.h"

#include <vector>

namespace dsv3::cli {

Status checkOutput(const std::string &flag, const std::string &output,
                   const checkpoint::Checkpoint &checkpoint) {
  return checkpoint::checkOutput(flag, output, checkpoint::filesOf(checkpoint), "the checkpoint");
}

Status checkOutput(const std::string &flag, const std::string &output, const PromptFlags &prompt) {
  return prompt.ids.starts_with('@')
             ? checkpoint::checkOutput(flag, output, {prompt.ids.substr(1)}, "the prompt")
             : Status();
}

Status checkOutput(const std::string &flag, const std::string &output,
                   const runtime::Bundle &bundle) {
  std::vector<std::filesystem::path> files;
  for (std::string_view name :
       {plan::planFileName, plan::configFileName, plan::checkpointFileName}) {
    files.push_back(bundle.directory() / name);
  }
  for (size_t variant = 0; variant < bundle.plan().variants.size(); ++variant) {
    files.push_back(bundle.objectPath(variant));
    files.push_back(bundle.packedPath(variant));
  }
  return checkpoint::checkOutput(flag, output, files, "the bundle");
}

} // namespace dsv3::cli
