//===- Checkpoint.cpp - a checkpoint directory ----------------------------===//
//
// Opens config.json and the safetensors files and merges their tensors into one sorted
// list. Where the index and a shard disagree, the index decides which file a tensor
// is read from; a tensor that only a shard knows counts too, as in vLLM and transformers.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Checkpoint.h"

#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Support/File.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace dsv3::checkpoint {

static constexpr std::string_view singleName = "model.safetensors";
static constexpr std::string_view indexName = "model.safetensors.index.json";

static bool fileExists(const std::filesystem::path &path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// Says what stands in a directory instead of safetensors files.
static Failure noWeights(const std::filesystem::path &directory) {
  Failure failure{"expected " + std::string(singleName) + " or " + std::string(indexName) +
                      ", found neither",
                  directory.string(), "is the download complete?"};
  if (fileExists(directory / "pytorch_model.bin") ||
      fileExists(directory / "pytorch_model.bin.index.json")) {
    failure.hint = "the weights are in PyTorch's own format; convert them to safetensors";
  } else if (fileExists(directory / "model-00001-of-000001.safetensors")) {
    failure.hint = "rename model-00001-of-000001.safetensors to model.safetensors";
  }
  return failure;
}

Status Checkpoint::openFile(const std::filesystem::path &path) {
  Expected<SafetensorsFile> file = SafetensorsFile::open(path);
  if (!file) {
    return file.status();
  }
  shards.push_back(*std::move(file));
  return {};
}

/// The names of the files that are missing, the first few of them.
static std::string missingFiles(const std::filesystem::path &directory,
                                const std::set<std::string> &names) {
  constexpr size_t shown = 8;
  std::string text;
  size_t count = 0;
  for (const std::string &name : names) {
    if (!fileExists(directory / name) && ++count <= shown) {
      text += (count == 1 ? "" : ", ") + inQuotes(name);
    }
  }
  if (count > shown) {
    text += " and " + std::to_string(count - shown) + " more";
  }
  return text;
}

Status Checkpoint::openIndexed(const std::filesystem::path &indexPath) {
  Expected<std::string> text = readFile(indexPath, maxIndexBytes);
  if (!text) {
    return text.status();
  }
  Expected<WeightMap> map = parseIndex(*text, indexPath.string());
  if (!map) {
    return map.status();
  }
  std::set<std::string> names;
  for (const auto &[key, name] : *map) {
    names.insert(name);
  }
  if (std::string missing = missingFiles(root, names); !missing.empty()) {
    return Failure{"the index names files that are not there: " + missing, root.string(),
                   "fetch the missing shards"};
  }
  shards.reserve(names.size());
  for (const std::string &name : names) {
    if (Status status = openFile(root / name); !status) {
      return status;
    }
  }

  size_t unlisted = 0, doubled = 0;
  for (size_t file = 0; file < shards.size(); ++file) {
    const std::string name = shards[file].path().filename().string();
    for (const TensorInfo &tensor : shards[file].tensors()) {
      auto listed = map->find(tensor.name);
      if (listed != map->end() && listed->second != name) {
        ++doubled;
        continue;
      }
      unlisted += listed == map->end() ? 1 : 0;
      all.push_back(tensor);
      all.back().file = static_cast<uint32_t>(file);
    }
  }
  std::sort(all.begin(), all.end(),
            [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
  auto twice =
      std::adjacent_find(all.begin(), all.end(),
                         [](const TensorInfo &a, const TensorInfo &b) { return a.name == b.name; });
  if (twice != all.end()) {
    return Failure{"the tensor " + inQuotes(twice->name) + " is in " +
                       inQuotes(fileOf(twice[0]).path().filename().string()) + " and in " +
                       inQuotes(fileOf(twice[1]).path().filename().string()) +
                       ", and the index names neither",
                   root.string(), "fetch the index again"};
  }
  for (const auto &[key, name] : *map) {
    if (find(key) == nullptr) {
      return Failure{"the index says that the tensor " + inQuotes(key) + " is in " +
                         inQuotes(name) + ", but it is not",
                     root.string(),
                     "the index and the shards are of different versions; fetch "
                     "them again"};
    }
  }
  if (unlisted > 0) {
    remarks.push_back(std::to_string(unlisted) +
                      " tensors of the shards are not in the index; they are read all the same");
  }
  if (doubled > 0) {
    remarks.push_back(std::to_string(doubled) +
                      " tensors are also in shards that the index does not name for them; those "
                      "copies are not read");
  }
  return {};
}

void Checkpoint::computeIdentity() {
  Hasher128 hasher;
  hasher.update(uint64_t(config.size()));
  hasher.update(config);
  for (const SafetensorsFile &file : shards) {
    hasher.update(file.headerHash().first);
    hasher.update(file.headerHash().second);
  }
  id = hasher.finish().hex();
}

Expected<std::string> readConfigText(const std::filesystem::path &path) {
  Expected<std::string> text = readFile(path, maxConfigBytes);
  if (text) {
    return text;
  }
  Failure failure = text.failure();
  failure.hint =
      "a model's folder holds config.json beside the weights; is this one, and complete?";
  return failure;
}

Expected<Checkpoint> Checkpoint::open(const std::filesystem::path &directory) {
  try {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
      return Failure{"expected the folder of a checkpoint, found " +
                         std::string(fileExists(directory) ? "a file" : "nothing"),
                     directory.string(),
                     "give the folder that holds config.json and the safetensors files"};
    }
    Checkpoint checkpoint;
    checkpoint.root = directory;
    Expected<std::string> config = readConfigText(directory / "config.json");
    if (!config) {
      return config.failure();
    }
    checkpoint.config = *std::move(config);
    Status status;
    if (fileExists(directory / singleName)) {
      status = checkpoint.openFile(directory / singleName);
      if (status) {
        checkpoint.all = checkpoint.shards.front().tensors();
      }
      if (fileExists(directory / indexName)) {
        checkpoint.remarks.push_back("there are both " + std::string(singleName) + " and " +
                                     std::string(indexName) +
                                     "; the first is read, as transformers does");
      }
    } else if (fileExists(directory / indexName)) {
      status = checkpoint.openIndexed(directory / indexName);
    } else {
      status = noWeights(directory);
    }
    if (!status) {
      return status;
    }
    checkpoint.computeIdentity();
    return checkpoint;
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot open the checkpoint: " + plainMessage(exception), directory.string()};
  }
}

std::string Checkpoint::configWhere() const { return (root / "config.json").string(); }

const TensorInfo *Checkpoint::find(std::string_view key) const {
  auto found = std::lower_bound(
      all.begin(), all.end(), key,
      [](const TensorInfo &tensor, std::string_view name) { return tensor.name < name; });
  return found != all.end() && found->name == key ? &*found : nullptr;
}

Status Checkpoint::map() {
  for (SafetensorsFile &file : shards) {
    if (Status status = file.map(); !status) {
      return status;
    }
  }
  return {};
}

Status Checkpoint::findChange() const {
  for (const SafetensorsFile &file : shards) {
    if (Status status = file.findChange(); !status) {
      return status;
    }
  }
  return {};
}

Status Checkpoint::fetch(const TensorInfo &tensor, uint64_t first, uint64_t count) const {
  Status read = fetchMapped(bytes(tensor).subspan(first, count));
  return read ? read : Failure{read.failure().what, fileOf(tensor).path().string()};
}

} // namespace dsv3::checkpoint
