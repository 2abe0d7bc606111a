//===- Block.h - runs a block of a launch at a time -------------*- C++ -*-===//
//
// A worker's block: its threads as fibers, which change when one has to wait for others.
// Cluster.h runs it, beside others where blocks work together.
// With a seed, who goes on is chosen by it, and asynchronous copies come early or late;
// without, lanes and warps go on in their order and copies come as late as they may. Where
// nobody can go on, that is a failure that says who waits where.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/drivers/sim/Async.h"
#include "runtime/drivers/sim/Region.h"
#include "runtime/drivers/sim/Warp.h"
#include "runtime/drivers/sim/check/Checker.h"
#include "runtime/drivers/sim/predict/Meter.h"
#include "runtime/kernels/sim/entry.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::runtime::sim {

/// Shared memory begins at multiples of this, and between its arrays lies as much: eight rows of
/// all banks, so that arrays are in the banks that they are in without, and swizzled as without.
inline constexpr size_t sharedGap = 1024;
inline constexpr size_t mostArrays = 32;
/// bar.sync has so many, of which number 0 is the block's.
inline constexpr size_t namedBarriers = 16;

/// What a block runs.
struct BlockWork {
  const dsv3::sim::Entry *entry = nullptr;
  void *const *parameters = nullptr;
  size_t threads = 0;
  size_t sharedBytes = 0;
  int64_t registers = 0;      ///< of a thread on the chip whose times are predicted; 0: not known
  plan::LaunchGrid grid;      ///< blocks; those of a cluster have neighbouring numbers
  int64_t tiles = 0;          ///< that these share
  bool dependent = false;     ///< may begin before earlier launches have ended
  uint64_t seed = 0;          ///< 0: all in order
  Checker *checker = nullptr; ///< of every access, where there is one
  Meter *meter = nullptr;     ///< likewise; not both
};

/// What went wrong in a block.
struct BlockFailure {
  std::string what;
  int64_t block = 0;
  int thread = 0;
  const void *site = nullptr; ///< in the code of the kernel; null if unknown
};

class Cluster;

/// Used by one thread at a time.
class Block {
public:
  /// The block of that rank in `cluster`, which outlives it.
  static Expected<std::unique_ptr<Block>> create(Cluster &cluster, int rank);

  /// Fails where there are no stacks for so many threads.
  Status prepare(const BlockWork &next);
  /// Block number `number` of the work that was prepared begins.
  void begin(int64_t number);
  /// Has a warp go on until it waits, or a copy end; false if none can.
  bool runWarp();
  bool endCopy();
  /// All threads have ended, or one failed. Says what is still under way though nothing waits for
  /// it.
  void end();
  /// Threads that have not ended never will: all begin anew.
  void abandon();
  /// Nobody can go on.
  void describeStuck();

  size_t threadsLeft() const { return left; }
  /// Whether a thread waits for a barrier in shared memory.
  bool waitsForPhase() const;
  const std::optional<BlockFailure> &failed() const { return failure; }
  std::span<std::byte> sharedMemory() { return shared; }
  size_t warpCount() const { return warps.size(); }
  uint64_t random();
  /// The thread that runs touched memory at `address` that is not there. Does not return.
  void fault(const void *address, const void *code);

private:
  Block(std::unique_ptr<StackRegion> region, Cluster &cluster, int rank)
      : region(std::move(region)), cluster(cluster), rank(rank) {}
  static const dsv3::sim::Machine machine;
  static void laneMain(void *lane);

  /// The instructions: called on the fibers of lanes.
  static void syncBlock(MachineThread &thread);
  static void syncWarp(MachineThread &thread);
  static unsigned shuffle(MachineThread &thread, Source source, unsigned value, unsigned from);
  static unsigned ballot(MachineThread &thread, bool vote);
  static void loadMatrices(MachineThread &thread, const void *row, unsigned (&fragment)[4]);
  static void loadTransposed(MachineThread &thread, const void *row, unsigned (&fragment)[4]);
  static void storeMatrices(MachineThread &thread, void *row, const unsigned (&fragment)[4]);
  static void multiplyMatrices(MachineThread &thread, float (&sums)[4], const unsigned (&a)[4],
                               unsigned b0, unsigned b1);
  static void multiplyCodes(MachineThread &thread, float (&sums)[4], const unsigned (&a)[4],
                            unsigned b0, unsigned b1);
  static void copyAsync(MachineThread &thread, void *to, const void *from, int bytes);
  static void commitCopies(MachineThread &thread);
  static void waitForCopies(MachineThread &thread, int pending);
  static void atomicLeast(MachineThread &thread, unsigned long long *place,
                          unsigned long long value);
  static void atomicSum(MachineThread &thread, unsigned long long *place, unsigned long long value);
  static unsigned long long loadVolatile(MachineThread &thread, const unsigned long long *place);
  static unsigned char *sharedArray(MachineThread &thread, int number, long long offset,
                                    long long bytes);
  static void observe(MachineThread &thread, const void *place, unsigned bytes, bool store,
                      const void *site);
  static void initBarrier(MachineThread &thread, unsigned long long *place, int arrivals);
  static void arrive(MachineThread &thread, unsigned long long *place, int bytes);
  static bool tryWait(MachineThread &thread, unsigned long long *place, int parity);
  static void fence(MachineThread &thread, dsv3::sim::Fence kind);
  static void copyTensor(MachineThread &thread, void *to, const dsv3::sim::TensorMap *map,
                         int column, int row, unsigned long long *place);
  static void copyToBlocks(MachineThread &thread, void *to, const dsv3::sim::TensorMap *map,
                           int column, int row, unsigned long long *place, unsigned mask);
  static void storeTensor(MachineThread &thread, const void *from, const dsv3::sim::TensorMap *map,
                          int column, int row);
  static void commitStores(MachineThread &thread);
  static void waitForStores(MachineThread &thread, int pending);
  static void arriveCluster(MachineThread &thread);
  static void waitForCluster(MachineThread &thread);
  static void *ofBlock(MachineThread &thread, void *place, int rank);
  static void syncNamed(MachineThread &thread, int number, int threads);
  static unsigned sharedAddress(MachineThread &thread, const void *place);
  static void multiplyGroup(MachineThread &thread, float *sums, int count, unsigned long long a,
                            unsigned long long b, bool adds);
  static void multiplyFragment(MachineThread &thread, float (&sums)[dsv3::sim::productSums],
                               const unsigned (&a)[4], unsigned long long b, bool transposed);
  static void multiplyGroupOfCodes(MachineThread &thread, float (&sums)[dsv3::sim::productSums],
                                   unsigned long long a, unsigned long long b, bool adds);
  static void commitProducts(MachineThread &thread);
  static void waitForProducts(MachineThread &thread, int pending);
  static void setRegisters(MachineThread &thread, int count);
  static void waitForEarlierLaunches(MachineThread &thread);

  /// Parts of these.
  size_t offsetOf(const void *place);
  /// The block of the cluster in whose shared memory a place is; this one if in none.
  Block &ownerOf(const void *place);
  static SharedBarrier &barrierAt(Lane &lane, const unsigned long long *place, const void *site);
  static void endPhase(SharedBarrier &barrier);
  void checkSource(Lane &lane, const TensorBox &box, const void *site);
  void checkPlace(const Lane &lane, const TensorBox &box, const void *site);
  /// A copy that a lane, of any block of the cluster, asks for to this block.
  void beginCopy(Lane &lane, const TensorBox &box, const unsigned long long *place,
                 const void *site);
  void checkCopy(Lane &lane, const TensorBox &box, const void *site);
  void checkStore(Lane &lane, const TensorBox &box, const void *site);
  void useMark(Lane &lane, const void *site);
  void finishCopy(size_t index);
  void joinProducts(Lane &lane, const ProductStep &step, const void *site);
  void completeProducts(Warp &warp);
  bool beginProduct(Warp &warp, Lane &lane, const ProductStep &step);
  /// Reads `rows` rows of so many chunks.
  void checkMatrix(Warp &warp, const SharedMatrix &matrix, size_t firstRow, size_t rows,
                   size_t chunks);
  void finishGroups(const Warp &warp, uint32_t pending);

  void makeLanes();
  std::byte *sharedBegin();
  /// Of what lies from there on.
  size_t sharedSize() const { return shared.size() - sharedGap; }
  /// Brings what a lane has in `own` to the instruction `kind` of its warp and waits for the
  /// others; what the lane takes from it.
  Exchange &join(Lane &lane, Wait kind, const Exchange &own, const void *site);
  /// An ldmatrix of `kind`, at `site`.
  static void loadRow(MachineThread &thread, Wait kind, const void *row, unsigned (&fragment)[4],
                      const void *site);
  /// An mma.sync of `kind`, at `site`; `own` has the lane's fragments.
  static void multiply(MachineThread &thread, Wait kind, float (&sums)[4], const unsigned (&a)[4],
                       std::array<unsigned, 2> b, const void *site);
  void complete(Warp &warp);
  /// All threads of a named barrier are there: they know what each did, and go on.
  void completeNamed(const Lane &last, std::vector<Lane *> &arrived, const void *site);
  /// Lets others run until this lane can go on.
  void pause(Lane &lane, Wait kind, const void *site);
  void startFiber(Lane &lane);
  /// Runs another lane of the warp, or where none can, the scheduler.
  void leave(Lane &lane);
  void end(Lane &lane);
  void enter(Lane &lane);
  Lane &choose(const Warp &warp, uint32_t after);
  Warp *chooseWarp();
  /// Ends the block for the reason that is given. Does not return, which the compiler need not
  /// know: AddressSanitizer would look at the fiber's stack and not recognise it.
  void fail(const Lane &lane, std::string what, const void *site);
  void checkEnd();
  bool observes() const { return work.checker || work.meter; }
  /// Whether a place belongs to the machine: a stack, what fibers know of themselves.
  bool isMachine(const Lane &lane, const void *place) const;
  /// Checks an access and keeps it for the counters.
  void check(Lane &lane, const AccessEntry &access);
  void checkRemote(const Lane &lane, const AccessEntry &access);
  void perform(Lane &lane, const PendingCopy &copy);
  /// Lanes of the warp are in step: what they did since they last were is counted.
  void flush(const Warp &warp);
  bool coin() { return work.seed != 0 && (random() & 1) != 0; }

  std::unique_ptr<StackRegion> region;
  Cluster &cluster;
  int rank; ///< in the cluster
  BlockWork work;
  Fiber scheduler;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<std::byte> shared;
  std::vector<std::vector<AccessEntry>> accesses; ///< of each lane, while they are checked
  AsyncState async;
  int64_t index = 0;
  size_t left = 0;      ///< lanes that have not ended
  size_t atBarrier = 0; ///< of the block
  std::array<std::vector<Lane *>, namedBarriers> atNamed;
  size_t lastWarp = 0;
  uint64_t randomState = 0;
  std::optional<BlockFailure> failure;
};

} // namespace dsv3::runtime::sim
