//===- DriverApi.cpp - NVIDIA's driver, as far as we use it ---------------===//

#include "runtime/drivers/cuda/DriverApi.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

/// The version of the interface that is asked for: 12.0.
static constexpr int wantedVersion = 12000;
static constexpr const char *installDriver = "install NVIDIA's driver, version 525 or newer";

Status DriverApi::bind() {
  using GetAddress = Result (*)(const char *, void **, int, uint64_t, int *);
  auto getAddress = reinterpret_cast<GetAddress>(library.find("cuGetProcAddress_v2"));
  if (!getAddress) {
    return Failure{"expected a driver for CUDA 12.0 or newer, found an older one", library.path(),
                   installDriver};
  }
  std::string missing;
  auto find = [&](const char *name, auto &function) {
    void *address = nullptr;
    int state = 0;
    Result result = getAddress(name, &address, wantedVersion, 0, &state);
    if (result != success || !address) {
      missing = name;
      return;
    }
    function = reinterpret_cast<std::decay_t<decltype(function)>>(address);
  };
#define DSV3_FIND(NAME, PARAMETERS) find("cu" #NAME, NAME);
  DSV3_DRIVER_FUNCTIONS(DSV3_FIND)
#undef DSV3_FIND
  return missing.empty()
             ? Status()
             : Failure{"expected a driver for CUDA 12.0 or newer, found one without " + missing,
                       library.path(), installDriver};
}

Expected<std::shared_ptr<const DriverApi>> DriverApi::load() {
  Expected<DynamicLibrary> opened =
      DynamicLibrary::open({"libcuda, the driver of NVIDIA GPUs",
                            {"libcuda.so.1"},
                            {"/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"},
                            std::string(installDriver) + ", or leave --device out to use the CPU"});
  if (!opened) {
    return opened.failure();
  }
  std::shared_ptr<DriverApi> api(new DriverApi());
  api->library = *std::move(opened);
  if (Status bound = api->bind(); !bound) {
    return bound;
  }
  if (Result result = api->Init(0); result != success) {
    bool none = result == noDevice;
    return Failure{none ? "the driver finds no NVIDIA GPU"
                        : "the driver does not start: " + api->nameOf(result),
                   api->library.path(),
                   none ? "check with nvidia-smi, and that CUDA_VISIBLE_DEVICES does not hide it"
                        : "check with nvidia-smi"};
  }
  return std::shared_ptr<const DriverApi>(std::move(api));
}

/// Numbers and meanings are those of cuda.h.
Trouble cuda::troubleOf(Result result) {
  switch (result) {
  case outOfMemory:
    return Trouble::Memory;
  case 700: // an illegal address
  case 702: // it took too long
  case 714: // its stack
  case 715: // an illegal instruction
  case 716: // a misaligned address
  case 717: // a space of addresses
  case 718: // its program counter
  case 719: // others
    return Trouble::Fault;
  case noDevice: // was there before
  case 214:      // an uncorrectable error of memory
  case 220:      // or of NVLink
  case 226:      // or one that was contained
  case 999:      // unknown: it has fallen off the bus
    return Trouble::Lost;
  default:
    return Trouble::Call;
  }
}

std::string DriverApi::nameOf(Result result) const {
  const char *name = nullptr, *text = nullptr;
  if (GetErrorName(result, &name) != success || GetErrorString(result, &text) != success) {
    return "error " + std::to_string(result);
  }
  return std::string(name) + " (" + text + ")";
}

Status DriverApi::check(Result result, const std::string &what) const {
  if (result == success) {
    return {};
  }
  auto failure = [&](const char *meaning, const char *hint) {
    return Failure{what + ": " + meaning + "the driver says " + nameOf(result), "", hint};
  };
  switch (troubleOf(result)) {
  case Trouble::Memory:
    return failure("the GPU has no memory left; ", noMemoryHint);
  case Trouble::Fault:
    return failure("a kernel did what the GPU refuses; ",
                   "run it again; if that fails, too, please report what compute-sanitizer says "
                   "when it stands before the same command: the kernel and the address");
  case Trouble::Lost:
    return failure("the GPU is lost; ", "nvidia-smi, and lines with Xid in dmesg, say why; run it "
                                        "again once the GPU answers");
  case Trouble::Call:
    break;
  }
  return failure("", "");
}
