//===- SessionPlanTest.cpp - what a session asks of its device ------------===//
//
// On the null device: which entries run with which sizes, how much memory is
// asked for, and which plans are refused. No kernel runs.
//
//===----------------------------------------------------------------------===//

#include "ToyModel.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "runtime/drivers/null/NullDevice.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::test;

namespace {

struct SessionPlan : testing::Test {
  ToyModel model;
  NullDevice device;

  Expected<std::unique_ptr<Session>> create(const SessionOptions &options = {}) {
    return Session::create(device, model.plan, model.kernels, model.parameters(), options);
  }
  std::unique_ptr<Session> start(const SessionOptions &options = {}) {
    auto session = create(options);
    EXPECT_TRUE(session) << session.failure().message();
    return std::move(*session);
  }
  /// Why the plan is refused.
  Failure refusal(const SessionOptions &options = {}) {
    auto session = create(options);
    EXPECT_FALSE(session);
    return session ? Failure{""} : session.failure();
  }
  /// "decode 1 1; …": entries that ran with T and O, since the last call.
  std::string takeRuns() {
    std::string text;
    for (const NullDevice::Run &run : device.runs) {
      text += (text.empty() ? "" : "; ") + run.program + " " + std::to_string(run.sizes[0]) + " " +
              std::to_string(run.sizes[1]);
    }
    device.runs.clear();
    return text;
  }
  int64_t bytesFor(std::string_view what) {
    auto found = std::ranges::find(device.allocations, what, &NullDevice::Allocation::what);
    return found == device.allocations.end() ? -1 : found->bytes;
  }
};

} // namespace

TEST_F(SessionPlan, FirstEntryThatAdmitsTheStepRuns) {
  auto session = start();
  ASSERT_TRUE(session->append(ToyModel::text(1)));
  EXPECT_EQ(takeRuns(), "decode 1 1");
  ASSERT_TRUE(session->append(ToyModel::text(3), OutputRows::All));
  EXPECT_EQ(takeRuns(), "rows 3 3");
  ASSERT_TRUE(session->append(ToyModel::text(4)));
  EXPECT_EQ(takeRuns(), "prefill 4 1");
  ASSERT_TRUE(session->append(ToyModel::text(18), OutputRows::All));
  EXPECT_EQ(takeRuns(), "prefill 8 8; prefill 8 8; rows 2 2");
  ASSERT_TRUE(session->appendMtp(ToyModel::text(9), std::vector<float>(9 * toyHidden)));
  EXPECT_EQ(takeRuns(), "mtp 8 1; mtp 1 1");
}

TEST_F(SessionPlan, ChunkLimitsSteps) {
  SessionOptions options;
  options.chunk = 3;
  auto session = start(options);
  ASSERT_TRUE(session->append(ToyModel::text(7)));
  EXPECT_EQ(takeRuns(), "rows 3 1; rows 3 1; decode 1 1");
}

TEST_F(SessionPlan, WithoutAFittingEntryTheLargestSmallerOneRuns) {
  model.plan.entries[2].minTokens = 7; // 4 to 6 tokens: no entry
  auto session = start();
  ASSERT_TRUE(session->append(ToyModel::text(5)));
  EXPECT_EQ(takeRuns(), "rows 3 1; rows 2 1");
}

TEST_F(SessionPlan, NoEntryForTheStepIsAFailure) {
  model.plan.entries.erase(model.plan.entries.begin(), model.plan.entries.begin() + 2);
  model.plan.entries[0].minTokens = 2;
  auto session = start();
  Status status = session->append(ToyModel::text(1));
  ASSERT_FALSE(status);
  EXPECT_NE(status.failure().what.find("1 tokens"), std::string::npos);
}

TEST_F(SessionPlan, MemoryIsWhatThePlanSays) {
  SessionOptions options;
  options.context = 9; // 3 pages
  auto session = start(options);
  EXPECT_EQ(bytesFor("the arena of a step"), 2 * toyPrefill * int64_t(sizeof(ToyRow)));
  EXPECT_EQ(bytesFor("the latent cache"),
            (toyLayers + 1) * 3 * toyPageTokens * int64_t(sizeof(ToyRow)));
  EXPECT_EQ(bytesFor("the page table"), 2 * toyMaxPages * 4);
  EXPECT_EQ(bytesFor("the port 'logits'"), toyPrefill * int64_t(sizeof(ToyLogits)));
  EXPECT_EQ(session->context(), 9);
  // All of it together is what is said before loading.
  plan::MemoryNeeds needs = plan::memoryNeeds(model.plan, model.kernels.variant);
  int64_t ports = 0;
  for (const NullDevice::Allocation &allocation : device.allocations) {
    ports += allocation.what.starts_with("the port") ? allocation.bytes : 0;
  }
  EXPECT_EQ(uint64_t(ports), needs.ports);
  EXPECT_EQ(uint64_t(bytesFor("the arena of a step")), needs.arena);
  EXPECT_EQ(bytesFor("the latent cache"), 3 * model.plan.cache.pageBytes());
}

TEST_F(SessionPlan, PortsHoldTheLargestStepWhereverItsEntryIs) {
  std::ranges::reverse(model.plan.entries); // the last one has one token
  auto session = start();
  EXPECT_EQ(bytesFor("the port 'ids'"), toyPrefill * int64_t(sizeof(int32_t)));
  EXPECT_EQ(bytesFor("the port 'logits'"), toyPrefill * int64_t(sizeof(ToyLogits)));
}

TEST_F(SessionPlan, PagesAreInOrderHoweverLongTheContext) {
  // As many pages as 200 000 tokens of a published model have.
  constexpr int64_t pages = 3125, unused = 7;
  model.plan.cache.maxContext = (pages + unused) * toyPageTokens;
  SessionOptions options;
  options.context = pages * toyPageTokens - 1; // the last page is not full
  auto session = start(options);
  EXPECT_EQ(bytesFor("the page table"), 2 * (pages + unused) * 4);
  // The table is the fifth argument of the kernel that appends.
  const Program &decode = device.programs[0];
  const auto *table = static_cast<const int32_t *>(decode.args[decode.commands[2].firstArg + 4]);
  for (int64_t i = 0; i < 2 * (pages + unused); ++i) {
    ASSERT_EQ(table[i], i < pages ? i : 0) << "entry " << i;
  }
}

TEST_F(SessionPlan, KernelsAreThoseOfTheVariant) {
  auto session = start();
  ASSERT_EQ(device.objects.size(), 1U);
  EXPECT_EQ(device.objects[0].path, model.kernels.objectPath);
  EXPECT_EQ(device.objects[0].checksum, model.plan.variants[0].checksum);
  EXPECT_EQ(device.programs.size(), 4U);
}

TEST_F(SessionPlan, ObservesOnlyForThoseWhoWantValues) {
  auto session = start();
  struct Watcher final : Observer {
    bool wanted = false;
    bool wantsValues() const override { return wanted; }
  } watcher;
  ASSERT_TRUE(session->append(ToyModel::text(1)));
  ASSERT_TRUE(session->append(ToyModel::text(1), OutputRows::Last, &watcher));
  watcher.wanted = true;
  ASSERT_TRUE(session->append(ToyModel::text(1), OutputRows::Last, &watcher));
  ASSERT_EQ(device.runs.size(), 3U);
  EXPECT_FALSE(device.runs[0].observed);
  EXPECT_FALSE(device.runs[1].observed);
  EXPECT_TRUE(device.runs[2].observed);
}

TEST_F(SessionPlan, HiddenOutputsAreDownloaded) {
  for (bool visible : {true, false}) {
    NullDevice other(visible);
    auto session = Session::create(other, model.plan, model.kernels, model.parameters(), {});
    ASSERT_TRUE(session);
    // The arguments of the last launch are logits, sampling and tokens. Kernels do not
    // run here: what stands there came from the test.
    const Program &decode = other.programs[0];
    auto arguments = std::span(decode.args).subspan(decode.commands.back().firstArg);
    auto *logits = static_cast<float *>(arguments[0]);
    auto *tokens = static_cast<int32_t *>(arguments[2]);
    logits[5] = 2.5F, tokens[0] = 7;
    const StepOutputs &outputs = (*session)->outputs();
    ASSERT_TRUE((*session)->append(ToyModel::text(1)));
    EXPECT_EQ(outputs.logits[5], 2.5F);
    EXPECT_EQ(outputs.logits.data() == logits, visible);
    EXPECT_TRUE(outputs.tokens.empty());
    // Where tokens are wanted nothing else is brought to the host.
    ASSERT_TRUE((*session)->appendSampled(ToyModel::text(1), {}, 9));
    EXPECT_EQ(static_cast<int32_t *>(arguments[1])[0], 9) << "the limit";
    EXPECT_EQ(outputs.tokens[0], 7);
    EXPECT_EQ(outputs.tokens.data() == tokens, visible);
    EXPECT_TRUE(outputs.logits.empty() && outputs.normed.empty());
  }
}

// The MTP module may admit more tokens than steps do, whose tokens are chosen.
TEST_F(SessionPlan, UploadsRowsForStepsAlone) {
  plan::Entry &mtp = model.plan.entries[3];
  mtp.maxTokens += 2, mtp.maxima = {mtp.maxTokens, mtp.maxTokens};
  auto session = start();
  for (double temperature : {0.0, 1.0}) {
    Status status = session->appendSampled(ToyModel::text(toyPrefill), {.temperature = temperature},
                                           toyVocabulary, OutputRows::All);
    EXPECT_TRUE(status) << status.failure().message();
  }
}

TEST_F(SessionPlan, RefusesOptionsBeyondThePlan) {
  SessionOptions options;
  options.context = 100;
  EXPECT_EQ(refusal(options).what, "expected a context of 1 to 38 tokens, found 100");
  options.context = -1;
  EXPECT_EQ(refusal(options).what, "expected a context of 1 to 38 tokens, found -1");
  options.context = toyMaxContext;
  EXPECT_TRUE(create(options));
  options.context = 0, options.chunk = -1;
  EXPECT_EQ(refusal(options).where, "--chunk");
}

TEST_F(SessionPlan, RefusesWhatItDoesNotKnow) {
  plan::Plan good = model.plan;
  auto &plan = model.plan;
  plan.entries[1].inputs[1].name = "angles";
  EXPECT_EQ(refusal().where, "entry 'rows'");
  EXPECT_NE(refusal().what.find("'angles'"), std::string::npos);
  plan = good, plan.entries[2].outputs[0].type = DType::BF16;
  EXPECT_EQ(refusal().what, "expected 16 columns of f32 for 'logits', found 16 of bf16");
  plan = good, plan.entries[0].inputs[3].size = 0;
  EXPECT_EQ(refusal().what, "expected O rows for 'rows', found T");
  plan = good, plan.sizes[1].name = "R";
  EXPECT_EQ(refusal().what, "expected the sizes T and O, found 'R'");
  plan = good, plan.sizes.pop_back();
  EXPECT_EQ(refusal().what, "expected the sizes T and O, found only one of them");
  plan = good, plan.entries[3].role = "draft";
  EXPECT_EQ(refusal().what, "expected the role step or mtp, found 'draft'");
  plan = good, plan.entries[2].maxima[1] = 7;
  EXPECT_EQ(refusal().what, "expected sizes for steps of 8 tokens, found a maximum of 7");
  plan = good, plan.entries[2].maxima[0] = 6;
  EXPECT_EQ(refusal().what, "expected sizes for steps of 8 tokens, found a maximum of 6");
  plan = good, plan.entries[3].inputs.pop_back();
  EXPECT_EQ(refusal().where, "entry 'mtp'");
  plan = good, plan.entries[1].inputs.erase(plan.entries[1].inputs.begin());
  EXPECT_EQ(refusal().where, "entry 'rows'");
  plan = good, plan.entries[0].outputs.erase(plan.entries[0].outputs.begin());
  EXPECT_EQ(refusal().where, "entry 'decode'");
  plan = good, plan.entries[2].outputs.pop_back();
  EXPECT_EQ(refusal().where, "entry 'prefill'") << "without tokens";
  plan = good, plan.entries[2].inputs.pop_back();
  EXPECT_EQ(refusal().where, "entry 'prefill'") << "without sampling";
  plan = good, plan.entries.erase(plan.entries.begin(), plan.entries.end() - 1);
  EXPECT_EQ(refusal().what, "expected an entry of the role step, found none");
}

TEST_F(SessionPlan, WithoutMtpEntryThereIsNoMtp) {
  model.plan.entries.pop_back();
  auto session = start();
  EXPECT_FALSE(session->hasMtp());
  ASSERT_TRUE(session->append(ToyModel::text(2)));
  Status status = session->appendMtp(ToyModel::text(1), std::vector<float>(toyHidden));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.failure().what, "the model has no MTP module");
}
