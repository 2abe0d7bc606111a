//===- BundleTest.cpp - bundles that fit and bundles that do not ----------===//

#include "../Plan/SmallPlan.h"
#include "SmallCheckpoint.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "runtime/base/Cpu.h"
#include "runtime/bundle/Bundle.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {
/// A bundle of the small plan with objects that nobody loads.
class BundleTest : public testing::Test {
protected:
  BundleTest() : plan(smallPlan()) {
    plan.families = plan::familyTableHash();
    directory.write("config.json", "{}");
    directory.write("checkpoint", "/models/small\n");
    directory.write("v3.so", "");
    directory.write("v4.so", "");
    writePlan();
  }
  void writePlan() { directory.write("plan.dsv3", plan::serialise(plan)); }
  std::string openFailure() {
    auto bundle = Bundle::open(directory.path());
    return bundle.ok() ? "" : bundle.failure().message();
  }

  plan::Plan plan;
  TemporaryDirectory directory;
};
} // namespace

static bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST_F(BundleTest, OpensWhatFits) {
  EXPECT_TRUE(Bundle::isBundle(directory.path()));
  auto bundle = Bundle::open(directory.path());
  ASSERT_TRUE(bundle.ok()) << bundle.failure().message();
  EXPECT_EQ(bundle->plan(), plan);
  EXPECT_EQ(bundle->configText(), "{}");
  EXPECT_EQ(bundle->checkpoint(), std::filesystem::path("/models/small"));
  EXPECT_EQ(bundle->objectPath(1), directory.path() / "v4.so");
}

TEST_F(BundleTest, PackedWeightsHaveAPlaceForEachVariantAndKnowThePlan) {
  auto bundle = Bundle::open(directory.path());
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ(bundle->packedPath(1), directory.path() / ("packed." + plan.variants[1].name));
  EXPECT_NE(bundle->packedPath(0), bundle->packedPath(1));
  plan.identity += "0";
  writePlan();
  auto other = Bundle::open(directory.path());
  ASSERT_TRUE(other.ok()) << other.failure().message();
  EXPECT_NE(other->planHash(), bundle->planHash());
}

TEST_F(BundleTest, FlippedBytesOfThePlanAreSeen) {
  std::string bytes = plan::serialise(plan);
  for (size_t at : {size_t(0), size_t(9), size_t(40), bytes.size() - 1}) {
    std::string flipped = bytes;
    flipped[at] = char(flipped[at] ^ 1);
    directory.write("plan.dsv3", flipped);
    EXPECT_TRUE(contains(openFailure(), "plan.dsv3")) << at << ": " << openFailure();
    EXPECT_TRUE(contains(openFailure(), "dsv3-compile")) << at << ": " << openFailure();
  }
}

TEST_F(BundleTest, AnotherTableOfFamiliesIsRefused) {
  plan.families = "0000";
  writePlan();
  EXPECT_TRUE(contains(openFailure(), "another table of kernel families (0000)"));
  EXPECT_TRUE(contains(openFailure(), "compile the bundle again"));
}

TEST_F(BundleTest, APlanThatMakesNoSenseIsRefused) {
  plan.entries[0].instructions[0].target = 99;
  writePlan();
  EXPECT_TRUE(contains(openFailure(), "launches kernel 99")) << openFailure();
}

TEST_F(BundleTest, MissingFilesAreNamed) {
  for (const char *name : {"plan.dsv3", "config.json", "v4.so"}) {
    std::filesystem::rename(directory.path() / name, directory.path() / "aside");
    EXPECT_TRUE(contains(openFailure(), name)) << openFailure();
    std::filesystem::rename(directory.path() / "aside", directory.path() / name);
  }
  EXPECT_EQ(openFailure(), "");
}

TEST_F(BundleTest, VariantsAreChosenByNameIfTheMachineRunsThem) {
  auto bundle = Bundle::open(directory.path());
  ASSERT_TRUE(bundle.ok());
  auto best = bundle->chooseVariant("");
  // Those that the plan has, best first.
  std::vector<std::string_view> runnable = runnableVariants();
  std::erase_if(runnable, [&](std::string_view name) {
    return std::ranges::find(plan.variants, name, &plan::Variant::name) == plan.variants.end();
  });
  if (runnable.empty()) {
    EXPECT_FALSE(best.ok());
    return;
  }
  ASSERT_TRUE(best.ok()) << best.failure().message();
  EXPECT_EQ(plan.variants[*best].name, runnable.front());
  auto named = bundle->chooseVariant(runnable.back());
  ASSERT_TRUE(named.ok());
  EXPECT_EQ(plan.variants[*named].name, runnable.back());
  auto unknown = bundle->chooseVariant("sparc");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.failure().what,
            "expected a variant that there is code for (x86-64-v3, x86-64-v4), found 'sparc'");
  EXPECT_EQ(unknown.failure().where, directory.path().string());
}

TEST_F(BundleTest, AnotherCheckpointIsRefused) {
  TemporaryDirectory model;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(model, {{"a", {DType::F32, {0}, {}}}});
  auto bundle = Bundle::open(directory.path());
  ASSERT_TRUE(bundle.ok());
  Status status = bundle->checkIdentity(checkpoint);
  ASSERT_FALSE(status.ok());
  EXPECT_TRUE(contains(status.failure().message(), checkpoint.identity()));
  EXPECT_TRUE(contains(status.failure().message(), "dsv3-compile --model"));
  plan.identity = checkpoint.identity();
  writePlan();
  EXPECT_TRUE(Bundle::open(directory.path())->checkIdentity(checkpoint).ok());
  directory.write("config.json", checkpoint.configText() + " ");
  Status damaged = Bundle::open(directory.path())->checkIdentity(checkpoint);
  ASSERT_FALSE(damaged.ok());
  EXPECT_TRUE(contains(damaged.failure().message(), "config.json: expected the text of"));
}
