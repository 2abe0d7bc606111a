//===- NullDevice.h - a device that runs nothing ----------------*- C++ -*-===//
//
// Has memory but no kernels: it records what it was asked to do, so that what
// stands above the device interface can be looked at without compiled code.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/hal/Device.h"

#include <vector>

namespace dsv3::runtime {

class NullDevice : public Device {
public:
  /// Host memory that is called host-visible or not.
  explicit NullDevice(bool hostVisible = true) : hostVisible(hostVisible) {}

  struct Allocation {
    std::string what;
    int64_t bytes = 0;
  };
  struct Run {
    std::string program;
    std::vector<int64_t> sizes;
    bool observed = false;
  };
  std::vector<Allocation> allocations;
  std::vector<ObjectFile> objects;
  std::vector<Program> programs;
  std::vector<Run> runs;

  std::string_view name() const override { return "null"; }
  Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what) override;
  Expected<std::unique_ptr<Buffer>> allocateMapped(int64_t bytes, std::string_view what) override;
  Status upload(Buffer &to, int64_t offset, std::span<const std::byte> from) override;
  Status copy(Buffer &to, const Buffer &from) override;
  Status download(std::span<std::byte> to, const Buffer &from, int64_t offset) override;
  /// Neither opens the file nor looks at the symbols.
  Expected<std::unique_ptr<Object>> loadObject(const ObjectFile &file,
                                               std::span<const std::string> symbols) override;
  Expected<std::unique_ptr<Executable>> prepare(const Program &program,
                                                const Object &object) override;
  /// Launches nothing; shows the sink what memory holds.
  Status run(Executable &executable, std::span<const int64_t> sizes,
             ObservationSink *sink) override;

private:
  bool hostVisible;
};

} // namespace dsv3::runtime
