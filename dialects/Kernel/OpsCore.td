//===- OpsCore.td - the core ops of kernels --------------------*- tablegen -*-===//
//
// One op for each kernel family. Every one takes destinations (`outs`) and gives
// the values that take their place. Weights are tensors [groups, rows, columns] or
// [rows, columns]; with codes (FP8, i8, i4) the scales follow as an operand of their
// own, `block` = [rows, columns] of a scale. Epilogues see f32 accumulators.
//
// Activations are f32 or bf16. Products also take codes `a` of FP8 or i8 with a scale `a_scales`
// for each row and block of columns, as dsv3.quantise makes them; the weight is FP8 then, or i8
// or i4.
//
// A weight may pass through a region `prologue` first: its only argument is an element as f32
// (code × scale where it is FP8), and the product reads what it yields. So a weight is rounded
// to bf16 for products that have no other form, in registers, wherever it is stored.
//
// A stage `quantise group n` takes what a region yields (in a rowwise op, yields last) and
// gives codes and scales in its place, as dsv3.quantise does. It is no region, since the
// largest value of a group is nothing that one element knows.
//
// Operands of scalar regions are marked with how the region of element (t, i), or
// (t, h, i) with heads, sees them:
//   element  [T, N] or [T, h, N], the element at the same place;
//   row      [T], element t: one for each row (in grouped_gemm, each entry);
//   column   [N], element i: one for each column, the same for all heads;
//   group    [groups], one for each group of weights: element h with heads, element e
//            for an entry of expert e. An op without heads or experts has no groups.
// They have float elements.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_KERNEL_OPS_CORE
#define DSV3_KERNEL_OPS_CORE

include "Kernel/KernelBase.td"

class Kernel_CoreOp<string mnemonic, list<Trait> traits = []>
    : Kernel_Op<mnemonic, traits> {
  let hasVerifier = 1;
}

def Kernel_RowwiseOp : Kernel_CoreOp<"rowwise", [Pure, AttrSizedOperandSegments]> {
  let summary = "elementwise work on rows, with at most one reduction";
  let description = [{
    For each row t: if `reduction` is `add`, `r` is the sum over all columns i of
    `contribution(operands at (t, i))` (one f32), and `s = finish(r)`; then for
    each i the results at (t, i) are `apply(operands at (t, i)..., s)`. Without a
    reduction `contribution` and `finish` are empty and `apply` has no `s`.

    Constraints:
    1. Destinations and `element` operands are [T, N], `row` operands [T], `column`
       operands [N]; there is no `group`.
    2. At least one operand is `element`: it says how many rows there are.
    3. Region arguments have the operands' element types; `s` is f32.
    4. The sum is taken in an order that depends on N alone.
    5. `apply` yields an element of each result; with `quantise` the last that it yields is
       quantised, and the last two destinations are its codes [T, N] and scales [T,
       ceil(N/group)].

    ```mlir
    %y = kern.rowwise ins(%x, %w : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xf32>) [element, column] outs(%o : tensor<?x128xf32, #dsv3.dims<"T">>) reduce add contribution {
    ^bb0(%a: f32, %b: f32):
      %q = arith.mulf %a, %a : f32
      kern.yield %q : f32
    } finish {
    ^bb0(%r: f32):
      %s = math.rsqrt %r : f32
      kern.yield %s : f32
    } apply {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %p = arith.mulf %a, %s : f32
      kern.yield %p : f32
    } -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, DenseI32ArrayAttr:$access,
                       Variadic<AnyRankedTensor>:$destinations, Kernel_Reduction:$reduction,
                       OptionalAttr<I64Attr>:$quantise_group, UnitAttr:$ue8m0);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region AnyRegion:$contribution, AnyRegion:$finish, SizedRegion<1>:$apply);
  let assemblyFormat = [{
    `ins` `(` $inputs `:` type($inputs) `)` custom<AccessKinds>($access)
    `outs` `(` $destinations `:` type($destinations) `)` `reduce` $reduction
    `contribution` $contribution `finish` $finish `apply` $apply
    (`quantise` `group` $quantise_group^ (`ue8m0` $ue8m0^)?)? attr-dict `->` type($outputs)
  }];
}

def Kernel_GemmOp : Kernel_CoreOp<"gemm", [Pure, AttrSizedOperandSegments]> {
  let summary = "rows times a weight, with a scalar epilogue";
  let description = [{
    The weight's rows are `parts` equal parts of N rows. Without heads, for each t, n:
    `acc_p = sum_k a[t, k] * W[p * N + n, k]`, `out[t, n] = epilogue(acc_0, …, operands
    at (t, n))`. With heads `a` is [T, h, K], the weight [h, parts * N, K], `out` [T, h,
    N]: each head has its own weight. `block` and `scales` as in dsv3.linear, per head. With
    `quantise` the codes of all heads lie side by side.

    Constraints:
    1. `a` is [T, K] or [T, h, K], `out` [T, N] or [T, h, N], with heads and `quantise` [T, h * N],
       whose groups divide N. With heads `a` holds no codes.
    2. The sum over k is taken in an order that depends on K and the configuration alone.
    3. The epilogue has `parts` f32 arguments, then one for each operand, and yields an
       element of `out`.
    4. `element` operands are of the shape of `out`, `row` operands [T], `column`
       operands [N] and, with heads alone, `group` operands [h].
    5. `in_place`, which kern-read-in-place sets: CPUs read the weight where the checkpoint has it.
       Its elements are bf16, rows are f32.

    ```mlir
    %y = kern.gemm ins(%a, %w : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<64x128xbf16>) outs(%o : tensor<?x32xf32, #dsv3.dims<"T">>) parts 2 epilogue() [] {
    ^bb0(%g: f32, %u: f32):
      %p = arith.mulf %g, %u : f32
      kern.yield %p : f32
    } -> tensor<?x32xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$a, Optional<Graph_Scales>:$a_scales,
                       Graph_Weight:$weight, Optional<Graph_Scales>:$scales,
                       OptionalAttr<DenseI64ArrayAttr>:$block, AnyRankedTensor:$destination,
                       Optional<Graph_Scales>:$scales_destination,
                       DefaultValuedAttr<I64Attr, "1">:$parts,
                       OptionalAttr<I64Attr>:$quantise_group, UnitAttr:$ue8m0,
                       Variadic<AnyRankedTensor>:$epilogue_inputs, DenseI32ArrayAttr:$access,
                       UnitAttr:$in_place);
  let results = (outs AnyRankedTensor:$result, Optional<Graph_Scales>:$result_scales);
  let regions = (region AnyRegion:$prologue, SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `ins` `(` $a (`scales` $a_scales^)? `,` $weight (`scales` $scales^ `block` $block)?
    `:` type($a) (`scales` type($a_scales)^)? `,` type($weight) (`,` type($scales)^)? `)`
    `outs` `(` $destination (`,` $scales_destination^)?
    `:` type($destination) (`,` type($scales_destination)^)? `)` (`parts` $parts^)?
    (`prologue` $prologue^)?
    `epilogue` `(` ($epilogue_inputs^ `:` type($epilogue_inputs))? `)` custom<AccessKinds>($access) $epilogue
    (`quantise` `group` $quantise_group^ (`ue8m0` $ue8m0^)?)?
    attr-dict `->` type($result) (`,` type($result_scales)^)?
  }];
}

def Kernel_GroupedGemmOp : Kernel_CoreOp<"grouped_gemm", [Pure, AttrSizedOperandSegments]> {
  let summary = "entries times the weights of their experts, with a scalar epilogue";
  let description = [{
    Entries [offsets[e], offsets[e+1]) belong to expert e. Entry i reads row
    `rows[i]` of `a`, or row i without `rows`; otherwise as kern.gemm with weight
    W[e]. The sizes of the groups are known only on the device.

    With `capacity` C (a masked product, as where other ranks write entries to fixed places) there is
    room for C entries of each expert: those of e are [e * C, e * C + offsets[e]). Nobody reads or
    writes the others.

    Constraints:
    1. `a` is [T, K] with `rows` [T * k], or [T * k, K]; `offsets` is [E + 1]. With `capacity` there
       are no `rows`, T * k is E * C, and `offsets` is [E].
    2. `weight` is [E, parts * N, K], `scales` [E, ceil(parts*N/bn), ceil(K/bk)].
    3. `out` and `element` operands of the epilogue are [T * k, N], `row` operands [T * k],
       `column` operands [N], `group` operands [E].
    4. `a_scales`, a row for each row of `a`, `prologue`, `quantise` and `in_place` as in kern.gemm.

    ```mlir
    %y = kern.grouped_gemm ins(%a, %w, %off rows %r : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #dsv3.dims<"T*4">>) outs(%o : tensor<?x64xf32, #dsv3.dims<"T*4">>) epilogue() [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<?x64xf32, #dsv3.dims<"T*4">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$a, Optional<Graph_Scales>:$a_scales,
                       Graph_Weight:$weight, Optional<Graph_Scales>:$scales,
                       OptionalAttr<DenseI64ArrayAttr>:$block, Graph_Ids:$offsets,
                       Optional<Graph_Ids>:$rows, OptionalAttr<I64Attr>:$capacity,
                       AnyRankedTensor:$destination,
                       Optional<Graph_Scales>:$scales_destination,
                       DefaultValuedAttr<I64Attr, "1">:$parts,
                       OptionalAttr<I64Attr>:$quantise_group, UnitAttr:$ue8m0,
                       Variadic<AnyRankedTensor>:$epilogue_inputs, DenseI32ArrayAttr:$access,
                       UnitAttr:$in_place);
  let results = (outs AnyRankedTensor:$result, Optional<Graph_Scales>:$result_scales);
  let regions = (region AnyRegion:$prologue, SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `ins` `(` $a (`scales` $a_scales^)? `,` $weight (`scales` $scales^ `block` $block)? `,` $offsets
    (`rows` $rows^)? (`capacity` $capacity^)? `:` type($a) (`scales` type($a_scales)^)? `,` type($weight)
    (`scales` type($scales)^)? `,` type($offsets) (`rows` type($rows)^)? `)`
    `outs` `(` $destination (`,` $scales_destination^)?
    `:` type($destination) (`,` type($scales_destination)^)? `)` (`parts` $parts^)?
    (`prologue` $prologue^)?
    `epilogue` `(` ($epilogue_inputs^ `:` type($epilogue_inputs))? `)` custom<AccessKinds>($access) $epilogue
    (`quantise` `group` $quantise_group^ (`ue8m0` $ue8m0^)?)?
    attr-dict `->` type($result) (`,` type($result_scales)^)?
  }];
}

def Kernel_GatherOp : Kernel_CoreOp<"gather", [Pure]> {
  let summary = "rows of a table";
  let description = [{
    `out[o, :] = table[ids[o], :]`, widened or rounded to the element type of `out`. An id
    outside of the table is an error of the step.

    Constraints:
    1. `table` is [V, H] or [T, H] of f32, bf16 or f16, row-major; `ids` is [O]; `out` is [O, H].

    ```mlir
    %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #dsv3.dims<"T">>) outs(%o : tensor<?x128xf32, #dsv3.dims<"T">>) -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$table, Graph_Ids:$ids, AnyRankedTensor:$destination);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $table `,` $ids `:` type($table) `,` type($ids) `)`
    `outs` `(` $destination `:` type($destination) `)` attr-dict `->` type($result)
  }];
}

def Kernel_RopeTableOp : Kernel_CoreOp<"rope_table", [Pure]> {
  let summary = "cosines and sines of the rotary angles";
  let description = [{
    As dsv3.rope_table.

    Constraints:
    1. `positions` is [T]; both destinations are [T, r/2] of f32, r/2 = number of frequencies.

    ```mlir
    %c, %s = kern.rope_table ins(%p : tensor<?xi32, #dsv3.dims<"T">>) outs(%a, %b : tensor<?x2xf32, #dsv3.dims<"T">>, tensor<?x2xf32, #dsv3.dims<"T">>) {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.0 : f32} -> tensor<?x2xf32, #dsv3.dims<"T">>, tensor<?x2xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Ids:$positions, AnyRankedTensor:$cos_destination,
                       AnyRankedTensor:$sin_destination, DenseF32ArrayAttr:$inverse_frequencies,
                       F32Attr:$multiplier);
  let results = (outs AnyRankedTensor:$cos, AnyRankedTensor:$sin);
  let assemblyFormat = [{
    `ins` `(` $positions `:` type($positions) `)` `outs` `(` $cos_destination `,` $sin_destination
    `:` type($cos_destination) `,` type($sin_destination) `)` attr-dict `->` type($cos) `,` type($sin)
  }];
}

def Kernel_RopeAppendOp : Kernel_CoreOp<"rope_append"> {
  let summary = "norm of the latent, rotation of query and key, append to the cache";
  let description = [{
    For each token t: the latent `kv[t, 0:c]` is RMS-normalised with `weight` and
    `eps`, the key `kv[t, c:c+r]` is rotated by `cos[t]`, `sin[t]`, and both are stored at
    position `positions[t]` of request `requests[t]`; `out[t, h] = rope(query[t, h])`. A
    position or request beyond the cache's maxima is an error of the step.

    Constraints:
    1. `query` is [T, h, r] (usually a view), `kv` [T, c + r] (a view), `weight` [c].
    2. `out` is [T, h, r], `cos` and `sin` [T, r/2], `positions` and `requests` [T].
    3. `eps` is positive.

    ```mlir
    %y = kern.rope_append ins(%q, %kv, %w, %cos, %sin, %pos, %req : tensor<?x4x8xf32, #dsv3.dims<"T">>, tensor<?x40xf32, #dsv3.dims<"T">>, tensor<32xbf16>, tensor<?x4xf32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>) into(%cache : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) outs(%o : tensor<?x4x8xf32, #dsv3.dims<"T">>) eps 1.0e-06 -> tensor<?x4x8xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$kv, AnyRankedTensor:$weight,
                       AnyRankedTensor:$cos, AnyRankedTensor:$sin, Graph_Ids:$positions,
                       Graph_Ids:$requests, Arg<Graph_CacheType, "", [MemWrite]>:$cache,
                       AnyRankedTensor:$destination, F64Attr:$eps);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $kv `,` $weight `,` $cos `,` $sin `,` $positions `,` $requests `:`
    type($query) `,` type($kv) `,` type($weight) `,` type($cos) `,` type($sin) `,`
    type($positions) `,` type($requests) `)` `into` `(` $cache `:` type($cache) `)`
    `outs` `(` $destination `:` type($destination) `)` `eps` $eps attr-dict `->` type($result)
  }];
}

def Kernel_LatentAttentionOp : Kernel_CoreOp<"latent_attention"> {
  let summary = "absorbed attention over the paged latents";
  let description = [{
    As dsv3.latent_attention. With `parts` the keys of a token are divided among so many parts,
    whole pages each: part i has the pages [i * n, (i + 1) * n) of the token's N, n being ceil(N /
    parts), or `part_pages` where that is more. `out` then has for each part c values, the sum over
    its keys of exp(score - largest) times the latent; the largest score; and the sum of the exp. Of
    a part without keys the sum is 0, and the rest has no meaning: nobody writes it.
    kern.attention_combine makes the attention of them.

    Constraints:
    1. `query` [T, h, c] and `rope_query` [T, h, r] may be views; `out` is [T, h, c], or f32 [T, h,
       parts * (c + 2)].
    2. `parts` is positive, and `part_pages`, which only parts have.

    ```mlir
    %y = kern.latent_attention ins(%q, %r, %pos, %req : tensor<?x4x32xf32, #dsv3.dims<"T">>, tensor<?x4x8xf32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>) from(%cache : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) outs(%o : tensor<?x4x32xf32, #dsv3.dims<"T">>) scale 2.0e-01 -> tensor<?x4x32xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$rope_query, Graph_Ids:$positions,
                       Graph_Ids:$requests, Arg<Graph_CacheType, "", [MemRead]>:$cache,
                       AnyRankedTensor:$destination, F64Attr:$scale,
                       OptionalAttr<I64Attr>:$parts,
                       DefaultValuedAttr<I64Attr, "1">:$part_pages);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $rope_query `,` $positions `,` $requests `:` type($query) `,`
    type($rope_query) `,` type($positions) `,` type($requests) `)` `from` `(` $cache `:` type($cache) `)`
    `outs` `(` $destination `:` type($destination) `)` `scale` $scale (`parts` $parts^)?
    (`pages` $part_pages^)? attr-dict `->` type($result)
  }];
}

def Kernel_AttentionCombineOp : Kernel_CoreOp<"attention_combine", [Pure]> {
  let summary = "the attention of the parts that kern.latent_attention made";
  let description = [{
    With the values v_p, the largest score m_p and the sum s_p of each part that has keys (s_p not 0),
    and m the largest m_p: `out = sum_p exp(m_p - m) v_p / sum_p exp(m_p - m) s_p`, p ascending
    (FlashDecoding, Dao et al., 2023).

    Constraints:
    1. `partials` is f32 [T, h, parts * (c + 2)], `out` is [T, h, c]; `parts` is positive.

    ```mlir
    %y = kern.attention_combine ins(%x : tensor<?x4x136xf32, #dsv3.dims<"T">>) outs(%o : tensor<?x4x32xf32, #dsv3.dims<"T">>) parts 4 -> tensor<?x4x32xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$partials, AnyRankedTensor:$destination, I64Attr:$parts);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $partials `:` type($partials) `)` `outs` `(` $destination `:` type($destination) `)`
    `parts` $parts attr-dict `->` type($result)
  }];
}

def Kernel_ExpandedAttentionOp : Kernel_CoreOp<"expanded_attention"> {
  let summary = "attention with keys and values expanded page by page";
  let description = [{
    As dsv3.mla_attention. `weight` is kv_b as [h, n + v, c]: for each head n rows of
    keys, then v rows of values. Pages are expanded inside the kernel, one after the
    other, and merged by log-sum-exp; tokens of a step may belong to several
    requests.

    Constraints:
    1. `query` [T, h, n] and `rope_query` [T, h, r] may be views; `out` is [T, h, v].
    2. `prologue` as in kern.gemm.

    ```mlir
    %y = kern.expanded_attention ins(%q, %r, %w, %pos, %req : tensor<?x4x16xf32, #dsv3.dims<"T">>, tensor<?x4x8xf32, #dsv3.dims<"T">>, tensor<4x40x32xbf16>, tensor<?xi32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>) from(%cache : !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) outs(%o : tensor<?x4x24xf32, #dsv3.dims<"T">>) scale 2.0e-01 -> tensor<?x4x24xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$rope_query, Graph_Weight:$weight,
                       Optional<Graph_Scales>:$scales, OptionalAttr<DenseI64ArrayAttr>:$block,
                       Graph_Ids:$positions, Graph_Ids:$requests,
                       Arg<Graph_CacheType, "", [MemRead]>:$cache, AnyRankedTensor:$destination,
                       F64Attr:$scale);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region AnyRegion:$prologue);
  let assemblyFormat = [{
    `ins` `(` $query `,` $rope_query `,` $weight (`scales` $scales^ `block` $block)? `,` $positions `,`
    $requests `:` type($query) `,` type($rope_query) `,` type($weight) (`scales` type($scales)^)? `,`
    type($positions) `,` type($requests) `)` `from` `(` $cache `:` type($cache) `)`
    `outs` `(` $destination `:` type($destination) `)` `scale` $scale
    (`prologue` $prologue^)? attr-dict `->` type($result)
  }];
}

def Kernel_ExpandLatentsOp : Kernel_CoreOp<"expand_latents"> {
  let summary = "keys and values of the cached tokens of a step's requests";
  let description = [{
    Before kern.prefill_attention. `weight` is kv_b as [h, n + v, c]: for each head n rows of keys,
    then v rows of values. For each request that a token of the step has, and each position s up to
    the last of these, with row = request * R + s, R being the context rounded up to whole pieces of
    128: `keys[row, h] = W[h, 0:n] latent[s]`, `rope_keys[row]` is the rotated key of the cache, and
    `values[h, :, row] = W[h, n:] latent[s]`, zeros where that is no number. Rows behind the last
    position are zeros up to the next piece; nobody writes the others.

    Constraints:
    1. `weight` is bf16, as are the cache and all results: [S, h, n], [S, r] and [h, v, S], with S =
       R for each request of the cache.

    ```mlir
    %k, %r, %v = kern.expand_latents ins(%w, %pos, %req : tensor<4x40x32xbf16>, tensor<?xi32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>) from(%cache : !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 500, requests = 1>) outs(%ko, %ro, %vo : tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>) -> tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>
    ```
  }];
  let arguments = (ins Graph_Weight:$weight, Graph_Ids:$positions, Graph_Ids:$requests,
                       Arg<Graph_CacheType, "", [MemRead]>:$cache,
                       AnyRankedTensor:$keys_destination, AnyRankedTensor:$rope_keys_destination,
                       AnyRankedTensor:$values_destination);
  let results = (outs AnyRankedTensor:$keys, AnyRankedTensor:$rope_keys, AnyRankedTensor:$values);
  let assemblyFormat = [{
    `ins` `(` $weight `,` $positions `,` $requests `:` type($weight) `,` type($positions) `,`
    type($requests) `)` `from` `(` $cache `:` type($cache) `)`
    `outs` `(` $keys_destination `,` $rope_keys_destination `,` $values_destination `:`
    type($keys_destination) `,` type($rope_keys_destination) `,` type($values_destination) `)` attr-dict
    `->` type($keys) `,` type($rope_keys) `,` type($values)
  }];
}

def Kernel_PrefillAttentionOp : Kernel_CoreOp<"prefill_attention", [Pure]> {
  let summary = "attention with keys and values that kern.expand_latents made";
  let description = [{
    As dsv3.mla_attention: a token sees the positions of its request up to its own.

    Constraints:
    1. `query` [T, h, n] and `rope_query` [T, h, r] may be views; `out` is [T, h, v].
    2. `keys`, `rope_keys` and `values` are those of kern.expand_latents for a cache of `context`.

    ```mlir
    %y = kern.prefill_attention ins(%q, %p, %k, %r, %v, %pos, %req : tensor<?x4x16xbf16, #dsv3.dims<"T">>, tensor<?x4x8xbf16, #dsv3.dims<"T">>, tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>, tensor<?xi32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"T">>) outs(%o : tensor<?x4x24xbf16, #dsv3.dims<"T">>) context 500 scale 2.0e-01 -> tensor<?x4x24xbf16, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$rope_query, AnyRankedTensor:$keys,
                       AnyRankedTensor:$rope_keys, AnyRankedTensor:$values, Graph_Ids:$positions,
                       Graph_Ids:$requests, AnyRankedTensor:$destination, I64Attr:$context,
                       F64Attr:$scale);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $rope_query `,` $keys `,` $rope_keys `,` $values `,` $positions `,`
    $requests `:` type($query) `,` type($rope_query) `,` type($keys) `,` type($rope_keys) `,`
    type($values) `,` type($positions) `,` type($requests) `)`
    `outs` `(` $destination `:` type($destination) `)` `context` $context `scale` $scale attr-dict
    `->` type($result)
  }];
}

def Kernel_RouterOp : Kernel_CoreOp<"router", [Pure]> {
  let summary = "the experts of each token and their weights, from logits";
  let description = [{
    As dsv3.router: sigmoid, bias, group limit, top-k, normalise, scale.

    Constraints:
    1. `logits` is [T, E] of f32, `bias` [E]; destinations are [T, k] of i32 and [T, k] of f32.
    2. `groups`, `top_groups` and k as in dsv3.router.

    ```mlir
    %e, %w = kern.router ins(%l, %b : tensor<?x16xf32, #dsv3.dims<"T">>, tensor<16xf32>) outs(%eo, %wo : tensor<?x4xi32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>) groups 4 of 2 scale 2.5 normalise -> tensor<?x4xi32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$logits, AnyRankedTensor:$bias,
                       Graph_Ids:$experts_destination, AnyRankedTensor:$weights_destination,
                       I64Attr:$groups, I64Attr:$top_groups, F64Attr:$scale, UnitAttr:$normalise);
  let results = (outs Graph_Ids:$experts, AnyRankedTensor:$weights);
  let assemblyFormat = [{
    `ins` `(` $logits `,` $bias `:` type($logits) `,` type($bias) `)`
    `outs` `(` $experts_destination `,` $weights_destination `:` type($experts_destination) `,`
    type($weights_destination) `)` `groups` $groups `of` $top_groups `scale` $scale
    (`normalise` $normalise^)? attr-dict `->` type($experts) `,` type($weights)
  }];
}

def Kernel_DispatchOp : Kernel_CoreOp<"dispatch", [Pure]> {
  let summary = "the tokens of each expert, in order";
  let description = [{
    As dsv3.dispatch.

    Constraints:
    1. `experts` is [T, k]; destinations are [E + 1], [T * k] and [T, k], with E at least 1.

    ```mlir
    %a, %b, %c = kern.dispatch ins(%e : tensor<?x4xi32, #dsv3.dims<"T">>) outs(%o, %r, %s : tensor<17xi32>, tensor<?xi32, #dsv3.dims<"T*4">>, tensor<?x4xi32, #dsv3.dims<"T">>) -> tensor<17xi32>, tensor<?xi32, #dsv3.dims<"T*4">>, tensor<?x4xi32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Ids:$experts, Graph_Ids:$offsets_destination,
                       Graph_Ids:$rows_destination, Graph_Ids:$slots_destination);
  let results = (outs Graph_Ids:$offsets, Graph_Ids:$rows, Graph_Ids:$slots);
  let assemblyFormat = [{
    `ins` `(` $experts `:` type($experts) `)` `outs` `(` $offsets_destination `,` $rows_destination `,`
    $slots_destination `:` type($offsets_destination) `,` type($rows_destination) `,`
    type($slots_destination) `)` attr-dict `->` type($offsets) `,` type($rows) `,` type($slots)
  }];
}

def Kernel_CombineOp : Kernel_CoreOp<"combine", [Pure]> {
  let summary = "the weighted sum of each token's entries, with a scalar epilogue";
  let description = [{
    `acc = sum_j weights[t, j] * x[slots[t, j], i]`, j ascending;
    `out[t, i] = epilogue(acc, operands at (t, i))`.

    Constraints:
    1. `x` is [T * k, H], `slots` and `weights` are [T, k], `out` is [T, H].
    2. The epilogue yields an element of `out`; its `element` operands are [T, H], `row`
       operands [T], `column` operands [H]; there is no `group`.

    ```mlir
    %y = kern.combine ins(%x, %s, %w : tensor<?x128xf32, #dsv3.dims<"T*4">>, tensor<?x4xi32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>) outs(%o : tensor<?x128xf32, #dsv3.dims<"T">>) epilogue() [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, Graph_Ids:$slots, AnyRankedTensor:$weights,
                       AnyRankedTensor:$destination, Variadic<AnyRankedTensor>:$epilogue_inputs,
                       DenseI32ArrayAttr:$access);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `ins` `(` $x `,` $slots `,` $weights `:` type($x) `,` type($slots) `,` type($weights) `)`
    `outs` `(` $destination `:` type($destination) `)` `epilogue` `(` ($epilogue_inputs^ `:` type($epilogue_inputs))? `)`
    custom<AccessKinds>($access) $epilogue attr-dict `->` type($result)
  }];
}

def Kernel_ConcatOp : Kernel_CoreOp<"concat", [Pure]> {
  let summary = "two tensors side by side";
  let description = [{
    `out[t, :] = [lhs[t, :], rhs[t, :]]`.

    Constraints:
    1. `lhs` is [T, m], `rhs` is [T, n], `out` is [T, m + n], of one element type.

    ```mlir
    %y = kern.concat ins(%a, %b : tensor<?x8xf32, #dsv3.dims<"T">>, tensor<?x8xf32, #dsv3.dims<"T">>) outs(%o : tensor<?x16xf32, #dsv3.dims<"T">>) -> tensor<?x16xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, AnyRankedTensor:$destination);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $lhs `,` $rhs `:` type($lhs) `,` type($rhs) `)`
    `outs` `(` $destination `:` type($destination) `)` attr-dict `->` type($result)
  }];
}

def Kernel_SampleOp : Kernel_CoreOp<"sample", [Pure]> {
  let summary = "a token for each row of logits: the likeliest, or a seeded draw";
  let description = [{
    As dsv3.sample.

    Constraints:
    1. `x` is [O, V] of f32, `rows` is [O, W] with W = 7, `out` is [O].

    ```mlir
    %y = kern.sample ins(%x, %s : tensor<?x320xf32, #dsv3.dims<"O">>, tensor<?x7xi32, #dsv3.dims<"O">>) outs(%o : tensor<?xi32, #dsv3.dims<"O">>) -> tensor<?xi32, #dsv3.dims<"O">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, Graph_Ids:$rows, Graph_Ids:$destination);
  let results = (outs Graph_Ids:$result);
  let assemblyFormat = [{
    `ins` `(` $x `,` $rows `:` type($x) `,` type($rows) `)`
    `outs` `(` $destination `:` type($destination) `)` attr-dict `->` type($result)
  }];
}

#endif // DSV3_KERNEL_OPS_CORE
