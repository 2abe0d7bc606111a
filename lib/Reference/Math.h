//===- Math.h - the formulas of the model on tensors ------------*- C++ -*-===//
//
// Private to lib/Reference: what dsv3 ops and core ops of kern both mean. Results are
// not rounded; the caller does that.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Reference/Interpreter.h"
#include "dsv3/Reference/Tensor.h"

#include <optional>
#include <vector>

namespace dsv3::reference {

/// A weight as an operand: data, and scales with their block where it is one of codes. A block
/// has `scaleNumbers` numbers: a scale, and an offset if they are two.
struct WeightView {
  const Tensor *data = nullptr;
  const Tensor *scales = nullptr;
  int64_t blockRows = 0, blockColumns = 0, scaleNumbers = 1;
};

/// The weight's values [groups * rows, columns]; in f32 mode code × scale (+ offset) is rounded
/// once.
Tensor expandWeight(const WeightView &weight, Precision precision);

/// Codes of FP8, not yet rounded, and scales of dsv3.quantise.
std::pair<Tensor, Tensor> quantiseF8(const Tensor &x, int64_t group, bool ue8m0);
/// Codes of i8 and scales of dsv3.quantise.
std::pair<Tensor, Tensor> quantiseI8(const Tensor &x, int64_t group);

/// Calls body(i) for i < count, in runs of neighbours on the threads of the context.
void parallel(mlir::MLIRContext *context, int64_t count, llvm::function_ref<void(int64_t)> body);

/// sum_k x[k] * w[k], in four interleaved sums.
double dot(const double *x, const double *w, int64_t n);

// Products use the threads of `context`; no sum is cut into parts, so their number does
// not change a bit.

/// result[t, n] = x[t] · w[n] for w [N, K].
Tensor product(mlir::MLIRContext *context, const Tensor &x, const Tensor &weight);
/// result[t, h, n] = x[t, h] · w[h, n] for x [T, h, K], w [h, N, K].
Tensor headProduct(mlir::MLIRContext *context, const Tensor &x, const Tensor &weight);
/// Entry i of expert e: x[rows ? rows[i] : i] · w[e, n].
Tensor groupedProduct(mlir::MLIRContext *context, const Tensor &x, const Tensor &offsets,
                      const Tensor *rows, const Tensor &weight, int64_t entries);

Tensor rmsNorm(const Tensor &x, const Tensor &weight, double eps);
/// silu(gate) * up for rows of gate, then up.
Tensor siluMul(const Tensor &gateUp);
/// x [T, r] or [T, h, r]; cos, sin [T, r/2].
Tensor rope(const Tensor &x, const Tensor &cos, const Tensor &sin);
/// cos and sin, as dsv3.rope_table says.
std::pair<Tensor, Tensor> ropeTable(const Tensor &positions, llvm::ArrayRef<float> frequencies,
                                    float multiplier);

struct RouterChoice {
  int64_t groups, topGroups, topK;
  double scale;
  bool normalise;
};
/// Experts and weights, heaviest first. In f32 mode scores are rounded where float32
/// code rounds them, so that ties are the same.
std::pair<Tensor, Tensor> route(const Tensor &logits, const Tensor &bias,
                                const RouterChoice &choice, Precision precision);
struct Dispatched {
  Tensor offsets, rows, slots;
};
std::optional<Dispatched> dispatch(const Tensor &experts, int64_t numExperts);
Tensor combine(const Tensor &x, const Tensor &slots, const Tensor &weights);

/// The tokens of a step: position and request of each.
struct StepTokens {
  const Tensor &positions, &requests;
};
/// Attention over latents [T, h, c]; nullopt if a position was never appended.
std::optional<Tensor> latentAttention(const Tensor &query, const Tensor &ropeQuery,
                                      const StepTokens &tokens, const LatentCache &cache,
                                      int64_t layer, double scale);
/// How kern.latent_attention divides the keys of a token: `count` parts of whole pages.
struct KeyParts {
  int64_t count, pageTokens, leastPages = 1;
};
/// What it leaves of them, [T, h, parts * (c + 2)]; likewise.
std::optional<Tensor> latentParts(const Tensor &query, const Tensor &ropeQuery,
                                  const StepTokens &tokens, const LatentCache &cache, int64_t layer,
                                  double scale, KeyParts parts);
/// kern.attention_combine
Tensor combineParts(const Tensor &partials, int64_t parts);
/// Attention with keys and values expanded by kv_b [h, n + v, c].
std::optional<Tensor> expandedAttention(const Tensor &query, const Tensor &ropeQuery,
                                        const Tensor &kvB, const StepTokens &tokens,
                                        const LatentCache &cache, int64_t layer, double scale);
/// What kern.expand_latents makes: keys [S, h, n], rope keys [S, r], values [h, v, S].
struct ExpandedTensors {
  Tensor keys, ropeKeys, values;
};
/// All S rows, those of a request, how many are made together, and rotated columns of a key.
struct ExpandedShape {
  int64_t allRows, requestRows, piece, rope;
};
/// kern.expand_latents with kv_b [h, n + v, c]; NaN where nobody writes. Nothing if a token sees a
/// position that was never appended.
std::optional<ExpandedTensors> expandLatents(const Tensor &kvB, int64_t nope,
                                             const StepTokens &tokens, const LatentCache &cache,
                                             int64_t layer, ExpandedShape shape);
/// kern.prefill_attention; `requestRows` as above. Positions and requests have been checked by what
/// made the keys.
Tensor prefillAttention(const Tensor &query, const Tensor &ropeQuery,
                        const ExpandedTensors &expanded, const StepTokens &tokens,
                        int64_t requestRows, double scale);

} // namespace dsv3::reference
