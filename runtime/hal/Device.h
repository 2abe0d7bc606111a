//===- Device.h - what the session asks of a device -------------*- C++ -*-===//
//
// The border between the session and the drivers (runtime/drivers): memory,
// compiled kernels, and prepared programs that are run step by step. Every driver
// passes the conformance tests in runtime/cts.
//
// All that can be looked up, allocated or checked is done by loadObject and
// prepare. A step (run) allocates nothing, takes no lock and looks nothing up.
//
// A device and what it made are used by one thread at a time. The device
// outlives them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/hal/PeerProducts.h"
#include "runtime/hal/Program.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dsv3::runtime {

/// A block of memory that kernels of a device read and write, aligned to 64 bytes at least,
/// zeroed. Where it lies is a matter of how it was allocated. Freed by its destructor.
class Buffer {
public:
  virtual ~Buffer() = default;
  Buffer(const Buffer &) = delete;
  Buffer &operator=(const Buffer &) = delete;

  Address address() const { return start; } ///< for kernels
  int64_t bytes() const { return length; }
  /// Where the host reads and writes it in place while no step runs; null where it cannot.
  std::byte *hostAddress() const { return onHost; }
  /// Fails unless [offset, offset + size) lies in the buffer.
  Status checkRange(int64_t offset, size_t size) const;

protected:
  Buffer(Address start, int64_t length, std::byte *onHost)
      : start(start), length(length), onHost(onHost) {}

private:
  Address start;
  int64_t length;
  std::byte *onHost;
};

/// Loaded kernels, in the order of the symbols that were asked for.
class Object {
public:
  virtual ~Object() = default;
};

/// A program that is ready to run; keeps nothing of the Program it was made from.
class Executable {
public:
  virtual ~Executable() = default;
};

/// Where compiled kernels come from.
struct ObjectFile {
  std::string path;
  /// Hash128 of the file in hexadecimal, as plan::Variant keeps it.
  std::string checksum;
};

/// Is shown values while a step runs.
class ObservationSink {
public:
  virtual ~ObservationSink() = default;
  /// `data` is readable by the host until the call returns. Called on the thread
  /// that called run, in the order of the program. Must not throw.
  virtual void observed(int32_t observation, int64_t layer, const void *data) = 0;
};

/// What a device without times of its own predicts for a launch.
struct LaunchPrediction {
  double seconds = 0;
  double launchSeconds = 0; ///< of them, those between the launch before and this one
  std::string_view limit;   ///< what takes longest: the name of one of the parts
  std::vector<std::pair<std::string_view, double>> parts; ///< seconds that each would take alone
  double memoryBytes = 0, l2Bytes = 0, flops = 0;
  double tensorFlops = 0; ///< of flops, those of tensor cores, also where a tile is padded
  /// What a warp waits for one after the other, on average over blocks.
  double loadsWaited = 0, shufflesWaited = 0, barriersWaited = 0;
  int64_t blocks = 0, observedBlocks = 0; ///< fewer observed: the figures are scaled
  int64_t registers = 0;           ///< of a thread; 0: not known, and not counted in the next
  int64_t blocksAtOnce = 0;        ///< that a multiprocessor holds; 0: a block is too large for it
  std::string_view occupancyLimit; ///< why no more
};

/// What is wanted of a kernel's launches.
enum class LaunchUse : uint8_t {
  Results, ///< what they compute, and their times
  Time,    ///< what they compute may be anything
  Nothing, ///< they may be left out; then their times are 0
};

/// Where the time of a step goes. Seconds, per launch of the program, in its order.
struct LaunchProfile {
  int repeats = 0; ///< how often each launch is run again at once
  /// Asks to empty the caches before every run; `first` is then the average of all runs. A device
  /// that cannot do it measures as without. Where it can, the host's time to launch is not in the
  /// times either, and `nothing` says how long no work at all takes by the same measure.
  bool cold = false;
  std::optional<double> nothing = {};
  /// By kernel of the program; empty: results of all. A device may do more than is wanted.
  std::vector<LaunchUse> uses = {};
  std::vector<double> first; ///< of the first run, with caches as the step left them
  std::vector<double> again; ///< of the shortest repeat
  /// The chip whose times are predicted, and of each launch what they come from. Empty where
  /// times were measured.
  std::string_view predictedFor = {};
  std::vector<LaunchPrediction> predictions = {};
};

class Device {
public:
  virtual ~Device() = default;

  /// cpu, cuda, null, …
  virtual std::string_view name() const = 0;
  /// What its maker calls it, where that says more.
  virtual std::string_view productName() const { return name(); }
  /// For a person whose code is for other devices: name, product, and what kind it is.
  virtual std::string description() const { return std::string(name()); }

  /// Optional: bytes that allocate has to give, where the device has memory of its own.
  virtual std::optional<uint64_t> availableMemory() const { return std::nullopt; }

  /// Optional: the best of variants of these names that the device runs, by its index; nothing
  /// if it runs none of them, or any that the caller likes.
  virtual std::optional<size_t> preferredVariant(std::span<const std::string_view>) const {
    return std::nullopt;
  }

  /// Memory of the device. `what` names the purpose in a failure, which states the bytes.
  virtual Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what) = 0;

  /// Likewise memory of the host, which kernels reach in place: over a bus, where the device has
  /// memory of its own. Its hostAddress is not null.
  virtual Expected<std::unique_ptr<Buffer>> allocateMapped(int64_t bytes,
                                                           std::string_view what) = 0;

  /// Optional: what the buffer holds has no meaning from here on, until the host or a kernel writes
  /// it. For devices that find kernels which read it nevertheless.
  virtual void forget(Buffer &) {}

  /// Copies to and from `offset` of a buffer of this device. Fails if the range is
  /// not inside of the buffer.
  virtual Status upload(Buffer &to, int64_t offset, std::span<const std::byte> from) = 0;
  virtual Status download(std::span<std::byte> to, const Buffer &from, int64_t offset) = 0;

  /// Optional: copies all of `from` to the begin of `to`, both of this device, and waits for it.
  /// Fails if `to` is shorter.
  virtual Status copy(Buffer &, const Buffer &) {
    return Failure{"the device '" + std::string(name()) + "' cannot copy between buffers"};
  }

  /// Loads the kernels `symbols`. Fails if the file is not the one that `checksum`
  /// names, or lacks a symbol.
  virtual Expected<std::unique_ptr<Object>> loadObject(const ObjectFile &file,
                                                       std::span<const std::string> symbols) = 0;

  /// `object` has the kernels of the program, in its order, and must outlive the
  /// executable.
  virtual Expected<std::unique_ptr<Executable>> prepare(const Program &program,
                                                        const Object &object) = 0;

  /// Runs one step and waits for it. `sizes` has a value for each size of the plan.
  /// Fails if their count is wrong or a kernel refuses its input; then what the
  /// program writes is undefined. Observations cost nothing without a sink.
  virtual Status run(Executable &executable, std::span<const int64_t> sizes,
                     ObservationSink *sink) = 0;

  /// Optional: what the device's maker has to offer for products; null where there is no such
  /// library for devices of this kind. Fails where there is one and it cannot be used, with what
  /// was looked for.
  virtual Expected<std::unique_ptr<PeerProducts>> peerProducts() {
    return std::unique_ptr<PeerProducts>();
  }

  /// Optional: as run, and measures every launch. Results that are wanted are those of run, since a
  /// launch that is repeated reads and writes the same. Fails where the device cannot do it.
  virtual Status profile(Executable &, std::span<const int64_t>, LaunchProfile &) {
    return Failure{"the device '" + std::string(name()) + "' cannot measure launches"};
  }
};

} // namespace dsv3::runtime
