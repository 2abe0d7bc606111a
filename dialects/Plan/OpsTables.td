//===- OpsTables.td - what a plan declares ---------------------*- tablegen -*-===//
//
// The module of a plan and its tables: variants, cache, parameters, kernels.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_PLAN_OPS_TABLES
#define DSV3_PLAN_OPS_TABLES

include "Plan/PlanBase.td"

def Plan_PlanOp : Plan_Op<"module", [SymbolTable, IsolatedFromAbove, NoTerminator, SingleBlock,
                                     NoRegionArguments]> {
  let summary = "a plan for one rank";
  let description = [{
    `identity` is that of the checkpoint, `families` the hash of the family table that
    the kernels were made with; `layers` does not count the MTP layer; `sizes` are
    what the host knows before a step; `scale_block` is the checkpoint's.

    Constraints:
    1. There is one `plan.cache` and at least one `plan.variant`.
    2. Lists for variants (layouts, tiles, scratch) are as long as there are variants.
    3. Names are declared where they are used: sizes, kernels, parameters here, ports,
       bodies and observations in the entry.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T, O] scale_block [128, 128] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
    }
    ```
  }];
  let arguments = (ins StrAttr:$identity, StrAttr:$policy, StrAttr:$families, I64Attr:$vocab,
                       I64Attr:$hidden, I64Attr:$layers, StrArrayAttr:$sizes,
                       OptionalAttr<DenseI64ArrayAttr>:$scale_block);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `identity` $identity `policy` $policy `families` $families `vocab` $vocab `hidden` $hidden
    `layers` $layers `sizes` custom<Names>($sizes) (`scale_block` $scale_block^)? $body attr-dict
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Plan_VariantOp : Plan_Op<"variant", [HasParent<"PlanOp">]> {
  let summary = "a machine kind that the bundle has kernels and layouts for";
  let description = [{
    `object` is the file of the bundle that holds the kernels, `checksum` that file's.

    Constraints:
    1. Each variant has a name of its own.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v4" object "v4.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
    }
    ```
  }];
  let arguments = (ins StrAttr:$name, StrAttr:$object, StrAttr:$checksum);
  let assemblyFormat = "$name `object` $object `checksum` $checksum attr-dict";
}

def Plan_CacheOp : Plan_Op<"cache", [HasParent<"PlanOp">]> {
  let summary = "the paged latent cache";
  let description = [{
    Per layer [pages][page][latent + rope] of the element type; `layers` counts the MTP
    layer where it is compiled; `context` and `requests` are maxima.

    Constraints:
    1. All sizes are positive.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache bf16 layers 5 latent 32 rope 8 page 64 context 4096 requests 2
    }
    ```
  }];
  let arguments = (ins TypeAttr:$type, I64Attr:$layers, I64Attr:$latent, I64Attr:$rope,
                       I64Attr:$page, I64Attr:$context, I64Attr:$requests);
  let assemblyFormat = [{
    $type `layers` $layers `latent` $latent `rope` $rope `page` $page `context` $context
    `requests` $requests attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_ParameterOp : Plan_Op<"parameter", [Symbol, HasParent<"PlanOp">, NoTerminator,
                                             SingleBlock, NoRegionArguments]> {
  let summary = "a weight: its type, its layouts, and where the checkpoint keeps it";
  let description = [{
    A weight [groups, rows, columns] in the element type that it is stored with, or that
    tensors of type `stored` are encoded in, made of the `plan.segment`s of its region one
    after the other. `scales` [r, c] says that
    it has a scale for each block of that size; `parts` that its rows are that many
    equal parts which one kernel reads side by side; `layers` that there is one for each
    of those layers (`[0, 3 to 60]`); `layouts` is one per variant.

    Constraints:
    1. The shape is three positive sizes, `scales` two.
    2. Layers ascend.
    3. The rows of the segments add up to the parameter's.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] scale_block [128, 128] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.parameter @q_a : f8E4M3FN [1, 96, 128] scales [128, 128] layers [0 to 3] layouts [panels(16)] {
        plan.segment "model.layers.{layer}.self_attn.q_a_proj.weight" scales "model.layers.{layer}.self_attn.q_a_proj.weight_scale_inv" shape [96, 128] rows 96
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttr:$type, OptionalAttr<TypeAttr>:$stored,
                       DenseI64ArrayAttr:$shape, OptionalAttr<DenseI64ArrayAttr>:$scales,
                       DefaultValuedAttr<I64Attr, "1">:$parts, DenseI64ArrayAttr:$layers,
                       Plan_ArrayOf<Plan_LayoutAttr, "layouts">:$layouts);
  let regions = (region SizedRegion<1>:$segments);
  let assemblyFormat = [{
    $sym_name `:` $type (`stored` $stored^)? $shape (`scales` $scales^)? (`parts` $parts^)? `` custom<Layers>($layers)
    `layouts` custom<Layouts>($layouts) $segments attr-dict
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Plan_SegmentOp : Plan_Op<"segment", [HasParent<"ParameterOp">]> {
  let summary = "a tensor of the checkpoint, or a part of its rows, within a parameter";
  let description = [{
    With F the stored tensor of `shape` [rows, columns] (or [n]), it gives `rows` rows of
    each group: `W[g, r, c] = F[g * group_stride + first_row + r, c]`, or, transposed,
    `W[g, r, c] = F[g * group_stride + first_row + c, r]`. In the key `{layer}` stands
    for the layer and `{expert}` for the group.

    Constraints:
    1. The shape is one or two positive sizes.
    2. `rows` is positive, `first_row` and `group_stride` are not negative.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.parameter @kv_b_k : bf16 [4, 32, 16] layers [0 to 3] layouts [row_major] {
        plan.segment "model.layers.{layer}.self_attn.kv_b_proj.weight" shape [128, 32] rows 32 group_stride 32 transposed
      }
    }
    ```
  }];
  let arguments = (ins StrAttr:$key, OptionalAttr<StrAttr>:$scales, DenseI64ArrayAttr:$shape,
                       I64Attr:$rows, DefaultValuedAttr<I64Attr, "0">:$first_row,
                       DefaultValuedAttr<I64Attr, "0">:$group_stride, UnitAttr:$transposed);
  let assemblyFormat = [{
    $key (`scales` $scales^)? `shape` $shape `rows` $rows (`first_row` $first_row^)?
    (`group_stride` $group_stride^)? (`transposed` $transposed^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Plan_KernelOp : Plan_Op<"kernel", [Symbol, HasParent<"PlanOp">]> {
  let summary = "a compiled kernel";
  let description = [{
    The symbol is that of the variants' shared objects. `sizes` are the values that the
    kernel is given, in order; `tiles` and `scratch` (bytes per thread) are one per
    variant.

    Constraints:
    1. Tiles are counted by one of the kernel's own sizes, or are a number.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.variant "x86-64-v4" object "v4.so" checksum "12d4"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.kernel @q_a family "gemm" sizes [T] tiles [3 * ceil(T / 6), 2 * ceil(T / 14)] scratch [3072, 7168]
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$family, StrArrayAttr:$sizes,
                       Plan_ArrayOf<Plan_TilesAttr, "tiles">:$tiles, DenseI64ArrayAttr:$scratch);
  let assemblyFormat = [{
    $sym_name `family` $family `sizes` custom<Names>($sizes) `tiles` custom<TileList>($tiles)
    `scratch` $scratch attr-dict
  }];
  let hasVerifier = 1;
}

#endif // DSV3_PLAN_OPS_TABLES
