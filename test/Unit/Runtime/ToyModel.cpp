//===- ToyModel.cpp - a model whose logits are easily known ---------------===//

#include "ToyModel.h"

#include "dsv3/Support/Hash.h"

#include <bit>
#include <fstream>
#include <iterator>

using namespace dsv3;
using namespace dsv3::plan;
using namespace dsv3::test;

enum ToyKernel : int32_t { Embed, Join, Append, Attend, Head, Choose };
enum ToyInput : int32_t {
  Ids,
  Positions,
  Requests,
  Rows,
  Sampling,
  Hidden = Sampling ///< in its place, of the MTP module
};

static std::vector<Parameter> toyParameters() {
  Parameter table;
  table.name = "table", table.rows = toyVocabulary, table.columns = toyHidden;
  table.segments = {{"table", "", toyVocabulary, toyHidden, 0, 0, toyVocabulary, false}};
  table.layouts = {{}};
  Parameter weight;
  weight.name = "weight", weight.rows = 1, weight.columns = toyHidden;
  weight.segments = {{"layers.{layer}.weight", "", 1, toyHidden, 0, 0, 1, false}};
  weight.layers = {0, 1, 2};
  weight.layouts = {{}};
  return {table, weight};
}

static Arg arena(int64_t offset) { return {ArgKind::Arena, 0, offset}; }
static Arg formal(int32_t index) { return {ArgKind::Formal, index, 0}; }
static Arg input(int32_t index) { return {ArgKind::Input, index, 0}; }
static Arg output(int32_t index) { return {ArgKind::Output, index, 0}; }
static Arg parameter(int32_t index) { return {ArgKind::Parameter, index, 0}; }
static const Arg cache{ArgKind::Cache, 0, 0}, pageTable{ArgKind::PageTable, 0, 0};

static Entry toyEntry(std::string name, int64_t minTokens, int64_t maxTokens) {
  Entry entry;
  entry.name = std::move(name), entry.role = "step";
  entry.minTokens = minTokens, entry.maxTokens = maxTokens;
  entry.maxima = {maxTokens, maxTokens};
  int64_t second = maxTokens * toyHidden * int64_t(sizeof(float));
  entry.arenaBytes = 2 * second;
  entry.inputs = {{"ids", DType::I32, 0, 1},
                  {"positions", DType::I32, 0, 1},
                  {"requests", DType::I32, 0, 1},
                  {"rows", DType::I32, 1, 1},
                  {"sampling", DType::I32, 1, samplingWords}};
  entry.outputs = {{"logits", DType::F32, 1, toyVocabulary},
                   {"normed", DType::F32, 1, toyHidden},
                   {"tokens", DType::I32, 1, 1}};
  entry.observations = {{"hidden", DType::F32, 0, toyHidden},
                        {"router.weights", DType::F32, 0, toyHidden}};
  // The input of each layer stands for a router's weights.
  entry.bodies = {{"layer",
                   {{Opcode::Launch,
                     Append,
                     -1,
                     {formal(0), input(Positions), input(Requests), cache, pageTable}},
                    {Opcode::Observe, 1, -1, {formal(0)}},
                    {Opcode::Launch,
                     Attend,
                     -1,
                     {formal(0), input(Positions), input(Requests), cache, pageTable, parameter(1),
                      formal(1)}}}}};
  entry.instructions = {{Opcode::Launch, Embed, -1, {input(Ids), parameter(0), arena(0)}},
                        {Opcode::Observe, 0, 0, {arena(0)}},
                        {Opcode::Call, 0, 0, {arena(0), arena(second)}},
                        {Opcode::Observe, 0, 1, {arena(second)}},
                        {Opcode::Call, 0, 1, {arena(second), arena(0)}},
                        {Opcode::Observe, 0, 2, {arena(0)}},
                        {Opcode::Launch, Head, -1, {arena(0), input(Rows), output(0), output(1)}},
                        {Opcode::Launch, Choose, -1, {output(0), input(Sampling), output(2)}}};
  return entry;
}

static Entry toyMtp() {
  Entry entry = toyEntry("mtp", 1, toyPrefill);
  int64_t second = entry.arenaBytes / 2;
  entry.role = "mtp";
  entry.inputs[Hidden] = {"hidden", DType::F32, 0, toyHidden};
  entry.outputs.pop_back();
  entry.instructions = {
      {Opcode::Launch, Join, -1, {input(Ids), parameter(0), input(Hidden), arena(0)}},
      {Opcode::Call, 0, 2, {arena(0), arena(second)}},
      {Opcode::Launch, Head, -1, {arena(second), input(Rows), output(0), output(1)}}};
  return entry;
}

ToyModel::ToyModel() {
  for (int v = 0; v < toyVocabulary; ++v) {
    for (int j = 0; j < toyHidden; ++j) {
      table[size_t(v)][size_t(j)] = float((v * 5 + j * 3) % 7 - 3);
    }
  }
  for (int layer = 0; layer <= toyLayers; ++layer) {
    for (int j = 0; j < toyHidden; ++j) {
      weights[size_t(layer)][size_t(j)] = float((layer + j) % 3 - 1) / 4;
    }
  }
  std::ifstream file(DSV3_TOY_KERNELS, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(file), {});
  kernels = {0, DSV3_TOY_KERNELS};

  plan.identity = "toy", plan.policy = "f32", plan.families = "toy";
  plan.vocabSize = toyVocabulary, plan.hiddenSize = toyHidden, plan.layers = toyLayers;
  plan.variants = {{"toy", "toy.so", hash128(bytes).hex()}};
  plan.sizes = {{"T"}, {"O"}};
  // Two requests, so that the rows of the page table lie apart.
  plan.cache = {DType::F32, toyLayers + 1, toyHidden - 1, 1, toyPageTokens, toyMaxContext, 2};
  plan.parameters = toyParameters();
  TileCount perToken{0, 1, 1, 1, 0};
  plan.kernels = {{"toy_embed", "toy", {0}, {{perToken, 0}}},
                  {"toy_join", "toy", {0}, {{perToken, 0}}},
                  {"toy_append", "toy", {0}, {{perToken, 0}}},
                  {"toy_attend", "toy", {0}, {{perToken, sizeof(ToyRow)}}},
                  {"toy_head", "toy", {0, 1}, {{{1, 1, 1, 1, 0}, 0}}},
                  {"toy_choose", "toy", {1}, {{{0, 1, 1, 1, 0}, 0}}}};
  plan.entries = {toyEntry("decode", 1, 1), toyEntry("rows", 2, 3),
                  toyEntry("prefill", 1, toyPrefill), toyMtp()};
}

runtime::ParameterAddresses ToyModel::parameters() const {
  runtime::ParameterAddresses addresses;
  addresses.data = [this](int32_t index, int64_t layer) -> const void * {
    return index == 0 ? table.data()->data() : weights[size_t(layer)].data();
  };
  return addresses;
}

std::vector<ToyRow> ToyModel::runLayer(std::span<const ToyRow> hidden, size_t layer) const {
  std::vector<ToyRow> result;
  ToyRow sum{};
  for (size_t t = 0; t < hidden.size(); ++t) {
    ToyRow row = hidden[t];
    for (size_t j = 0; j < toyHidden; ++j) {
      sum[j] += row[j] * float(t % 3 + 1);
      row[j] += weights[layer][j] * sum[j];
    }
    result.push_back(row);
  }
  return result;
}

static ToyRow normedOf(ToyRow row) {
  for (float &value : row) {
    value /= 2;
  }
  return row;
}

static ToyLogits logitsOf(const ToyRow &normed) {
  ToyLogits logits{};
  for (int v = 0; v < toyVocabulary; ++v) {
    for (int j = 0; j < toyHidden; ++j) {
      logits[size_t(v)] += normed[size_t(j)] * float((v * 7 + j * 3) % 11 - 5);
    }
  }
  return logits;
}

ToyAnswer ToyModel::answer(std::span<const int32_t> ids) const {
  ToyAnswer answer;
  std::vector<ToyRow> hidden;
  for (int32_t id : ids) {
    hidden.push_back(table[size_t(id)]);
  }
  answer.hidden.push_back(hidden);
  for (size_t layer = 0; layer < toyLayers; ++layer) {
    hidden = runLayer(hidden, layer);
    answer.hidden.push_back(hidden);
  }
  for (const ToyRow &row : hidden) {
    answer.normed.push_back(normedOf(row));
    answer.logits.push_back(logitsOf(answer.normed.back()));
  }
  return answer;
}

std::vector<ToyLogits> ToyModel::mtpAnswer(std::span<const int32_t> ids) const {
  std::vector<ToyRow> hidden = answer(ids).normed;
  hidden.pop_back();
  for (size_t t = 0; t < hidden.size(); ++t) {
    for (size_t j = 0; j < toyHidden; ++j) {
      hidden[t][j] += table[size_t(ids[t + 1])][j];
    }
  }
  std::vector<ToyLogits> logits;
  for (const ToyRow &row : runLayer(hidden, toyLayers)) {
    logits.push_back(logitsOf(normedOf(row)));
  }
  return logits;
}

int32_t dsv3::test::toyDraw(const SamplingRow &row) {
  uint32_t all = uint32_t(row.topK) + row.cut + row.least + row.drawHigh + row.drawLow;
  return int32_t((all + std::bit_cast<uint32_t>(row.scale)) % uint32_t(row.limit));
}

std::vector<int32_t> ToyModel::text(size_t length) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < length; ++i) {
    ids.push_back(int32_t((i * i * 3 + i * 5 + 1) % toyVocabulary));
  }
  return ids;
}
