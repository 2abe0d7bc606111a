//===- SafetensorsWriter.cpp - writing safetensors files ------------------===//
//
// Makes the header, then passes data to its place in an OutputFile while counting it.
// The header is padded with spaces to 8 bytes, as the reference implementation does.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/SafetensorsWriter.h"

#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Checkpoint/OutputFile.h"
#include "dsv3/Checkpoint/Safetensors.h"

#include <array>
#include <cassert>
#include <set>
#include <utility>

namespace dsv3::checkpoint {

/// Keeps OutputFile.h out of the public header.
class SafetensorsWriter::Output {
public:
  OutputFile file;
};

SafetensorsWriter::SafetensorsWriter(std::unique_ptr<Output> output, std::vector<uint64_t> begins)
    : output(std::move(output)), begins(std::move(begins)) {}
SafetensorsWriter::SafetensorsWriter(SafetensorsWriter &&other) noexcept = default;
SafetensorsWriter &SafetensorsWriter::operator=(SafetensorsWriter &&other) noexcept = default;
SafetensorsWriter::~SafetensorsWriter() = default;

/// The bytes of a tensor, or why it cannot be written.
static Expected<uint64_t> checkedBytes(const TensorSpec &spec, const std::string &where) {
  uint64_t bytes = byteSize(spec.dtype);
  for (int64_t size : spec.shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      return Failure{"the tensor " + inQuotes(spec.name) + " has the impossible shape " +
                         shapeText(spec.shape),
                     where};
    }
  }
  return bytes;
}

Expected<SafetensorsWriter> SafetensorsWriter::create(const std::filesystem::path &path,
                                                      std::span<const TensorSpec> tensors,
                                                      const Metadata &metadata) {
  const std::string where = path.string();
  std::string header = "{";
  uint64_t position = 0;
  std::vector<uint64_t> begins{0};
  std::set<std::string_view> names;
  try {
    if (!metadata.empty()) {
      header += "\"__metadata__\":" + Json(metadata).dump() + ",";
    }
    for (const TensorSpec &spec : tensors) {
      if (spec.name == "__metadata__" || !names.insert(spec.name).second) {
        return Failure{"the name " + inQuotes(spec.name) + " is taken", where,
                       "give every tensor a name of its own"};
      }
      Expected<uint64_t> bytes = checkedBytes(spec, where);
      if (!bytes) {
        return bytes.failure();
      }
      uint64_t end = 0;
      if (__builtin_add_overflow(position, *bytes, &end)) {
        return Failure{"the tensors together have too many bytes", where};
      }
      nlohmann::ordered_json entry;
      entry["dtype"] = safetensorsName(spec.dtype);
      entry["shape"] = spec.shape;
      entry["data_offsets"] = {position, end};
      header += Json(spec.name).dump() + ":" + entry.dump() + ",";
      begins.push_back(position = end);
    }
  } catch (const std::exception &exception) { // a name that is not UTF-8
    return Failure{"cannot make the header: " + plainMessage(exception), where};
  }
  if (header.back() == ',') {
    header.pop_back();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > maxHeaderBytes) {
    return Failure{"the header would have " + std::to_string(header.size()) + " bytes, at most " +
                       std::to_string(maxHeaderBytes) + " are allowed",
                   where};
  }

  uint64_t dataBegin = 8 + header.size();
  Expected<OutputFile> file = OutputFile::create(path, dataBegin + position);
  if (!file) {
    return file.failure();
  }
  for (uint64_t &begin : begins) {
    begin += dataBegin;
  }
  std::array<std::byte, 8> prefix;
  for (size_t i = 0; i < prefix.size(); ++i) {
    prefix[i] = std::byte(uint64_t(header.size()) >> (8 * i));
  }
  auto output = std::make_unique<Output>(Output{*std::move(file)});
  if (Status status = output->file.write(0, prefix); !status) {
    return status;
  }
  if (Status status = output->file.write(8, std::as_bytes(std::span(header))); !status) {
    return status;
  }
  return SafetensorsWriter(std::move(output), std::move(begins));
}

Status SafetensorsWriter::write(size_t tensor, uint64_t offset, std::span<const std::byte> data) {
  assert(tensor + 1 < begins.size() && "a tensor of the list");
  uint64_t size = begins[tensor + 1] - begins[tensor];
  if (offset > size || data.size() > size - offset) {
    return Failure{"expected " + std::to_string(size) + " bytes of tensor number " +
                   std::to_string(tensor) + ", was given more"};
  }
  writtenBytes += data.size();
  return output->file.write(begins[tensor] + offset, data);
}

Status SafetensorsWriter::finish() {
  uint64_t expected = begins.back() - begins.front();
  if (writtenBytes != expected) {
    return Failure{"expected " + std::to_string(expected) + " bytes of tensors, was given " +
                   std::to_string(writtenBytes)};
  }
  return output->file.publish();
}

} // namespace dsv3::checkpoint
