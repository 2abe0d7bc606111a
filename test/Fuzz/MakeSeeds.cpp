//===- MakeSeeds.cpp - seeds of binary formats ----------------------------===//
//
// usage: fuzz-make-seeds FOLDER
//
// Written while building, so that they are always of the present format.
//
//===----------------------------------------------------------------------===//
#include "../Unit/Checkpoint/WriteSafetensors.h"
#include "../Unit/Plan/SmallPlan.h"

#include "dsv3/Plan/PlanFile.h"

#include <cstdio>
#include <fstream>

using namespace dsv3;
using namespace dsv3::checkpoint;

static void writeSafetensorsSeed(const std::filesystem::path &path) {
  std::vector<std::byte> bytes(64);
  std::vector<test::TensorView> tensors;
  auto add = [&](const char *name, DType type, std::vector<int64_t> shape, size_t size) {
    tensors.push_back({{name, type, std::move(shape)}, std::span(bytes).first(size)});
  };
  add("model.layers.0.self_attn.q_a_proj.weight_scale_inv", DType::F32, {2, 1}, 8);
  add("model.layers.1.mlp.experts.3.up_proj.weight", DType::BF16, {4, 5}, 40);
  add("model.layers.1.mlp.experts.4.up_proj.weight", DType::BF16, {4, 5}, 40);
  add("model.layers.0.self_attn.q_a_proj.weight", DType::F8E4M3, {7, 3}, 21);
  add("model.norm.weight", DType::F32, {}, 4);
  add("empty", DType::F32, {0, 9}, 0);
  Status written = test::writeSafetensors(path, tensors, {{"format", "pt"}});
  if (!written) {
    std::fprintf(stderr, "%s\n", written.failure().message().c_str());
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  plan::Plan plan = test::smallPlan();
  // A session wants room for the output of every token, and to choose tokens.
  plan.entries[0].maxima = {16, 16};
  plan.entries[0].inputs.push_back({"sampling", DType::I32, 1, 7});
  plan.entries[0].outputs.push_back({"tokens", DType::I32, 1, 1});
  std::ofstream(folder / "plan.dsv3", std::ios::binary) << plan::serialise(plan);
  // Forged: a small file that expands to more launches than fit in memory.
  plan::Entry &entry = plan.entries[0];
  entry.bodies[0].instructions.assign(20'000, {plan::Opcode::Launch, 1, -1, {}});
  entry.instructions.assign(20'000, {plan::Opcode::Call, 0, 0, {}});
  std::ofstream(folder / "expanding.dsv3", std::ios::binary) << plan::serialise(plan);
  writeSafetensorsSeed(folder / "small.safetensors");
  return 0;
}
