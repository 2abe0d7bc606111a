//===- OpsStep.td - parameters, layer calls, choice of tokens -*- tablegen -*-===//
//
// What a module and its entry functions are made of besides computation.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_GRAPH_OPS_STEP
#define DSV3_GRAPH_OPS_STEP

include "Graph/GraphBase.td"

def Graph_ParameterOp : Graph_Op<"parameter", [Symbol]> {
  let summary = "a weight: its type and where the checkpoint keeps it";
  let description = [{
    Declares a weight [n], [rows, columns] or [groups, rows, columns], made of `segments`
    one after the other. With `layers` there is one for each of those layers. An FP8 weight
    has scales of shape [groups,] ceil(rows/bn), ceil(columns/bk) for `block` [bn, bk]; a
    block never crosses a block of the checkpoint or the border of two segments. `parts`
    says that the rows are that many equal parts which one kernel reads side by side.

    The element type is that of the checkpoint's tensors, or, with `stored`, theirs is that
    one and they are encoded: rounded to bf16, or coded and scaled as f8E4M3FN, i8 or i4, in
    the blocks of dsv3/Support/WeightEncoding.h. So the parameter means what it would if the
    checkpoint held the encoded tensors.

    Constraints:
    1. The rows of the segments add up to the parameter's rows.
    2. `block` is given if and only if the element type is f8E4M3FN, i8 or i4.
    3. Each segment has a scale key if and only if its tensors are f8E4M3FN.
    4. Where `block` is given each segment begins at a row that its rows divide.
    5. `parts` divides the rows.
    6. Segments have the parameter's columns and hold the rows of all groups; with more than one
       group the key has `{expert}` or there is a `group_stride`.
    7. `layers` are ascending, each once.
    8. `stored` is f32, bf16, f16 or f8E4M3FN, and not the element type; i8 and i4 have one.
    9. i8 and i4 have `block` [1, 32] and segments that are not transposed.

    ```mlir
    dsv3.parameter @norm : tensor<128xbf16> from [#dsv3.segment<"model.norm.weight", shape = [128], rows = 1>]
    dsv3.parameter @o_proj : tensor<64x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"o_proj.weight", shape = [64, 128], rows = 64>]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Graph_Weight>:$type,
                       OptionalAttr<TypeAttr>:$stored,
                       OptionalAttr<DenseI64ArrayAttr>:$block,
                       DefaultValuedAttr<I64Attr, "1">:$parts,
                       OptionalAttr<DenseI64ArrayAttr>:$layers,
                       TypedArrayAttrBase<Graph_SegmentAttr, "segments">:$segments);
  let assemblyFormat = [{
    $sym_name `:` $type (`stored` $stored^)? (`block` $block^)? (`parts` $parts^)? (`layers` $layers^)?
    `from` $segments attr-dict
  }];
  let extraClassDeclaration = [{
    /// [groups, rows, columns]; a vector has one group and one row.
    ::std::array<int64_t, 3> getExtents();
    /// The type of the scales, or null.
    ::mlir::RankedTensorType getScalesType();
    /// The element type of the checkpoint's tensors.
    ::mlir::Type getStoredType();
  }];
  let hasVerifier = 1;
}

def Graph_WeightOp : Graph_Op<"weight", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a parameter, in a layer function that of the current layer";
  let description = [{
    Constraints:
    1. The types are those of the parameter.
    2. A parameter with layers is read only in a function for those layers.

    ```mlir
    dsv3.parameter @norm : tensor<128xbf16> from [#dsv3.segment<"model.norm.weight", shape = [128], rows = 1>]
    %w = dsv3.weight @norm : tensor<128xbf16>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs Graph_Weight:$data, Optional<Graph_Scales>:$scales);
  let assemblyFormat = "$parameter attr-dict `:` type($data) (`scales` type($scales)^)?";
}

def Graph_CallLayerOp : Graph_Op<"call_layer", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a layer function for one layer";
  let description = [{
    Within the callee, parameters and cache are those of `layer`.

    Constraints:
    1. The callee's attribute `dsv3.layers` lists the layer.
    2. Operand and result types are the callee's.
    3. It is not in a layer function itself: layers are called by entries.

    ```mlir
    func.func private @moe(tensor<?x128xf32, #dsv3.dims<"T">>, !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) -> tensor<?x128xf32, #dsv3.dims<"T">> attributes {dsv3.layers = array<i64: 3, 4>}
    %y = dsv3.call_layer @moe layer 3 (%x, %cache) : (tensor<?x128xf32, #dsv3.dims<"T">>, !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 4096, requests = 1>) -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, I64Attr:$layer, Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $callee `layer` $layer `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs)
  }];
}

def Graph_ObserveOp : Graph_Op<"observe"> {
  let summary = "shows a value to whoever asked for it";
  let description = [{
    The value can be seen under `name`, by layer: in a layer function that of the
    call, elsewhere `layer`. It costs nothing when nobody looks.

    Constraints:
    1. `value` is [T, n] or [T, h, n].

    ```mlir
    dsv3.observe "hidden" %x layer 0 : tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins StrAttr:$name, Arg<AnyRankedTensor, "", [MemWrite]>:$value,
                       OptionalAttr<I64Attr>:$layer);
  let assemblyFormat = "$name $value (`layer` $layer^)? attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Graph_SampleOp : Graph_Op<"sample", [Pure]> {
  let summary = "a token for each row of logits: the likeliest, or a seeded draw";
  let description = [{
    `result[o]` is the i that `rows[o, :]` chooses of `x[o, :]`, by the rules of
    dsv3/Support/Sampling.h. A row of `rows` is a SamplingRow, word by word: limit, scale, top-k,
    cut, least, and the random number, its high word first; scale and the unsigned ones by their
    bits. The result does not depend on the order of any sum.

    With scale 0 it is the i of the largest `x[o, i]` with i below the limit, the lowest one among
    equals, or -1 where the largest is infinite or there is none; a NaN is never the largest. With
    another one the finite x below the limit are drawn from, as temperature, top-k, top-p and min-p
    leave them; -1 where there are none.

    Constraints:
    1. `x` is [O, V] of f32, `rows` is [O, W] with W = 7, `result` is [O].

    ```mlir
    %id = dsv3.sample %l, %s : tensor<?x320xf32, #dsv3.dims<"O">>, tensor<?x7xi32, #dsv3.dims<"O">> -> tensor<?xi32, #dsv3.dims<"O">>
    ```
  }];
  let arguments = (ins Graph_Float:$x, Graph_Ids:$rows);
  let results = (outs Graph_Ids:$result);
  let assemblyFormat = "$x `,` $rows attr-dict `:` type($x) `,` type($rows) `->` type($result)";
  let hasVerifier = 1;
}

#endif // DSV3_GRAPH_OPS_STEP
