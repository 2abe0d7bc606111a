//===- SmallPlan.cpp - a plan that uses every kind of field ---------------===//

#include "SmallPlan.h"

using namespace dsv3;
using namespace dsv3::plan;

Plan test::smallPlan() {
  Plan plan;
  plan.identity = "0123456789abcdef";
  plan.policy = "f32";
  plan.families = "fedcba";
  plan.vocabSize = 32;
  plan.hiddenSize = 8;
  plan.layers = 2;
  plan.scaleBlock = {128, 128};
  plan.variants = {{"x86-64-v3", "v3.so", "00"}, {"x86-64-v4", "v4.so", "11"}};
  plan.sizes = {{"T"}, {"O"}};
  plan.cache = {DType::F32, 2, 4, 2, 64, 256, 1};

  Parameter embedding;
  embedding.name = "embedding", embedding.type = DType::BF16;
  embedding.rows = 32, embedding.columns = 8;
  embedding.segments = {{"model.embed_tokens.weight", "", 32, 8, 0, 0, 32, false}};
  embedding.layouts = {{}, {LayoutKind::Panels, 16}};
  Parameter gateUp;
  gateUp.name = "gate_up", gateUp.type = DType::F8E4M3;
  gateUp.groups = 3, gateUp.rows = 256, gateUp.columns = 8, gateUp.parts = 2;
  gateUp.scaleRows = 128, gateUp.scaleColumns = 128;
  gateUp.segments = {{"model.layers.{layer}.{expert}.gate",
                      "model.layers.{layer}.{expert}.gate_scale", 128, 8, 0, 0, 128, false},
                     {"model.layers.{layer}.{expert}.up", "model.layers.{layer}.{expert}.up_scale",
                      128, 8, 0, 0, 128, false}};
  gateUp.layers = {0, 1};
  gateUp.layouts = {{}, {LayoutKind::Panels, 32}};
  plan.parameters = {embedding, gateUp};

  Kernel embed{"embed", "embed", {0}, {{{0, 1, 4, 1, 0}, 0}, {{0, 1, 4, 1, 0}, 64}}};
  Kernel gemm{"gemm", "gemm", {0, 1}, {{{1, 2, 3, 5, 0}, 128}, {{-1, 1, 1, 1, 7}, 128}}};
  plan.kernels = {embed, gemm};

  Entry entry;
  entry.name = "decode", entry.role = "step";
  entry.maxTokens = 16, entry.maxima = {16, 4}, entry.arenaBytes = 4096;
  entry.inputs = {{"ids", DType::I32, 0, 1}, {"rows", DType::I32, 1, 1}};
  entry.outputs = {{"logits", DType::F32, 1, 32}};
  entry.observations = {{"hidden", DType::F32, 0, 8}};
  Body body;
  body.name = "moe";
  body.instructions = {{Opcode::Launch,
                        1,
                        -1,
                        {{ArgKind::Formal, 0, 0},
                         {ArgKind::Parameter, 1, 0},
                         {ArgKind::Scales, 1, 0},
                         {ArgKind::Cache, 0, 0},
                         {ArgKind::PageTable, 0, 0},
                         {ArgKind::Arena, 0, 1024}}},
                       {Opcode::Observe, 0, -1, {{ArgKind::Formal, 0, 0}}}};
  entry.bodies = {body};
  entry.instructions = {
      {Opcode::Launch,
       0,
       -1,
       {{ArgKind::Input, 0, 0}, {ArgKind::Parameter, 0, 0}, {ArgKind::Arena, 0, 0}}},
      {Opcode::Call, 0, 0, {{ArgKind::Arena, 0, 0}}},
      {Opcode::Call, 0, 1, {{ArgKind::Arena, 0, 0}}},
      {Opcode::Launch, 1, -1, {{ArgKind::Arena, 0, 0}, {ArgKind::Output, 0, 0}}}};
  plan.entries = {entry};
  return plan;
}
