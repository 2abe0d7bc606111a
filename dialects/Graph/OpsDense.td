//===- OpsDense.td - embedding, norms, linear layers -----------*- tablegen -*-===//
//
// Ops on the rows of a step that attention and experts have in common. T stands
// for the rows, H for a width.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_GRAPH_OPS_DENSE
#define DSV3_GRAPH_OPS_DENSE

include "Graph/GraphBase.td"

def Graph_EmbeddingOp : Graph_Op<"embedding", [Pure]> {
  let summary = "rows of the embedding table";
  let description = [{
    `result[t, :] = table[ids[t], :]`, widened or rounded to the result's element type.

    Constraints:
    1. `ids` is [T], `table` is [V, H], `result` is [T, H].
    2. Each id is in [0, V).

    ```mlir
    %x = dsv3.embedding %ids, %table : tensor<?xi32, #dsv3.dims<"T">>, tensor<320x128xbf16> -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Ids:$ids, Graph_Float:$table);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$ids `,` $table attr-dict `:` type($ids) `,` type($table) `->` type($result)";
  let hasVerifier = 1;
}

def Graph_RmsNormOp : Graph_Op<"rms_norm", [Pure, AllTypesMatch<["x", "result"]>]> {
  let summary = "root-mean-square normalisation of each row";
  let description = [{
    `result[t, i] = x[t, i] / sqrt(mean_j(x[t, j]^2) + eps) * weight[i]`, computed in
    f32 (arXiv 1910.07467).

    Constraints:
    1. `x` is [T, H], `weight` is [H], `result` has the type of `x`.
    2. `eps` is positive.

    ```mlir
    %y = dsv3.rms_norm %x, %w eps 1.0e-06 : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xbf16>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Float:$weight, F64Attr:$eps);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `,` $weight `eps` $eps attr-dict `:` type($x) `,` type($weight)";
  let hasVerifier = 1;
}

def Graph_LinearOp : Graph_Op<"linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "product with a weight, block-scaled where the weight is FP8";
  let description = [{
    `result[t, n] = sum_k x[t, k] * weight[n, k]`, accumulated in f32, then rounded to the
    element type of `result`.

    A weight of element type f8E4M3FN comes with `scales`
    [ceil(N/bn), ceil(K/bk)] of f32, `block` = [bn, bk], and means
    `weight[n, k] * scales[n / bn, k / bk]`. So does one of i8, with scales of f16. One of
    i4, codes from 0 to 15, comes with [ceil(N/bn), ceil(K/bk), 2] of f16 and means
    `weight[n, k] * scales[…, 0] + scales[…, 1]`. Quantised activations come with
    `x_scales` [T, ceil(K/bk)]; then for each block of K the f32 sum of products of
    codes is scaled and added (DeepSeek-V3 report, section 3.3).

    Constraints:
    1. `x` is [T, K], `weight` is [N, K], `result` is [T, N].
    2. `scales` is given if and only if the weight is FP8, i8 or i4, and so is `block`, which
       for i8 and i4 is [1, 32].
    3. `x_scales`, of f32, is given if and only if `x` is FP8 or i8; then the weight is FP8, or
       i8 or i4.

    ```mlir
    %y = dsv3.linear %x, %w scales %s block [128, 128] : tensor<?x320xf32, #dsv3.dims<"T">>, tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<?x176xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Weight:$x, Graph_Weight:$weight, Optional<Graph_Scales>:$scales,
                       Optional<Graph_Scales>:$x_scales, OptionalAttr<DenseI64ArrayAttr>:$block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $x (`x_scales` $x_scales^)? `,` $weight (`scales` $scales^ `block` $block)? attr-dict
    `:` type($x) (`x_scales` type($x_scales)^)? `,` type($weight) (`,` type($scales)^)?
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_LmHeadOp : Graph_Op<"lm_head", [Pure]> {
  let summary = "logits over the vocabulary";
  let description = [{
    `result[o, v] = sum_k x[o, k] * weight[v, k]`, in f32 under every precision
    policy.

    Constraints:
    1. `x` is [O, H], `weight` is [V, H], `result` is [O, V] of f32.
    2. `scales` and `block` as in dsv3.linear.

    ```mlir
    %l = dsv3.lm_head %x, %w : tensor<?x128xf32, #dsv3.dims<"O">>, tensor<320x128xbf16> -> tensor<?x320xf32, #dsv3.dims<"O">>
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

def Graph_QuantiseOp : Graph_Op<"quantise", [Pure]> {
  let summary = "codes and one scale for each group of a row";
  let description = [{
    For each row t and group g of `group` columns, with codes of f8E4M3FN:
    `scales[t, g] = max(max_i |x[t, i]|, 1e-4) / 448`, with `ue8m0` rounded up to a
    power of two, and `codes[t, i] = e4m3(x[t, i] / scales[t, g])`, rounded to nearest
    even (DeepSeek-V3 inference code, `act_quant`). With codes of i8, from -127 to 127:
    `scales[t, g] = max(max_i |x[t, i]|, 1e-30) / 127` and
    `codes[t, i] = round(x[t, i] * (1 / scales[t, g]))` in f32, to nearest even; a group with a
    NaN has a NaN as its scale.

    Constraints:
    1. `x` is [T, K], `codes` is [T, K] of f8E4M3FN or i8, `scales` is [T, ceil(K/group)].
    2. `group` is positive; a last group may be smaller.
    3. `ue8m0` goes with f8E4M3FN alone.

    ```mlir
    %q, %s = dsv3.quantise %x group 128 : tensor<?x320xf32, #dsv3.dims<"T">> -> tensor<?x320xf8E4M3FN, #dsv3.dims<"T">>, tensor<?x3xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, I64Attr:$group, UnitAttr:$ue8m0);
  let results = (outs RankedTensorOf<[F8E4M3FN, I8]>:$codes, Graph_Scales:$scales);
  let assemblyFormat = [{
    $x `group` $group (`ue8m0` $ue8m0^)? attr-dict `:` type($x) `->` type($codes) `,` type($scales)
  }];
  let hasVerifier = 1;
}

def Graph_DequantiseOp : Graph_Op<"dequantise", [Pure]> {
  let summary = "a weight of codes as numbers";
  let description = [{
    `result[.., n, k] = weight[.., n, k] * scales[.., n / bn, k / bk]`, of i4 plus its offset,
    rounded to the element type of `result`: what a product reads that has no form for codes.

    Constraints:
    1. `weight` is [N, K] or [groups, N, K] of f8E4M3FN, i8 or i4, with `scales` and `block` as
       in dsv3.linear.
    2. `result` has the sizes of `weight`.

    ```mlir
    %w = dsv3.dequantise %q scales %s block [128, 128] : tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<176x320xbf16>
    ```
  }];
  let arguments = (ins Graph_Weight:$weight, Graph_Scales:$scales, DenseI64ArrayAttr:$block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $weight `scales` $scales `block` $block attr-dict `:` type($weight) `,` type($scales)
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_AddOp : Graph_Op<"add", [Pure, Commutative, SameOperandsAndResultType]> {
  let summary = "sum of two tensors, element by element";
  let description = [{
    `result[i] = lhs[i] + rhs[i]`: the residual connections.

    Constraints:
    1. `lhs`, `rhs` and `result` have the same type.

    ```mlir
    %y = dsv3.add %a, %b : tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$lhs, Graph_Float:$rhs);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs)";
}

def Graph_SiluMulOp : Graph_PureOp<"silu_mul"> {
  let summary = "SwiGLU's activation: silu(gate) times up";
  let description = [{
    `result[t, i] = g / (1 + exp(-g)) * u` with `g = gate_up[t, i]`,
    `u = gate_up[t, n + i]` and n half the columns (arXiv 2002.05202).

    Constraints:
    1. `gate_up` is [T, 2n]: gate, then up. `result` is [T, n].

    ```mlir
    %h = dsv3.silu_mul %gu : tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$gate_up);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$gate_up attr-dict `:` type($gate_up)";
  let hasVerifier = 1;
}

def Graph_CastOp : Graph_Op<"cast", [Pure, SameOperandsAndResultShape]> {
  let summary = "change of the floating-point element type";
  let description = [{
    Widens exactly, or rounds to nearest even. The precision policy is written
    with these.

    Constraints:
    1. Operand and result differ in the element type only.

    ```mlir
    %y = dsv3.cast %x : tensor<?x128xf32, #dsv3.dims<"T">> -> tensor<?x128xbf16, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Graph_SliceOp : Graph_PureOp<"slice"> {
  let summary = "a range of the last dimension";
  let description = [{
    `result[..., i] = x[..., offset + i]` for i in [0, size).

    Constraints:
    1. offset ≥ 0, size > 0, and offset + size is at most the last dimension.

    ```mlir
    %y = dsv3.slice %x [48, 40] : tensor<?x88xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, I64Attr:$offset, I64Attr:$size);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `[` $offset `,` $size `]` attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Graph_ConcatOp : Graph_PureOp<"concat"> {
  let summary = "two tensors side by side";
  let description = [{
    `result[t, :] = [lhs[t, :], rhs[t, :]]`.

    Constraints:
    1. `lhs` is [T, m], `rhs` is [T, n], `result` is [T, m + n].

    ```mlir
    %y = dsv3.concat %a, %b : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$lhs, Graph_Float:$rhs);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
  let hasVerifier = 1;
}

def Graph_SplitHeadsOp : Graph_PureOp<"split_heads"> {
  let summary = "the columns of a row as heads";
  let description = [{
    `result[t, h, i] = x[t, h * d + i]` with d = columns / heads.

    Constraints:
    1. `x` is [T, heads * d], `result` is [T, heads, d].

    ```mlir
    %q = dsv3.split_heads %x heads 4 : tensor<?x96xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, I64Attr:$heads);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `heads` $heads attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Graph_MergeHeadsOp : Graph_PureOp<"merge_heads"> {
  let summary = "heads as the columns of a row";
  let description = [{
    `result[t, h * d + i] = x[t, h, i]`.

    Constraints:
    1. `x` is [T, heads, d], `result` is [T, heads * d].

    ```mlir
    %y = dsv3.merge_heads %x : tensor<?x4x24xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x attr-dict `:` type($x)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Graph_GatherRowsOp : Graph_PureOp<"gather_rows"> {
  let summary = "chosen rows";
  let description = [{
    `result[o, :] = x[rows[o], :]`: the rows of a step that give output.

    Constraints:
    1. `x` is [T, H], `rows` is [O] with values in [0, T), `result` is [O, H].

    ```mlir
    %y = dsv3.gather_rows %x, %rows : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<?xi32, #dsv3.dims<"O">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Ids:$rows);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `,` $rows attr-dict `:` type($x) `,` type($rows)";
  let hasVerifier = 1;
}

#endif // DSV3_GRAPH_OPS_DENSE
