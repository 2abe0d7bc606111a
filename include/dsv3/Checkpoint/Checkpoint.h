//===- Checkpoint.h - a checkpoint directory --------------------*- C++ -*-===//
//
// A directory as Hugging Face publishes it: config.json and either model.safetensors
// or model.safetensors.index.json with its shards. Opening reads texts and headers
// only. What the tensors mean is known to ModelConfig.h and TensorMap.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Safetensors.h"
#include "dsv3/Support/Status.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// The `weight_map` of a model.safetensors.index.json: tensor key → file name.
using WeightMap = std::map<std::string, std::string>;

/// Reads an index; `where` names it in a failure. Every file is a plain name: one
/// that could leave the directory is refused.
Expected<WeightMap> parseIndex(std::string_view json, const std::string &where);

/// The text of a config.json, of at most 4 MiB.
Expected<std::string> readConfigText(const std::filesystem::path &path);

/// An open checkpoint. Movable. Const members may be called from several threads;
/// map() may not run beside any other call.
class Checkpoint {
public:
  /// Opens the directory: reads config.json, the index if there is one, and the headers
  /// of all safetensors files. Fails if one is missing, broken, or lacks a tensor
  /// that the index promises.
  static Expected<Checkpoint> open(const std::filesystem::path &directory);

  const std::filesystem::path &directory() const { return root; }
  /// The text of config.json, for parseModelConfig.
  const std::string &configText() const { return config; }
  /// How failures name config.json.
  std::string configWhere() const;

  /// All tensors, sorted by key (byte order).
  std::span<const TensorInfo> tensors() const { return all; }
  /// The tensor of that key, or null.
  const TensorInfo *find(std::string_view key) const;
  /// The safetensors files, sorted by name; TensorInfo::file counts them. Their own
  /// lists of tensors also hold what the index gives to another file.
  std::span<const SafetensorsFile> files() const { return shards; }
  const SafetensorsFile &fileOf(const TensorInfo &tensor) const { return shards[tensor.file]; }

  /// Maps all files. Reads no weights yet.
  Status map();
  /// The bytes of one of tensors(). Precondition: map() succeeded.
  std::span<const std::byte> bytes(const TensorInfo &tensor) const {
    return fileOf(tensor).bytes(tensor);
  }
  /// See SafetensorsFile::read.
  Status read(const TensorInfo &tensor, uint64_t first, std::span<std::byte> to) const {
    return fileOf(tensor).read(tensor, first, to);
  }
  /// Fails if one of the files has changed since it was opened.
  Status findChange() const;
  /// See SafetensorsFile::drop. Precondition: map() succeeded.
  void drop(const TensorInfo &tensor, uint64_t first, uint64_t count) const {
    fileOf(tensor).drop(tensor, first, count);
  }

  /// Reads bytes of a tensor so that no later access waits for them. Fails if its file cannot be
  /// read. Precondition: map() succeeded.
  Status fetch(const TensorInfo &tensor, uint64_t first, uint64_t count) const;

  /// 32 hexadecimal digits that name this checkpoint: a hash of the bytes of
  /// config.json and of the headers of all files (in the order of files()), not of
  /// the weights nor of the files' names.
  const std::string &identity() const { return id; }
  /// Oddities that do no harm, a sentence each, for the user to read.
  std::span<const std::string> notes() const { return remarks; }

private:
  Checkpoint() = default;
  Status openIndexed(const std::filesystem::path &indexPath);
  Status openFile(const std::filesystem::path &path);
  void computeIdentity();

  std::filesystem::path root;
  std::string config;
  std::vector<SafetensorsFile> shards;
  std::vector<TensorInfo> all;
  std::vector<std::string> remarks;
  std::string id;
};

} // namespace dsv3::checkpoint
