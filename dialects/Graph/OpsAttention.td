//===- OpsAttention.td - multi-head latent attention -----------*- tablegen -*-===//
//
// MLA (DeepSeek-V2, arXiv 2405.04434, section 2.1; DeepSeek-V3 report 2.1.1). h
// stands for heads, c for kv_lora_rank, r for qk_rope_head_dim, n for
// qk_nope_head_dim, v for v_head_dim. The low-rank projections themselves are
// dsv3.linear and dsv3.rms_norm.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_GRAPH_OPS_ATTENTION
#define DSV3_GRAPH_OPS_ATTENTION

include "Graph/GraphBase.td"

def Graph_RopeTableOp : Graph_Op<"rope_table", [Pure, AllTypesMatch<["cos", "sin"]>]> {
  let summary = "cosines and sines of the rotary angles";
  let description = [{
    With `angle = f32(positions[t]) * inverse_frequencies[i]` rounded to f32:
    `cos[t, i] = cos(angle) * multiplier`, `sin[t, i] = sin(angle) * multiplier`.
    YaRN (arXiv 2309.00071) is in the frequencies and the multiplier.

    Constraints:
    1. `positions` is [T]; `cos` and `sin` are [T, r/2], r/2 = number of frequencies.

    ```mlir
    %cos, %sin = dsv3.rope_table %positions {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.0 : f32} : tensor<?xi32, #dsv3.dims<"T">> -> tensor<?x2xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Ids:$positions, DenseF32ArrayAttr:$inverse_frequencies,
                       F32Attr:$multiplier);
  let results = (outs Graph_Float:$cos, Graph_Float:$sin);
  let assemblyFormat = "$positions attr-dict `:` type($positions) `->` type($cos)";
  let hasVerifier = 1;
}

def Graph_RopeOp : Graph_Op<"rope", [
    Pure, AllTypesMatch<["x", "result"]>, AllTypesMatch<["cos", "sin"]>]> {
  let summary = "rotation of interleaved pairs by position";
  let description = [{
    For each pair i: `result[2i] = x[2i] * cos[t, i] - x[2i+1] * sin[t, i]`,
    `result[2i+1] = x[2i] * sin[t, i] + x[2i+1] * cos[t, i]` (arXiv 2104.09864).
    transformers first moves even elements before odd ones; the permutation is the
    same for queries and keys, so scores do not change.

    Constraints:
    1. `x` is [T, r] or [T, h, r]; `cos` and `sin` are [T, r/2].

    ```mlir
    %y = dsv3.rope %x, %cos, %sin : tensor<?x4x8xf32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Float:$cos, Graph_Float:$sin);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `,` $cos `,` $sin attr-dict `:` type($x) `,` type($cos)";
  let hasVerifier = 1;
}

def Graph_CacheAppendOp : Graph_Op<"cache_append", [AllTypesMatch<["positions", "requests"]>]> {
  let summary = "writes latents and rotated keys into the cache";
  let description = [{
    Stores `latent[t, :]` and `key[t, :]` at position `positions[t]` of request
    `requests[t]`, in the pages of the current layer.

    Constraints:
    1. `latent` is [T, c], `key` is [T, r], c and r being the cache's.
    2. `positions` and `requests` are [T].

    ```mlir
    dsv3.cache_append %cache, %latent, %key, %positions, %requests : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>, tensor<?x32xf32, #dsv3.dims<"T">>, tensor<?x8xf32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Arg<Graph_CacheType, "", [MemWrite]>:$cache, Graph_Float:$latent,
                       Graph_Float:$key, Graph_Ids:$positions, Graph_Ids:$requests);
  let assemblyFormat = [{
    $cache `,` $latent `,` $key `,` $positions `,` $requests attr-dict
    `:` type($cache) `,` type($latent) `,` type($key) `,` type($positions)
  }];
  let hasVerifier = 1;
}

def Graph_CacheReadOp : Graph_Op<"cache_read"> {
  let summary = "latents and rotated keys of one request";
  let description = [{
    `latent[s, :]` and `key[s, :]` are what was appended at position s of `request`,
    for the first S positions.

    Constraints:
    1. `latent` is [S, c], `key` is [S, r], S a static size within the context.

    ```mlir
    %c, %k = dsv3.cache_read %cache request 0 : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1> -> tensor<5x32xf32>, tensor<5x8xf32>
    ```
  }];
  let arguments = (ins Arg<Graph_CacheType, "", [MemRead]>:$cache, I64Attr:$request);
  let results = (outs Graph_Float:$latent, Graph_Float:$key);
  let assemblyFormat = [{
    $cache `request` $request attr-dict `:` type($cache) `->` type($latent) `,` type($key)
  }];
  let hasVerifier = 1;
}

def Graph_CacheRewindOp : Graph_Op<"cache_rewind"> {
  let summary = "forgets the tail of a request";
  let description = [{
    Positions of `request` from `length` on, of all layers, hold nothing any more:
    what a rejected draft appended.

    Constraints:
    1. 0 ≤ length ≤ context, 0 ≤ request < requests.

    ```mlir
    dsv3.cache_rewind %cache request 0 length 3 : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>
    ```
  }];
  let arguments = (ins Arg<Graph_CacheType, "", [MemWrite]>:$cache, I64Attr:$request,
                       I64Attr:$length);
  let assemblyFormat = "$cache `request` $request `length` $length attr-dict `:` type($cache)";
  let hasVerifier = 1;
}

def Graph_MlaAttentionOp : Graph_Op<"mla_attention", [AllTypesMatch<["positions", "requests"]>]> {
  let summary = "latent attention with keys and values expanded from the latents";
  let description = [{
    For a token t of request ρ at position p, and each position s ≤ p of ρ, with
    latent `C[s]` and rotated key `K[s]` of the cache, and kv_b's rows of head h:
    `k = kv_b[h, 0:n] · C[s]`, `value = kv_b[h, n:n+v] · C[s]`,
    `score[s] = scale * (q_nope[t, h] · k + q_rope[t, h] · K[s])`,
    `result[t, h] = sum_s softmax(score)[s] * value[s]`. Softmax in f32.

    Constraints:
    1. `q_nope` is [T, h, n], `q_rope` is [T, h, r], `result` is [T, h, v].
    2. `kv_b` is [h, n + v, c], with `scales` [h, ceil((n + v)/bn), ceil(c/bk)] and `block` as in
       dsv3.linear.
    3. Tokens of the step have been appended before.

    ```mlir
    %o = dsv3.mla_attention %qn, %qr, %kvb, %cache, %positions, %requests scale 2.0e-01 : tensor<?x4x16xf32, #dsv3.dims<"T">>, tensor<?x4x8xf32, #dsv3.dims<"T">>, tensor<4x40x32xbf16>, !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>, tensor<?xi32, #dsv3.dims<"T">> -> tensor<?x4x24xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$q_nope, Graph_Float:$q_rope, Graph_Weight:$kv_b,
                       Arg<Graph_CacheType, "", [MemRead]>:$cache, Graph_Ids:$positions,
                       Graph_Ids:$requests, Optional<Graph_Scales>:$scales, F64Attr:$scale,
                       OptionalAttr<DenseI64ArrayAttr>:$block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $q_nope `,` $q_rope `,` $kv_b (`scales` $scales^ `block` $block)? `,` $cache `,` $positions `,` $requests
    `scale` $scale attr-dict `:` type($q_nope) `,` type($q_rope) `,` type($kv_b)
    (`scales` type($scales)^)? `,` type($cache) `,` type($positions) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_HeadLinearOp : Graph_Op<"head_linear", [Pure]> {
  let summary = "a weight of its own for each head";
  let description = [{
    `result[t, h, i] = sum_k x[t, h, k] * weight[h, i, k]`: with W_UK it takes
    queries into the latent space, with W_UV it takes latents to values (absorbed
    attention, DeepSeek-V2 report, section 2.1.2).

    Constraints:
    1. `x` is [T, h, K], `weight` is [h, N, K], `result` is [T, h, N].
    2. `scales` [h, ceil(N/bn), ceil(K/bk)] and `block` as in dsv3.linear.

    ```mlir
    %q = dsv3.head_linear %x, %w : tensor<?x4x16xf32, #dsv3.dims<"T">>, tensor<4x32x16xbf16> -> tensor<?x4x32xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Weight:$weight, Optional<Graph_Scales>:$scales,
                       OptionalAttr<DenseI64ArrayAttr>:$block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $x `,` $weight (`scales` $scales^ `block` $block)? attr-dict
    `:` type($x) `,` type($weight) (`,` type($scales)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_LatentAttentionOp : Graph_Op<"latent_attention", [
    AllTypesMatch<["positions", "requests"]>, AllTypesMatch<["q_latent", "result"]>]> {
  let summary = "attention over the latents themselves";
  let description = [{
    For a token t of request ρ at position p and each s ≤ p of ρ:
    `score[s] = scale * (q_latent[t, h] · C[s] + q_rope[t, h] · K[s])`,
    `result[t, h] = sum_s softmax(score)[s] * C[s]`. Softmax in f32.

    Constraints:
    1. `q_latent` is [T, h, c], `q_rope` is [T, h, r], `result` is [T, h, c].
    2. Tokens of the step have been appended before.

    ```mlir
    %o = dsv3.latent_attention %ql, %qr, %cache, %positions, %requests scale 2.0e-01 : tensor<?x4x32xf32, #dsv3.dims<"T">>, tensor<?x4x8xf32, #dsv3.dims<"T">>, !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>, tensor<?xi32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$q_latent, Graph_Float:$q_rope,
                       Arg<Graph_CacheType, "", [MemRead]>:$cache, Graph_Ids:$positions,
                       Graph_Ids:$requests, F64Attr:$scale);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $q_latent `,` $q_rope `,` $cache `,` $positions `,` $requests `scale` $scale attr-dict
    `:` type($q_latent) `,` type($q_rope) `,` type($cache) `,` type($positions)
  }];
  let hasVerifier = 1;
}

#endif // DSV3_GRAPH_OPS_ATTENTION
