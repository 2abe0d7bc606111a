//===- SafetensorsFuzz.cpp - a safetensors file ---------------------------===//
//
// Opens the input as a file, touches the ends of every tensor, and checks the tensors
// against a configuration.
//
//===----------------------------------------------------------------------===//
#include "Fuzz.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/File.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::checkpoint;

static ModelConfig smallConfig() {
  std::string path = std::string(DSV3_SOURCE_DIR) + "/models/nano/config.json";
  Expected<std::string> text = readFile(path, 1 << 20);
  fuzz::require(text.ok(), "models/nano/config.json");
  Expected<ModelConfig> config = parseModelConfig(*text, path);
  fuzz::require(config.ok(), "a sound models/nano/config.json");
  return *std::move(config);
}

static void readEnds(const SafetensorsFile &file) {
  [[maybe_unused]] volatile std::byte sink{};
  for (const TensorInfo &tensor : file.tensors()) {
    std::span<const std::byte> bytes = file.bytes(tensor);
    fuzz::require(bytes.size() == tensor.byteCount, "as many bytes as the header says");
    if (!bytes.empty()) {
      sink = bytes.front();
      sink = bytes.back();
    }
    file.drop(tensor, 0, tensor.byteCount);
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const ModelConfig config = smallConfig();
  int memory = memfd_create("fuzz", MFD_CLOEXEC);
  fuzz::require(memory >= 0 && write(memory, data, size) == ssize_t(size), "a file in memory");
  auto file = SafetensorsFile::open("/proc/self/fd/" + std::to_string(memory));
  close(memory);
  if (file) {
    ++fuzz::acceptedInputs;
    fuzz::require(file->map().ok(), "a file that can be mapped");
    readEnds(*file);
    Expected<TensorCheck> check = checkTensors(config, file->tensors(), "input");
    fuzz::require(check.ok() || !check.failure().what.empty(), "a failure that says what is wrong");
  }
  return 0;
}
