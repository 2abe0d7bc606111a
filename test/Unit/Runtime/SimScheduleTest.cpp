//===- SimScheduleTest.cpp - how keys are handed out to blocks ------------===//
//
// tile/schedule.cuh on the simulated GPU: each part of the keys of each token comes once, and
// blocks have about as much to do.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"

#include <algorithm>
#include <numeric>
#include <vector>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::inOrder;
using dsv3::test::SimRun;

namespace {

constexpr int64_t pageTokens = 64, mostTokens = 64;

/// How keys are divided.
struct Division {
  int64_t parts = 128, headTiles = 2, leastPages = 1;
};

struct Token {
  int32_t position, request;
};

/// What the blocks of a launch did: how many pages each, and for [token][part][head tile] how many
/// pages, which block.
struct Found {
  std::vector<int32_t> pages, ofPart, block;
  size_t items; ///< of all blocks
};

Found schedule(const std::vector<Token> &tokens, int64_t blocks, Division of = {}) {
  std::string parts = std::to_string(of.parts), headTiles = std::to_string(of.headTiles);
  SimRun sim(inOrder());
  sim.headers.emplace_back("tile/schedule");
  Status loaded = sim.load(
      "const int32 *positions, const int32 *requests, int32 *pages, int32 *ofPart, int32 *block, "
      "int32 *items",
      64,
      "  SharedArrays shared;\n"
      "  using C = Cache<const bf16, 512, 64, 64, 131072, 8>;\n"
      "  AttentionSchedule<64, 4, " +
          headTiles + ", " + parts + ", " + std::to_string(of.leastPages) +
          ", C> schedule(Launch{mark, number}, C{}, shared);\n"
          "  if (!schedule.load(positions, requests, " +
          std::to_string(tokens.size()) +
          ")) { return; }\n"
          "  if (threadIndex() == 0) {\n"
          "    schedule.forItems([&](const AttentionItem &item) {\n"
          "      pages[blockIndex()] += item.endPage - item.firstPage;\n"
          "      ++items[blockIndex()];\n"
          "      for (int t = item.first; t < item.first + item.count; ++t) {\n"
          "        int64 at = (t * " +
          parts + " + item.part) * " + headTiles +
          " + item.headTile;\n"
          "        ofPart[at] += item.endPage - item.firstPage;\n"
          "        block[at] = int(blockIndex());\n"
          "      }\n"
          "    });\n"
          "  }\n");
  EXPECT_TRUE(loaded) << loaded.failure().message();
  std::vector<int32_t> positions, requests;
  for (const Token &token : tokens) {
    positions.push_back(token.position);
    requests.push_back(token.request);
  }
  sim.add(positions);
  sim.add(requests);
  sim.add(std::vector<int32_t>(size_t(blocks)));
  sim.add(std::vector<int32_t>(tokens.size() * size_t(of.parts * of.headTiles)));
  sim.add(std::vector<int32_t>(tokens.size() * size_t(of.parts * of.headTiles), -1));
  sim.add(std::vector<int32_t>(size_t(blocks)));
  Status ran = sim.launch({blocks, (4 * mostTokens + 2) * 4});
  EXPECT_TRUE(ran) << ran.failure().message();
  std::vector<int32_t> items = sim.values<int32_t>(5);
  return {sim.values<int32_t>(2), sim.values<int32_t>(3), sim.values<int32_t>(4),
          size_t(std::accumulate(items.begin(), items.end(), 0))};
}

/// Of a token's pages part i has those from i * n on, n of them (kern.latent_attention).
int32_t pagesOf(const Token &token, int64_t parts, int64_t part) {
  int64_t pages = token.position / pageTokens + 1, each = (pages + parts - 1) / parts;
  return int32_t(std::clamp<int64_t>(pages - part * each, 0, each));
}

int64_t longestOf(const Found &found) {
  return *std::max_element(found.pages.begin(), found.pages.end());
}

/// Four tokens of each of four requests: the uneven batch by which FlashMLA and ThunderMLA are
/// compared.
std::vector<Token> unevenBatch() {
  std::vector<Token> tokens;
  for (int32_t request = 0; int32_t length : {4641, 45118, 1730, 1696}) {
    for (int32_t i = 0; i < 4; ++i) {
      tokens.push_back({length + i, request});
    }
    ++request;
  }
  return tokens;
}

} // namespace

TEST(AttentionSchedule, EachPartComesOnce) {
  // Neighbours of a request whose parts have as many pages, other numbers of them, and others
  // between; of 8191 and 8192 one has a page more in each part.
  std::vector<Token> tokens{{100, 0},   {101, 0},  {102, 0},  {103, 0},  {104, 0},
                            {0, 3},     {8190, 1}, {8191, 1}, {8192, 1}, {8193, 1},
                            {60000, 2}, {63, 3},   {64, 3},   {65, 0},   {60001, 2}};
  const std::vector<size_t> lastOf{3, 3, 3, 3, 4, 5, 7, 7, 9, 9, 10, 11, 12, 13, 14};
  constexpr auto parts = Division().parts, headTiles = Division().headTiles;
  for (int64_t blocks : {1, 7, 500}) {
    Found found = schedule(tokens, blocks);
    for (size_t t = 0; t < tokens.size(); ++t) {
      for (int64_t part = 0; part < parts; ++part) {
        for (int64_t tile = 0; tile < headTiles; ++tile) {
          size_t at = (t * size_t(parts) + size_t(part)) * size_t(headTiles) + size_t(tile);
          // Those of the last of the tokens that share it.
          int32_t expected = pagesOf(tokens[lastOf[t]], parts, part);
          EXPECT_EQ(found.ofPart[at], expected) << "token " << t << ", part " << part;
          EXPECT_EQ(found.block[at] >= 0, found.ofPart[at] > 0);
        }
      }
    }
  }
}

TEST(AttentionSchedule, PartsHaveNoFewerPagesThanTheyAreTo) {
  constexpr Division fours{128, 1, 4};
  EXPECT_EQ(schedule({{63, 0}}, 1, fours).items, 1);
  EXPECT_EQ(schedule({{255, 0}}, 1, fours).items, 1);
  EXPECT_EQ(schedule({{256, 0}}, 1, fours).items, 2);
  EXPECT_EQ(schedule({{256, 0}, {700, 0}}, 1, fours).items, 3) << "which share their parts";
  EXPECT_EQ(schedule({{128 * 4 * 64, 0}}, 1, fours).items, 103) << "five pages each";
}

TEST(AttentionSchedule, NeighboursOfARequestShareTheirKeys) {
  constexpr auto headTiles = Division().headTiles;
  EXPECT_EQ(schedule({{130, 0}, {131, 0}, {132, 0}, {133, 0}}, 3).items, 3 * headTiles);
  EXPECT_EQ(schedule({{130, 0}, {131, 1}, {132, 0}, {133, 0}}, 3).items, 9 * headTiles);
  EXPECT_EQ(schedule({{127, 0}, {128, 0}}, 3).items, 3 * headTiles) << "the second in one more";
  EXPECT_EQ(schedule({{8191, 0}, {8192, 0}}, 3).items, (128 + 65) * headTiles)
      << "parts of another length";
}

// The pages that the block with the most has. The longest part has 12 of 64, or 6 of 128. With
// parts in the order of the tokens it would be 24 of 78 blocks, or 12 of 132; with blocks in the
// same order in each round 14 and 27.
TEST(AttentionSchedule, BlocksHaveAboutAsMuchToDoInAnUnevenBatch) {
  constexpr int64_t pages = 73 + 706 + 28 + 27;
  auto most = [&](int64_t blocks, int64_t parts, int64_t leastPages = 1) {
    Found found = schedule(unevenBatch(), blocks, {parts, 1, leastPages});
    EXPECT_EQ(std::accumulate(found.pages.begin(), found.pages.end(), int64_t(0)), pages);
    return longestOf(found);
  };
  EXPECT_EQ(most(132, 128), 7) << "6.3 on average";
  EXPECT_EQ(most(132, 128, 2), 8) << "as bundles for sm_90a have it";
  EXPECT_EQ(most(132, 64), 12);
  EXPECT_EQ(most(78, 64), 13) << "10.7 on average";
  EXPECT_EQ(most(40, 64), 26) << "20.9 on average";
}
