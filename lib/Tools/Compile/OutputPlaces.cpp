//===- OutputPlaces.cpp - where a compilation may write -------------------===//
#include "OutputPlaces.h"

#include "Bundle.h"
#include "DumpPhase.h"
#include "dsv3/Checkpoint/OutputCheck.h"
#include "dsv3/Checkpoint/OutputFile.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/FileWriting.h"

#include <filesystem>

namespace fs = std::filesystem;

namespace dsv3::compile {

static constexpr const char *remarksFlag = "--remarks-output-file", *dumpFlag = "--dump-phases";

/// "bundle/" is "bundle".
static fs::path withoutSlash(const fs::path &folder) {
  return folder.has_filename() ? folder : folder.parent_path();
}

/// A bundle is replaced as a whole, and holds nothing but its own files.
static Status checkBeside(const OutputPlaces &places) {
  fs::path bundle = withoutSlash(places.bundle);
  auto check = [&](const std::string &flag, const std::string &output, const fs::path &folder) {
    if (output.empty() || bundle.empty() || !isSameFile(folder, bundle)) {
      return Status();
    }
    return Status(Failure{"expected a place outside of the bundle that -o names",
                          flag + " " + output, "choose another name"});
  };
  Status remarks = check(remarksFlag, places.remarks, folderOf(places.remarks));
  return remarks ? check(dumpFlag, places.dump, withoutSlash(places.dump)) : remarks;
}

Status checkPlaces(const OutputPlaces &places, const ModelInput &input, const std::string &config) {
  std::vector<fs::path> files{config};
  std::string what = "the configuration";
  if (input.checkpoint) {
    files = checkpoint::filesOf(input.checkpoint->checkpoint);
    what = "the checkpoint";
  }
  for (const fs::path &dumped :
       places.dump.empty() ? std::vector<fs::path>() : dumpedFiles(places.dump)) {
    if (Status free = checkpoint::checkOutput(dumpFlag, dumped, files, what); !free) {
      return free;
    }
  }
  if (Status beside = checkBeside(places); !beside) {
    return beside;
  }
  if (Status free = places.bundle.empty() ? Status() : checkBundlePlace(places.bundle); !free) {
    return free;
  }
  if (places.remarks.empty()) {
    return {};
  }
  if (Status free = checkpoint::checkOutput(remarksFlag, places.remarks, files, what); !free) {
    return free;
  }
  // A pipe's reader would take this for the end.
  std::error_code error;
  fs::file_status there = fs::status(places.remarks, error);
  return fs::exists(there) && !fs::is_regular_file(there)
             ? Status()
             : checkpoint::OutputFile::create(places.remarks, 0).status();
}

} // namespace dsv3::compile
