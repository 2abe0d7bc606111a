//===- InPlaceTest.cpp - weights that stay in the checkpoint --------------===//

#include "SmallCheckpoint.h"

#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Plan/PlanFile.h"
#include "runtime/params/ParameterStore.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

using namespace dsv3;
using namespace dsv3::plan;
using namespace dsv3::runtime;
using namespace dsv3::test;

static constexpr int64_t panelWidth = 16, columns = 64;

/// Gate and up of three experts in layers 1 and 3, two projections that were merged, and a norm.
static Plan somePlan() {
  Parameter experts;
  experts.name = "experts", experts.type = DType::BF16, experts.groups = 3, experts.parts = 2;
  experts.rows = 96, experts.columns = columns, experts.layers = {1, 3};
  experts.segments = {{"{layer}.gate.{expert}", "", 48, columns, 0, 0, 48, false},
                      {"{layer}.up.{expert}", "", 48, columns, 0, 0, 48, false}};
  Parameter merged;
  merged.name = "merged", merged.type = DType::BF16, merged.rows = 48, merged.columns = columns;
  merged.segments = {{"q", "", 64, columns, 0, 16, 32, false},
                     {"kv", "", 16, columns, 0, 0, 16, false}};
  Parameter norm;
  norm.name = "norm", norm.type = DType::BF16, norm.columns = columns;
  norm.segments = {{"norm", "", columns, 0, 0, 0, 1, false}};
  Plan plan = planOf({experts, merged, norm}, panelWidth);
  plan.parameters[0].layouts[1] = plan.parameters[1].layouts[1] = {LayoutKind::InPlace, panelWidth};
  plan.parameters[2].layouts[1] = Layout();
  return plan;
}

/// The row that the table of a parameter says is `row` of a group.
static const std::byte *rowAt(const Plan &plan, const ParameterStore &store, size_t parameter,
                              int64_t layer, int64_t group, int64_t row) {
  PackedShape shape(plan.parameters[parameter], {LayoutKind::InPlace, panelWidth});
  const std::byte *table = store.data(parameter, layer), *panel = nullptr;
  for (int64_t i = 0; i < shape.panelCount(); ++i) {
    auto [ofGroup, first] = shape.panelBegin(i);
    if (ofGroup == group && row >= first && row < first + panelWidth) {
      std::memcpy(static_cast<void *>(&panel), table + i * int64_t(sizeof panel), sizeof panel);
      return panel + (row - first) * columns * 2;
    }
  }
  return nullptr;
}

static void expectRows(const Plan &plan, const ParameterStore &store, const Tensors &tensors) {
  auto is = [&](const std::byte *row, const char *key, int64_t rowOfTensor) {
    const std::vector<std::byte> &bytes = tensors.at(key).bytes;
    return std::memcmp(row, bytes.data() + rowOfTensor * columns * 2, columns * 2) == 0;
  };
  EXPECT_TRUE(is(rowAt(plan, store, 0, 1, 0, 0), "1.gate.0", 0));
  EXPECT_TRUE(is(rowAt(plan, store, 0, 1, 2, 47), "1.gate.2", 47));
  EXPECT_TRUE(is(rowAt(plan, store, 0, 3, 1, 48), "3.up.1", 0));
  EXPECT_TRUE(is(rowAt(plan, store, 0, 3, 2, 95), "3.up.2", 47));
  EXPECT_TRUE(is(rowAt(plan, store, 1, -1, 0, 0), "q", 16));
  EXPECT_TRUE(is(rowAt(plan, store, 1, -1, 0, 31), "q", 47));
  EXPECT_TRUE(is(rowAt(plan, store, 1, -1, 0, 40), "kv", 8));
  EXPECT_EQ(std::memcmp(store.data(2, -1), tensors.at("norm").bytes.data(), columns * 2), 0);
}

static const std::byte *bytesOf(const checkpoint::Checkpoint &checkpoint, const char *key) {
  return checkpoint.bytes(*checkpoint.find(key)).data();
}

TEST(InPlace, TablesPointIntoTheCheckpoint) {
  Plan plan = somePlan();
  ASSERT_TRUE(validate(plan).ok()) << validate(plan).failure().message();
  Tensors tensors = randomTensors(plan);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  for (bool fetches : {true, false}) {
    LoadOptions options;
    options.threads = 2, options.fetches = fetches;
    uint64_t last = 0, all = 0;
    options.progress = [&](uint64_t done, uint64_t total) { last = done, all = total; };
    auto store = ParameterStore::load(plan, 1, checkpoint, options);
    ASSERT_TRUE(store.ok()) << store.failure().message();
    expectRows(plan, *store, tensors);
    EXPECT_EQ(rowAt(plan, *store, 0, 1, 1, 48), bytesOf(checkpoint, "1.up.1"));
    // The norm alone is packed.
    EXPECT_EQ(store->bytes().size(), weightBytes(plan, 1));
    EXPECT_EQ(store->bytes().size(), size_t(columns) * 2);
    EXPECT_EQ(inPlaceBytes(plan, 1), uint64_t(2) * (2 * 3 * 96 + 48) * columns);
    EXPECT_EQ(memoryNeeds(plan, 1).weights, weightBytes(plan, 1) + inPlaceBytes(plan, 1));
    EXPECT_TRUE(!fetches || last == all);
  }
}

TEST(InPlace, MadeUpRowsAreThoseOfOtherLayouts) {
  Plan plan = somePlan();
  auto rows = ParameterStore::dummy(plan, 0, 5), store = ParameterStore::dummy(plan, 1, 5);
  ASSERT_TRUE(rows.ok() && store.ok());
  for (int64_t layer : {1, 3}) {
    for (int64_t group = 0; group < 3; ++group) {
      for (int64_t row = 0; row < 96; ++row) {
        EXPECT_EQ(std::memcmp(rowAt(plan, *store, 0, layer, group, row),
                              rows->data(0, layer) + (group * 96 + row) * columns * 2, columns * 2),
                  0);
      }
    }
  }
}

TEST(InPlace, PackedWeightsOfAFileAreCompleted) {
  Plan plan = somePlan();
  Tensors tensors = randomTensors(plan);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  auto packed = ParameterStore::load(plan, 1, checkpoint);
  ASSERT_TRUE(packed.ok());
  for (std::span<const std::byte> part : packed->parts()) { // nothing in them moves
    EXPECT_LE(part.size(), size_t(columns) * 2);
  }
  auto fromSeed = ParameterStore::dummy(plan, 1, 5);
  ASSERT_TRUE(fromSeed.ok());
  ASSERT_TRUE(fromSeed->addInPlace(plan, checkpoint).ok());
  EXPECT_EQ(rowAt(plan, *fromSeed, 1, -1, 0, 32), bytesOf(checkpoint, "kv"));
  ASSERT_TRUE(packed->makeInPlace(plan, 5).ok());
  EXPECT_NE(rowAt(plan, *packed, 1, -1, 0, 32), bytesOf(checkpoint, "kv"));
}

TEST(InPlace, LoadingCanBeInterrupted) {
  Plan plan = somePlan();
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, randomTensors(plan));
  auto store = ParameterStore::load(plan, 1, checkpoint);
  ASSERT_TRUE(store.ok());
  std::atomic<bool> cancel = true;
  LoadOptions options;
  options.cancel = &cancel;
  Status added = store->addInPlace(plan, checkpoint, options);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.failure().what, "interrupted");
}

/// hugeBytes() is what the system says of the packed weights, made up or loaded.
TEST(InPlace, PagesOfWhatIsPackedAreKnown) {
  Plan plan = somePlan();
  Parameter &merged = plan.parameters[1]; // packed here, and larger than a huge page
  merged.rows += 32768;
  merged.segments.push_back({"head", "", 32768, columns, 0, 0, 32768, false});
  merged.layouts[1] = merged.layouts[0];
  auto store = ParameterStore::dummy(plan, 1, 0);
  ASSERT_TRUE(store.ok());
  ASSERT_GE(store->bytes().size(), hugePage);
  EXPECT_EQ(store->hugeBytes(), hugePageBytes(store->bytes()));
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, randomTensors(plan));
  store = ParameterStore::load(plan, 1, checkpoint);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(store->hugeBytes(), hugePageBytes(store->bytes()));
}

TEST(InPlace, AFileThatBecameShorterIsNamed) {
  Plan plan = somePlan();
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, randomTensors(plan));
  ASSERT_TRUE(checkpoint.map().ok());
  std::filesystem::path file = checkpoint.files()[0].path();
  std::filesystem::resize_file(file, 0);
  const checkpoint::TensorInfo *tensor = checkpoint.find("kv");
  Status read = checkpoint.fetch(*tensor, 0, tensor->byteCount);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.failure().where, file.string());
}
