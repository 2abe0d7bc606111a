//===- DeviceTest.cpp - what every driver promises ------------------------===//
//
// The conformance tests of the device interface. A driver joins by one line in
// the lists at the end; those of results are not for a driver that computes nothing.
// Those of a driver whose device is not here are skipped, with a sentence that says why.
//
//===----------------------------------------------------------------------===//

#include "dsv3/Plan/Kernel.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Cpu.h"
#include "runtime/drivers/cpu/CpuDevice.h"
#include "runtime/drivers/cuda/CudaDevice.h"
#include "runtime/drivers/null/NullDevice.h"
#include "runtime/drivers/sim/SimDevice.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;

/// runtime/cts/cuda/Kernels.cu: in the binary, which may run on another machine than the one
/// that it was built on.
extern const char *const gpuKernelText;

namespace {

/// A device, and the file that holds its kernels.
struct Candidate {
  std::string name;
  Expected<std::unique_ptr<Device>> (*make)();
  ObjectFile (*kernels)();
};

void PrintTo(const Candidate &candidate, std::ostream *out) { *out << candidate.name; }

template <int threads>
Expected<std::unique_ptr<Device>> makeCpu() {
  return createCpuDevice({threads, false, std::chrono::microseconds(50'000)});
}
Expected<std::unique_ptr<Device>> makeNull() {
  return std::unique_ptr<Device>(std::make_unique<NullDevice>());
}
Expected<std::unique_ptr<Device>> makeCuda() { return createCudaDevice(0, {}); }
template <int threads, uint64_t seed>
Expected<std::unique_ptr<Device>> makeSim() {
  SimOptions options;
  options.threads = threads;
  options.seed = seed;
  options.compiling.cache = testing::TempDir() + "dsv3-cts-cache";
  return createSimDevice(options);
}

ObjectFile cpuKernels() {
  std::ifstream file(DSV3_CTS_KERNELS, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  return {DSV3_CTS_KERNELS, hash128(bytes).hex()};
}

ObjectFile gpuKernels() {
  static const std::string path = testing::TempDir() + "dsv3-cts-kernels.cu";
  std::ofstream(path, std::ios::binary) << gpuKernelText;
  return {path, hash128(std::string_view(gpuKernelText)).hex()};
}

const std::vector<std::string> symbols{"cts_count", "cts_add", "cts_matvec", "cts_fail"};
enum KernelIndex : int32_t { Count, Add, Matvec, Fail };

class Conformance : public testing::TestWithParam<Candidate> {
protected:
  void SetUp() override {
    Expected<std::unique_ptr<Device>> made = GetParam().make();
    if (!made && GetParam().name.starts_with("cuda")) {
      GTEST_SKIP() << made.failure().message();
    }
    ASSERT_TRUE(made) << made.failure().message();
    device = *std::move(made);
  }
  static ObjectFile kernelsFile() { return GetParam().kernels(); }

  std::unique_ptr<Device> device;

  /// A program over sizes A and B without commands. Kernels count their tiles by A,
  /// cts_add by 16 of A.
  static Program emptyProgram() {
    Program program;
    program.name = "test";
    program.sizeCount = 2;
    program.kernels = {{"cts_count", {0}, {0, 1, 1, 1, 0}, 0},
                       {"cts_add", {0}, {0, 1, 16, 1, 0}, 0},
                       {"cts_matvec", {0, 1}, {0, 1, 1, 1, 0}, 100 * sizeof(float)},
                       {"cts_fail", {0}, {0, 1, 1, 1, 0}, 0}};
    program.observations = {{1, sizeof(float)}, {1, sizeof(float)}};
    return program;
  }
  static void launch(Program &program, KernelIndex kernel, std::vector<Address> args,
                     int64_t layer = -1) {
    program.commands.push_back(
        {Command::Kind::Launch, kernel, layer, uint32_t(program.args.size())});
    program.args.insert(program.args.end(), args.begin(), args.end());
  }
  static void observe(Program &program, int32_t observation, int64_t layer, Address address) {
    program.commands.push_back(
        {Command::Kind::Observe, observation, layer, uint32_t(program.args.size())});
    program.args.push_back(address);
  }

  template <typename T>
  std::unique_ptr<Buffer> bufferOf(const std::vector<T> &values) {
    auto bytes = std::as_bytes(std::span(values));
    auto buffer = device->allocate(int64_t(bytes.size()), "a test");
    EXPECT_TRUE(buffer);
    EXPECT_TRUE(device->upload(**buffer, 0, bytes));
    return std::move(*buffer);
  }
  template <typename T>
  std::vector<T> valuesOf(const Buffer &buffer) {
    std::vector<T> values(size_t(buffer.bytes()) / sizeof(T));
    EXPECT_TRUE(device->download(std::as_writable_bytes(std::span(values)), buffer, 0));
    return values;
  }

  std::unique_ptr<Executable> prepare(const Program &program) {
    auto loaded = device->loadObject(kernelsFile(), symbols);
    EXPECT_TRUE(loaded) << loaded.failure().message();
    object = std::move(*loaded);
    auto executable = device->prepare(program, *object);
    EXPECT_TRUE(executable) << executable.failure().message();
    return std::move(*executable);
  }

private:
  std::unique_ptr<Object> object;
};

/// Keeps what it is shown.
struct Recorder final : ObservationSink {
  struct Seen {
    int32_t observation;
    int64_t layer;
    float first;
    bool operator==(const Seen &) const = default;
  };
  std::vector<Seen> seen;
  void observed(int32_t observation, int64_t layer, const void *data) override {
    seen.push_back({observation, layer, *static_cast<const float *>(data)});
  }
};

} // namespace

TEST_P(Conformance, HasAName) { EXPECT_FALSE(device->name().empty()); }

TEST_P(Conformance, MemoryIsZeroedAndAligned) {
  for (int64_t bytes : {1, 100, 5'000'000}) {
    auto buffer = device->allocate(bytes, "a test");
    ASSERT_TRUE(buffer) << buffer.failure().message();
    EXPECT_EQ((*buffer)->bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>((*buffer)->address()) % 64, 0U);
    std::vector<char> values = valuesOf<char>(**buffer);
    EXPECT_EQ(std::ranges::count(values, 0), bytes);
  }
}

TEST_P(Conformance, TooMuchMemoryIsAFailureThatSaysHowMuch) {
  auto buffer = device->allocate(int64_t(1) << 60, "the weights");
  ASSERT_FALSE(buffer);
  EXPECT_NE(buffer.failure().what.find("1.0 EiB for the weights"), std::string::npos);
  EXPECT_FALSE(device->allocate(-1, "nothing"));
}

TEST_P(Conformance, MappedMemoryIsZeroedAndTheHostReachesIt) {
  for (int64_t bytes : {1, 100, 5'000'000}) {
    auto buffer = device->allocateMapped(bytes, "a test");
    ASSERT_TRUE(buffer) << buffer.failure().message();
    EXPECT_EQ((*buffer)->bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>((*buffer)->address()) % 64, 0U);
    std::byte *onHost = (*buffer)->hostAddress();
    ASSERT_NE(onHost, nullptr);
    EXPECT_EQ(std::count(onHost, onHost + bytes, std::byte(0)), bytes);
    onHost[bytes - 1] = std::byte(7);
    EXPECT_EQ(valuesOf<char>(**buffer).back(), 7);
  }
}

TEST_P(Conformance, TooMuchMappedMemoryIsAFailureThatSaysHowMuch) {
  auto buffer = device->allocateMapped(int64_t(1) << 60, "the experts");
  ASSERT_FALSE(buffer);
  EXPECT_NE(buffer.failure().what.find("1.0 EiB for the experts"), std::string::npos);
  EXPECT_FALSE(device->allocateMapped(-1, "nothing"));
}

TEST_P(Conformance, CopiesParts) {
  auto buffer = bufferOf(std::vector<int32_t>{1, 2, 3, 4});
  std::vector<int32_t> two{7, 8};
  ASSERT_TRUE(device->upload(*buffer, 4, std::as_bytes(std::span(two))));
  EXPECT_EQ(valuesOf<int32_t>(*buffer), (std::vector<int32_t>{1, 7, 8, 4}));
  ASSERT_TRUE(device->download(std::as_writable_bytes(std::span(two)), *buffer, 8));
  EXPECT_EQ(two, (std::vector<int32_t>{8, 4}));
}

TEST_P(Conformance, RefusesCopiesOutsideOfTheBuffer) {
  auto buffer = bufferOf(std::vector<int32_t>{1, 2, 3, 4});
  std::vector<std::byte> bytes(8);
  for (int64_t offset : {int64_t(-1), int64_t(9), int64_t(17), int64_t(1) << 62}) {
    EXPECT_FALSE(device->upload(*buffer, offset, bytes)) << offset;
    EXPECT_FALSE(device->download(bytes, *buffer, offset)) << offset;
  }
}

TEST_P(Conformance, CopiesBetweenItsBuffers) {
  auto from = bufferOf(std::vector<int32_t>{1, 2, 3}), to = bufferOf(std::vector<int32_t>(5, 7));
  ASSERT_TRUE(device->copy(*to, *from));
  EXPECT_EQ(valuesOf<int32_t>(*to), (std::vector<int32_t>{1, 2, 3, 7, 7}));
  EXPECT_FALSE(device->copy(*from, *to)) << "it does not fit";
}

TEST_P(Conformance, StepWithWrongSizesIsAFailure) {
  auto executable = prepare(emptyProgram());
  std::vector<int64_t> sizes{1, 2, 3};
  Status status = device->run(*executable, sizes, nullptr);
  ASSERT_FALSE(status);
  EXPECT_NE(status.failure().what.find("expected 2 sizes"), std::string::npos);
}

TEST_P(Conformance, ObjectMustHaveTheProgramsKernels) {
  auto object = device->loadObject(kernelsFile(), std::span(symbols).first(2));
  ASSERT_TRUE(object);
  EXPECT_FALSE(device->prepare(emptyProgram(), **object));
}

TEST_P(Conformance, ObservationsComeInOrderAndOnlyIfWanted) {
  auto first = bufferOf(std::vector<float>{1.5F}), second = bufferOf(std::vector<float>{2.5F});
  Program program = emptyProgram();
  observe(program, 0, -1, first->address());
  observe(program, 1, 3, second->address());
  observe(program, 0, 4, first->address());
  auto executable = prepare(program);
  std::vector<int64_t> sizes{1, 1};
  ASSERT_TRUE(device->run(*executable, sizes, nullptr));
  Recorder recorder;
  ASSERT_TRUE(device->run(*executable, sizes, &recorder));
  EXPECT_EQ(recorder.seen,
            (std::vector<Recorder::Seen>{{0, -1, 1.5F}, {1, 3, 2.5F}, {0, 4, 1.5F}}));
}

TEST_P(Conformance, ExecutableOutlivesItsProgram) {
  auto counts = bufferOf(std::vector<uint32_t>(4));
  auto program = std::make_unique<Program>(emptyProgram());
  launch(*program, Count, {counts->address()});
  auto executable = prepare(*program);
  std::ranges::fill(program->args, nullptr);
  program.reset();
  std::vector<int64_t> sizes{4, 1};
  EXPECT_TRUE(device->run(*executable, sizes, nullptr));
}

/// Devices that compute.
class Computing : public Conformance {};

TEST_P(Computing, EveryTileRunsExactlyOnce) {
  constexpr size_t most = 1000;
  auto counts = bufferOf(std::vector<uint32_t>(most));
  Program program = emptyProgram();
  // An odd number of launches, so that steps begin on either tile counter.
  for (int i = 0; i < 3; ++i) {
    launch(program, Count, {counts->address()});
  }
  auto executable = prepare(program);
  std::vector<uint32_t> expected(most);
  for (int64_t tiles : {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 128, 999, 1000}) {
    std::vector<int64_t> sizes{tiles, 1};
    ASSERT_TRUE(device->run(*executable, sizes, nullptr));
    std::for_each_n(expected.begin(), tiles, [](uint32_t &count) { count += 3; });
    ASSERT_EQ(valuesOf<uint32_t>(*counts), expected) << tiles << " tiles";
  }
}

TEST_P(Computing, StepsOfEqualSizesReadWhatIsThereNow) {
  // Devices may replay such a step; steps of other sizes, watched and failing ones come between.
  auto one = bufferOf(std::vector<float>{1, 1}), sum = bufferOf(std::vector<float>{0, 0});
  Program program = emptyProgram();
  launch(program, Add, {sum->address(), one->address(), sum->address()});
  observe(program, 0, -1, sum->address());
  auto executable = prepare(program);
  Recorder recorder;
  for (int64_t count : {1, 1, 1, 2, 1, 2, 2}) {
    ASSERT_TRUE(device->run(*executable, std::vector<int64_t>{count, 1}, nullptr));
  }
  EXPECT_EQ(valuesOf<float>(*sum), (std::vector<float>{7, 3}));
  EXPECT_FALSE(device->run(*executable, std::vector<int64_t>{1}, nullptr));
  ASSERT_TRUE(device->run(*executable, std::vector<int64_t>{2, 1}, &recorder));
  EXPECT_EQ(recorder.seen, (std::vector<Recorder::Seen>{{0, -1, 8}}));
  ASSERT_TRUE(device->run(*executable, std::vector<int64_t>{2, 1}, nullptr));
  std::vector<float> hundred{100, 100};
  ASSERT_TRUE(device->upload(*one, 0, std::as_bytes(std::span(hundred))));
  ASSERT_TRUE(device->run(*executable, std::vector<int64_t>{2, 1}, nullptr));
  EXPECT_EQ(valuesOf<float>(*sum), (std::vector<float>{109, 105}));
}

TEST_P(Computing, MeasuringAStepLeavesItsResults) {
  auto counts = bufferOf(std::vector<uint32_t>(50));
  Program program = emptyProgram();
  launch(program, Count, {counts->address()});
  launch(program, Count, {counts->address()});
  auto executable = prepare(program);
  LaunchProfile times{.repeats = 3, .first = {}, .again = {}};
  ASSERT_TRUE(device->profile(*executable, std::vector<int64_t>{50, 1}, times));
  ASSERT_EQ(times.first.size(), 2U);
  ASSERT_EQ(times.again.size(), 2U);
  EXPECT_GT(times.first[1], 0);
  EXPECT_GT(times.again[1], 0);
  // Two launches, each run once and three times more.
  EXPECT_EQ(valuesOf<uint32_t>(*counts), std::vector<uint32_t>(50, 8));
}

TEST_P(Computing, MeasuringOnEmptyCachesLeavesResultsToo) {
  auto counts = bufferOf(std::vector<uint32_t>(50));
  Program program = emptyProgram();
  launch(program, Count, {counts->address()});
  auto executable = prepare(program);
  LaunchProfile times{.repeats = 1, .cold = true, .first = {}, .again = {}};
  ASSERT_TRUE(device->profile(*executable, std::vector<int64_t>{50, 1}, times));
  EXPECT_GT(times.first[0], times.nothing.value_or(0));
  EXPECT_FALSE(times.nothing && *times.nothing > 1e-4) << "emptying caches is not measured";
  EXPECT_EQ(valuesOf<uint32_t>(*counts), std::vector<uint32_t>(50, 2));
}

TEST_P(Computing, ProductsOfTheMakersLibrary) {
  auto peer = device->peerProducts();
  if (!peer || !*peer) {
    GTEST_SKIP() << (peer ? "there is none for such devices" : peer.failure().message());
  }
  auto seconds = (*peer)->seconds({PeerProduct::Operands::BF16, 64, 128, 256}, 2);
  ASSERT_TRUE(seconds) << seconds.failure().message();
  ASSERT_TRUE(*seconds) << "it has no such product";
  EXPECT_GT(**seconds, 0);
}

TEST_P(Computing, LaunchesSeeWhatEarlierOnesWrote) {
  // Doubles 20 times over: a missing barrier loses some of it.
  constexpr int64_t length = 500;
  auto a = bufferOf(std::vector<float>(length, 1)), b = bufferOf(std::vector<float>(length));
  Program program = emptyProgram();
  for (int i = 0; i < 10; ++i) {
    launch(program, Add, {a->address(), a->address(), b->address()});
    launch(program, Add, {b->address(), b->address(), a->address()});
  }
  auto executable = prepare(program);
  std::vector<int64_t> sizes{length, 1};
  ASSERT_TRUE(device->run(*executable, sizes, nullptr));
  EXPECT_EQ(valuesOf<float>(*a), std::vector<float>(length, float(1 << 20)));
}

TEST_P(Computing, KernelsReadAndWriteMappedMemory) {
  constexpr int64_t length = 100;
  auto mapped = device->allocateMapped(length * int64_t(sizeof(float)), "a test");
  ASSERT_TRUE(mapped) << mapped.failure().message();
  auto *onHost = reinterpret_cast<float *>((*mapped)->hostAddress());
  std::iota(onHost, onHost + length, 0.F);
  auto one = bufferOf(std::vector<float>(length, 1)), sum = bufferOf(std::vector<float>(length));
  Program program = emptyProgram();
  launch(program, Add, {(*mapped)->address(), one->address(), sum->address()});
  launch(program, Add, {sum->address(), one->address(), (*mapped)->address()});
  auto executable = prepare(program);
  ASSERT_TRUE(device->run(*executable, std::vector<int64_t>{length, 1}, nullptr));
  EXPECT_EQ(valuesOf<float>(*sum)[99], 100);
  EXPECT_EQ(onHost[99], 101);
}

TEST_P(Computing, KernelsGetTheirSizesAndScratch) {
  constexpr int64_t rows = 37, columns = 100;
  std::vector<float> w(rows * columns), x(columns), y(rows);
  std::iota(w.begin(), w.end(), 0.F);
  std::iota(x.begin(), x.end(), 1.F);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      y[size_t(row)] += w[size_t(row * columns + column)] * x[size_t(column)];
    }
  }
  auto wBuffer = bufferOf(w), xBuffer = bufferOf(x), yBuffer = bufferOf(std::vector<float>(rows));
  Program program = emptyProgram();
  launch(program, Matvec, {wBuffer->address(), xBuffer->address(), yBuffer->address()});
  auto executable = prepare(program);
  std::vector<int64_t> sizes{rows, columns};
  Status status = device->run(*executable, sizes, nullptr);
  ASSERT_TRUE(status) << status.failure().message();
  EXPECT_EQ(valuesOf<float>(*yBuffer), y);
}

TEST_P(Computing, ObserverSeesTheStateBetweenLaunches) {
  auto one = bufferOf(std::vector<float>{1}), sum = bufferOf(std::vector<float>{0});
  Program program = emptyProgram();
  for (int layer = 0; layer < 3; ++layer) {
    launch(program, Add, {sum->address(), one->address(), sum->address()}, layer);
    observe(program, 0, layer, sum->address());
  }
  auto executable = prepare(program);
  std::vector<int64_t> sizes{1, 1};
  Recorder recorder;
  ASSERT_TRUE(device->run(*executable, sizes, &recorder));
  EXPECT_EQ(recorder.seen, (std::vector<Recorder::Seen>{{0, 0, 1}, {0, 1, 2}, {0, 2, 3}}));
}

TEST_P(Computing, FailingKernelStopsTheStepAndIsNamed) {
  auto codes = bufferOf(std::vector<int32_t>{0, 0, 3, 0, 5, 0, 0, 0});
  auto before = bufferOf(std::vector<uint32_t>(8)), after = bufferOf(std::vector<uint32_t>(8));
  Program program = emptyProgram();
  launch(program, Count, {before->address()});
  launch(program, Fail, {codes->address()}, 7);
  launch(program, Count, {after->address()});
  auto executable = prepare(program);
  std::vector<int64_t> sizes{8, 1};
  for (int repetition = 0; repetition < 20; ++repetition) {
    Status status = device->run(*executable, sizes, nullptr);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.failure().where, "entry 'test', layer 7, kernel 'cts_fail'");
    // The largest code of the launch, whichever thread met it.
    EXPECT_NE(status.failure().what.find("code 5"), std::string::npos) << status.failure().what;
  }
  EXPECT_EQ(valuesOf<uint32_t>(*before), std::vector<uint32_t>(8, 20));
  EXPECT_EQ(valuesOf<uint32_t>(*after), std::vector<uint32_t>(8, 0));

  std::vector<int32_t> fine(8);
  ASSERT_TRUE(device->upload(*codes, 0, std::as_bytes(std::span(fine))));
  EXPECT_TRUE(device->run(*executable, sizes, nullptr)) << "a failure must not stick";
  EXPECT_EQ(valuesOf<uint32_t>(*after), std::vector<uint32_t>(8, 1));
}

TEST_P(Computing, SaysWhatTheCodeOfAKernelMeans) {
  auto codes = bufferOf(std::vector<int32_t>{0, int32_t(plan::KernelError::IndexOutOfRange)});
  Program program = emptyProgram();
  launch(program, Fail, {codes->address()});
  auto executable = prepare(program);
  Status status = device->run(*executable, std::vector<int64_t>{2, 1}, nullptr);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "a kernel found an index out of range in its input");
}

TEST_P(Computing, RefusesAFileThatIsNotTheOneOfTheChecksum) {
  ObjectFile file = kernelsFile();
  file.checksum.back() = file.checksum.back() == '0' ? '1' : '0';
  auto object = device->loadObject(file, symbols);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.failure().where, file.path);
  EXPECT_NE(object.failure().what.find(file.checksum), std::string::npos);
}

TEST_P(Computing, RefusesMissingFilesSymbolsAndWhatIsNoObject) {
  auto missing = device->loadObject({"no/such/file.so", ""}, symbols);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.failure().where, "no/such/file.so");

  auto lacking = device->loadObject(kernelsFile(), std::vector<std::string>{"cts_nothing"});
  ASSERT_FALSE(lacking);
  EXPECT_NE(lacking.failure().what.find("cts_nothing"), std::string::npos);

  std::string path = testing::TempDir() + "dsv3-cts-" + GetParam().name + ".so";
  std::ofstream(path) << "no object";
  EXPECT_FALSE(device->loadObject({path, hash128("no object").hex()}, symbols));
  std::remove(path.c_str());
}

TEST(CpuDevice, TellsKernelsOfTheCore) {
  auto device = makeCpu<1>();
  ASSERT_TRUE(device);
  auto object = (*device)->loadObject(cpuKernels(), std::vector<std::string>{"cts_core"});
  ASSERT_TRUE(object) << object.failure().message();
  int32_t told[] = {-1, -1};
  Program program;
  program.kernels = {{"cts_core", {}, {-1, 1, 1, 1, 1}, 0}};
  program.commands = {{Command::Kind::Launch, 0, -1, 0}};
  program.args = {told};
  auto executable = (*device)->prepare(program, **object);
  ASSERT_TRUE(executable) << executable.failure().message();
  ASSERT_TRUE((*device)->run(**executable, {}, nullptr));
  EXPECT_EQ(told[0], asksFirstLevel() ? 1 : 0);
  EXPECT_EQ(told[1], assistsSubnormals() ? 1 : 0);
}

static const Candidate computing[] = {
    {"cpu1", makeCpu<1>, cpuKernels},    {"cpu2", makeCpu<2>, cpuKernels},
    {"cpu3", makeCpu<3>, cpuKernels},    {"cpu8", makeCpu<8>, cpuKernels},
    {"cuda0", makeCuda, gpuKernels},     {"sim1", makeSim<1, 0>, gpuKernels},
    {"sim2", makeSim<2, 0>, gpuKernels}, {"sim2seed7", makeSim<2, 7>, gpuKernels}};
static const auto nameOf = [](const auto &info) { return info.param.name; };
INSTANTIATE_TEST_SUITE_P(Null, Conformance,
                         testing::Values(Candidate{"null", makeNull, cpuKernels}), nameOf);
INSTANTIATE_TEST_SUITE_P(Devices, Conformance, testing::ValuesIn(computing), nameOf);
INSTANTIATE_TEST_SUITE_P(Devices, Computing, testing::ValuesIn(computing), nameOf);
