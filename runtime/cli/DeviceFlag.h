//===- DeviceFlag.h - where a model runs ------------------------*- C++ -*-===//
//
// What --device names: cpu, cuda:N for the GPU of that number, sim for a simulated one, or auto
// for the first GPU where it and NVRTC are there, else the CPU.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/hal/Device.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Validator;
} // namespace CLI

namespace dsv3::cli {

struct ModelFlags;

/// A GPU, and its number: 0 where none is given.
struct GpuName {
  bool simulated = false;
  int number = 0;
};
/// Nothing where no GPU is named.
std::optional<GpuName> gpuOf(std::string_view device);
CLI::Validator deviceNames();
/// Puts what auto stands for here in its place, and says why that is not a GPU: no driver, no GPU,
/// or nothing that compiles for one.
CLI::Validator deviceInPlaceOfAuto();

/// --chip, of commands that tell times.
void addChipFlag(CLI::App &command, ModelFlags &flags);
/// Fails where a chip is named, or is to be predicted, and that makes no sense. A simulated device
/// gets the chip that is predicted where none is named.
Status chooseChip(ModelFlags &flags);
/// Whether the flags name a simulated GPU.
bool isSimulated(const ModelFlags &flags);
/// The device for a heading: "cpu, 8 threads".
std::string deviceText(const runtime::Device &device, const ModelFlags &flags);
/// The device that the flags name, for the kernels of a model.
Expected<std::unique_ptr<runtime::Device>> createDevice(const ModelFlags &flags);
/// The variant that a model is best compiled for under `policy` to run on a GPU.
Expected<std::string> gpuVariant(const runtime::Device &device, std::string_view policy);

} // namespace dsv3::cli
