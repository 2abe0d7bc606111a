//===- OutputCheck.cpp - outputs do not replace what is read --------------===//
#include "dsv3/Checkpoint/OutputCheck.h"

#include "dsv3/Support/File.h"

namespace fs = std::filesystem;

namespace dsv3::checkpoint {

std::vector<fs::path> filesOf(const Checkpoint &checkpoint) {
  std::vector<fs::path> files;
  for (const SafetensorsFile &file : checkpoint.files()) {
    files.push_back(file.path());
  }
  for (const char *name : {"model.safetensors", "model.safetensors.index.json", "config.json",
                           "generation_config.json", "tokenizer.json", "tokenizer_config.json",
                           "chat_template.jinja"}) {
    files.push_back(checkpoint.directory() / name);
  }
  return files;
}

Status checkOutput(const std::string &flag, const fs::path &output,
                   const std::vector<fs::path> &files, const std::string &what) {
  for (const fs::path &file : files) {
    if (isSameFile(output, file)) {
      return Failure{"expected a place outside of " + what + " that is read, found its file " +
                         file.string(),
                     flag + " " + output.string(), "choose another name"};
    }
  }
  return {};
}

} // namespace dsv3::checkpoint
