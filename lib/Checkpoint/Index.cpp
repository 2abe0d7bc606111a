//===- Index.cpp - model.safetensors.index.json ---------------------------===//
//
// Reads the weight map of a sharded checkpoint. The file names come from a stranger:
// only plain names are let through, never a path.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/Json.h"

#include <set>

namespace dsv3::checkpoint {

/// Most shards of a checkpoint: each keeps a file open. The 671B model has 163.
static constexpr size_t maxShards = 8192;

static bool isPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

static Expected<WeightMap> parseWeightMap(std::string_view text, const std::string &where) {
  const char *hint = "the index is damaged; fetch it again";
  Expected<Json> document = parseJson(text, where);
  if (!document) {
    return document.failure();
  }
  if (!document->is_object()) {
    return Failure{"expected an object with a weight_map, found " + describe(*document), where,
                   hint};
  }
  auto found = document->find("weight_map");
  if (found == document->end() || !found->is_object()) {
    return Failure{"expected an object weight_map of tensor keys and file names, found " +
                       (found == document->end() ? "none" : describe(*found)),
                   where, hint};
  }
  WeightMap result;
  std::set<std::string_view> names;
  for (const auto &[key, value] : found->items()) {
    if (!value.is_string()) {
      return Failure{"expected weight_map[" + inQuotes(key) + "] to name a file, found " +
                         describe(value),
                     where, hint};
    }
    const auto &name = value.get_ref<const std::string &>();
    if (!isPlainName(name)) {
      return Failure{"weight_map[" + inQuotes(key) + "] names the file " + inQuotes(name) +
                         ", which is not a plain file name",
                     where, "shards must lie beside the index"};
    }
    names.insert(name);
    if (names.size() > maxShards) {
      return Failure{"weight_map names more than " + std::to_string(maxShards) + " files", where,
                     "merge the shards into fewer files"};
    }
    result.emplace_hint(result.end(), key, name);
  }
  if (result.empty()) {
    return Failure{"weight_map is empty", where, hint};
  }
  return result;
}

Expected<WeightMap> parseIndex(std::string_view json, const std::string &where) {
  try {
    return parseWeightMap(json, where);
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot read the index: " + plainMessage(exception), where};
  }
}

} // namespace dsv3::checkpoint
