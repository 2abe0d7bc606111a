//===- ResolveTest.cpp - calls expanded, arguments bound ------------------===//

#include "runtime/plan/Resolve.h"
#include "../Plan/SmallPlan.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

/// Addresses of the small plan that are numbers to compare with, never followed.
struct Places {
  static Address at(uintptr_t value) { return reinterpret_cast<Address>(value); }

  std::vector<Address> inputs{at(100), at(200)}, outputs{at(300)};
  EntryAddresses addresses{at(1'000'000), inputs, outputs, at(5000), 64, at(7000), {}};

  Places() {
    addresses.parameters.data = [](int32_t parameter, int64_t layer) {
      return at(uintptr_t(10'000 + parameter * 100 + layer));
    };
    addresses.parameters.scales = [](int32_t parameter, int64_t layer) {
      return at(uintptr_t(20'000 + parameter * 100 + layer));
    };
  }
};

std::vector<uintptr_t> argsOf(const Program &program, size_t command) {
  std::vector<uintptr_t> values;
  size_t end = command + 1 < program.commands.size() ? program.commands[command + 1].firstArg
                                                     : program.args.size();
  for (size_t i = program.commands[command].firstArg; i < end; ++i) {
    values.push_back(reinterpret_cast<uintptr_t>(program.args[i]));
  }
  return values;
}

} // namespace

TEST(Resolve, ExpandsCallsForTheirLayers) {
  plan::Plan plan = test::smallPlan();
  Expected<Program> program = resolve(plan, plan.entries[0], 0, Places().addresses);
  ASSERT_TRUE(program) << program.failure().message();

  using Kind = Command::Kind;
  std::vector<std::tuple<Kind, int32_t, int64_t>> commands;
  for (const Command &command : program->commands) {
    commands.emplace_back(command.kind, command.target, command.layer);
  }
  EXPECT_EQ(commands, (std::vector<std::tuple<Kind, int32_t, int64_t>>{{Kind::Launch, 0, -1},
                                                                       {Kind::Launch, 1, 0},
                                                                       {Kind::Observe, 0, 0},
                                                                       {Kind::Launch, 1, 1},
                                                                       {Kind::Observe, 0, 1},
                                                                       {Kind::Launch, 1, -1}}));
}

TEST(Resolve, BindsArgumentsToAddresses) {
  plan::Plan plan = test::smallPlan();
  plan.entries[0].instructions[1].args[0].offset = 256;
  Places places;
  Expected<Program> program = resolve(plan, plan.entries[0], 0, places.addresses);
  ASSERT_TRUE(program);
  // Input, parameter of the model (layer -1), arena.
  EXPECT_EQ(argsOf(*program, 0), (std::vector<uintptr_t>{100, 9'999, 1'000'000}));
  // Formal, data, scales, cache, page table, arena; layer 0 then layer 1.
  EXPECT_EQ(argsOf(*program, 1),
            (std::vector<uintptr_t>{1'000'256, 10'100, 20'100, 5000, 7000, 1'001'024}));
  EXPECT_EQ(argsOf(*program, 2), (std::vector<uintptr_t>{1'000'256}));
  EXPECT_EQ(argsOf(*program, 3),
            (std::vector<uintptr_t>{1'000'000, 10'101, 20'101, 5064, 7000, 1'001'024}));
  EXPECT_EQ(argsOf(*program, 5), (std::vector<uintptr_t>{1'000'000, 300}));
}

TEST(Resolve, TakesKernelsOfTheVariant) {
  plan::Plan plan = test::smallPlan();
  for (size_t variant : {0, 1}) {
    Expected<Program> program = resolve(plan, plan.entries[0], variant, Places().addresses);
    ASSERT_TRUE(program);
    ASSERT_EQ(program->kernels.size(), 2U);
    EXPECT_EQ(program->sizeCount, 2);
    EXPECT_EQ(program->kernels[1].symbol, "gemm");
    EXPECT_EQ(program->kernels[1].sizes, (std::vector<int32_t>{0, 1}));
    EXPECT_EQ(program->kernels[1].tiles, plan.kernels[1].variants[variant].tiles);
    EXPECT_EQ(program->kernels[0].scratchBytes, variant == 0 ? 0 : 64);
  }
}

TEST(Resolve, MissingParameterFailsByNameAndLayer) {
  plan::Plan plan = test::smallPlan();
  Places places;
  places.addresses.parameters.scales = [](int32_t, int64_t layer) -> const void * {
    return layer == 1 ? nullptr : Places::at(8);
  };
  Expected<Program> program = resolve(plan, plan.entries[0], 0, places.addresses);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.failure().where, "parameter 'gate_up' of layer 1");
}
