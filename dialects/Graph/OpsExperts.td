//===- OpsExperts.td - routed experts --------------------------*- tablegen -*-===//
//
// DeepSeekMoE with auxiliary-loss-free balancing (DeepSeek-V3 report, 2.1.2). E
// stands for routed experts, k for num_experts_per_tok, I for
// moe_intermediate_size.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_GRAPH_OPS_EXPERTS
#define DSV3_GRAPH_OPS_EXPERTS

include "Graph/GraphBase.td"

def Graph_RouterOp : Graph_PureOp<"router"> {
  let summary = "the experts of each token and their weights";
  let description = [{
    For each token, with `s = sigmoid(logits[t])` and `b = s + bias`: the score of a
    group of E / groups experts is the sum of its two largest b; the
    `top_groups` best groups are kept; the `top_k` experts with the largest b among
    them are chosen. Their weights are s (without bias), divided by their sum + 1e-20
    if `normalise`, times `scale`. The chosen are ordered by weight, heaviest first.
    Ties, in choosing and in ordering, go to the lowest index. All in f32.

    Constraints:
    1. `logits` is [T, E], `bias` is [E]; `experts` is [T, k] of i32, `weights` [T, k] of f32.
    2. `groups` divides E; with more than one group each has at least two experts.
    3. `top_k` experts fit into `top_groups` groups.

    ```mlir
    %e, %w = dsv3.router %logits, %bias groups 4 of 2 top 4 scale 2.5 normalise : tensor<?x16xf32, #dsv3.dims<"T">>, tensor<16xf32>
    ```
  }];
  let arguments = (ins Graph_Float:$logits, Graph_Float:$bias, I64Attr:$groups,
                       I64Attr:$top_groups, I64Attr:$top_k, F64Attr:$scale, UnitAttr:$normalise);
  let results = (outs Graph_Ids:$experts, Graph_Float:$weights);
  let assemblyFormat = [{
    $logits `,` $bias `groups` $groups `of` $top_groups `top` $top_k `scale` $scale
    (`normalise` $normalise^)? attr-dict `:` type($logits) `,` type($bias)
  }];
  let hasVerifier = 1;
}

def Graph_ExpertsOp : Graph_Op<"experts", [
    Pure, AttrSizedOperandSegments, AllTypesMatch<["x", "result"]>]> {
  let summary = "the weighted sum of each token's experts";
  let description = [{
    `result[t] = sum_j weights[t, j] * down[e] · silu_mul(gate_up[e] · x[t])` with
    `e = experts[t, j]`.

    Constraints:
    1. `x` and `result` are [T, H]; `experts` and `weights` are [T, k].
    2. `gate_up` is [E, 2I, H] (gate, then up), `down` is [E, H, I].
    3. Scales [E, ceil(rows/bn), ceil(columns/bk)] (of i4 […, 2]) and blocks as in dsv3.linear.

    ```mlir
    %y = dsv3.experts %x, %e, %w, %gu, %d : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<?x4xi32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>, tensor<16x128x128xbf16>, tensor<16x128x64xbf16>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Ids:$experts, Graph_Float:$weights,
                       Graph_Weight:$gate_up, Graph_Weight:$down,
                       Optional<Graph_Scales>:$gate_up_scales, Optional<Graph_Scales>:$down_scales,
                       OptionalAttr<DenseI64ArrayAttr>:$gate_up_block,
                       OptionalAttr<DenseI64ArrayAttr>:$down_block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $x `,` $experts `,` $weights `,` $gate_up (`scales` $gate_up_scales^ `block` $gate_up_block)?
    `,` $down (`scales` $down_scales^ `block` $down_block)? attr-dict
    `:` type($x) `,` type($experts) `,` type($weights) `,` type($gate_up) `,` type($down)
    (`scales` type($gate_up_scales)^)? (`,` type($down_scales)^)?
  }];
  let hasVerifier = 1;
}

def Graph_DispatchOp : Graph_PureOp<"dispatch"> {
  let summary = "the tokens of each expert, in order";
  let description = [{
    Sorts the T * k choices by expert, then by token: entry i of
    [offsets[e], offsets[e+1]) is the choice of token `rows[i]` for expert e, and
    `slots[t, j]` is the entry of token t's choice j.

    Constraints:
    1. `experts` is [T, k] with values in [0, num_experts).
    2. `offsets` is [num_experts + 1], `rows` is [T * k], `slots` is [T, k], all i32.

    ```mlir
    %o, %r, %s = dsv3.dispatch %e experts 16 : tensor<?x4xi32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Ids:$experts, I64Attr:$num_experts);
  let results = (outs Graph_Ids:$offsets, Graph_Ids:$rows, Graph_Ids:$slots);
  let assemblyFormat = "$experts `experts` $num_experts attr-dict `:` type($experts)";
  let hasVerifier = 1;
}

def Graph_GroupedLinearOp : Graph_Op<"grouped_linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "each entry times the weight of its expert";
  let description = [{
    For an entry i of expert e (see dsv3.dispatch), with `a = x[rows[i]]` if `rows`
    is given, `a = x[i]` otherwise: `result[i, n] = sum_k a[k] * weight[e, n, k]`. Quantised
    activations come with `x_scales`, a row for each row of `x`, as in dsv3.linear.

    Constraints:
    1. `x` is [T, K] with `rows` [T * k], or [T * k, K] without; `result` is [T * k, N].
    2. `offsets` is [E + 1], `weight` is [E, N, K].
    3. `scales` and `block` as in dsv3.head_linear; `x_scales` as in dsv3.linear.

    ```mlir
    %y = dsv3.grouped_linear %x, %o rows %r, %w : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<17xi32> rows tensor<?xi32, #dsv3.dims<"T*4">>, tensor<16x128x128xbf16> -> tensor<?x128xf32, #dsv3.dims<"T*4">>
    ```
  }];
  let arguments = (ins Graph_Weight:$x, Optional<Graph_Scales>:$x_scales, Graph_Ids:$offsets,
                       Optional<Graph_Ids>:$rows, Graph_Weight:$weight,
                       Optional<Graph_Scales>:$scales, OptionalAttr<DenseI64ArrayAttr>:$block);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = [{
    $x (`x_scales` $x_scales^)? `,` $offsets (`rows` $rows^)? `,` $weight
    (`scales` $scales^ `block` $block)? attr-dict
    `:` type($x) (`x_scales` type($x_scales)^)? `,` type($offsets) (`rows` type($rows)^)? `,`
    type($weight) (`,` type($scales)^)? `->` type($result)
  }];
  let hasVerifier = 1;
}

def Graph_CombineOp : Graph_PureOp<"combine"> {
  let summary = "the weighted sum of each token's entries";
  let description = [{
    `result[t, :] = sum_j weights[t, j] * x[slots[t, j], :]`, j ascending.

    Constraints:
    1. `x` is [T * k, H], `slots` and `weights` are [T, k], `result` is [T, H].

    ```mlir
    %y = dsv3.combine %x, %slots, %w : tensor<?x128xf32, #dsv3.dims<"T*4">>, tensor<?x4xi32, #dsv3.dims<"T">>, tensor<?x4xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Ids:$slots, Graph_Float:$weights);
  let results = (outs Graph_Float:$result);
  let assemblyFormat = "$x `,` $slots `,` $weights attr-dict `:` type($x) `,` type($slots) `,` type($weights)";
  let hasVerifier = 1;
}

#endif // DSV3_GRAPH_OPS_EXPERTS
