//===- Passes.td - passes over the dsv3 dialect ----------------*- tablegen -*-===//
#ifndef DSV3_TRANSFORMS_PASSES
#define DSV3_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

class GraphPass<string flag> : Pass<flag, "::mlir::ModuleOp"> {
  let dependentDialects = ["::dsv3::graph::GraphDialect", "::dsv3::kern::KernelDialect"];
}

//===----------------------------------------------------------------------===//
// Phase graph
//===----------------------------------------------------------------------===//

def EncodeWeights : GraphPass<"dsv3-encode-weights"> {
  let summary = "has the weights of large products encoded in fewer bits when they are packed";
  let description = [{
    `weights` names the encoding (bf16, fp8, int8, int4) of what dsv3.linear, dsv3.experts and
    dsv3.mla_attention read, `head` (bf16, fp8, int8) that of what dsv3.lm_head reads; empty:
    as stored. Not touched are norms, biases, the embedding, the router's gate, and kv_b for
    int8 and int4: absorbed attention reads it by columns, whose values would not share scales.
    What is stored in the wanted type stays as it is.

    Before: `dsv3.parameter @w : tensor<64x128xbf16> from …`. After:
    `dsv3.parameter @w : tensor<64x128xi8> stored bf16 block [1, 32] from …`, and its readers
    have scales.
  }];
  let options = [Option<"weights", "weights", "std::string", "\"\"", "encoding of products">,
                 Option<"head", "head", "std::string", "\"\"", "encoding of the head">];
}

def LowerExperts : GraphPass<"dsv3-lower-experts"> {
  let summary = "dsv3.experts as dispatch, grouped products and combine";
  let description = [{
    ```mlir
    %y = dsv3.experts %x, %e, %w, %gate_up, %down
    ```
    becomes
    ```mlir
    %offsets, %rows, %slots = dsv3.dispatch %e
    %h = dsv3.grouped_linear %x, %offsets rows %rows, %gate_up
    %a = dsv3.silu_mul %h
    %d = dsv3.grouped_linear %a, %offsets, %down
    %y = dsv3.combine %d, %slots, %w
    ```
  }];
}

def ObserveInputs : GraphPass<"dsv3-observe-inputs"> {
  let summary = "shows what weights of products are multiplied with";
  let description = [{
    For weights that are encoded better where it is known which of their columns matter
    (`dsv3-run --calibration`). An observation for each tensor that a product reads, before it:

    ```mlir
    %y = dsv3.linear %x, %w
    ```
    becomes
    ```mlir
    dsv3.observe "input.model.layers.{layer}.mlp.down_proj.weight" %x
    %y = dsv3.linear %x, %w
    ```
    Rows that are sorted by expert are observed as `entries.` instead. The weight of a router is
    never encoded, and what is in no layer (the head, the projection before the MTP layer) is shown
    for none: both are left alone.
  }];
}

def MakeEntryPoints : GraphPass<"dsv3-make-entry-points"> {
  let summary = "one entry for each bucket of tokens in a step";
  let description = [{
    Copies the entry `forward` and the layer functions that it calls:

    | entry | tokens | attention |
    |---|---|---|
    | decode | 1 | absorbed |
    | rows | 2 to `rows` | absorbed |
    | prefill | 1 to `chunk` | expanded |

    and gives `mtp` its sizes. The session takes the first entry that admits a step,
    so `rows` is the threshold where absorbed attention gives way to expanded.

    Before: `func.func @forward`, `func.func private @moe`. After: `@decode`,
    `@decode.moe`, `@rows`, `@rows.moe`, `@prefill`, `@prefill.moe`.
  }];
  let options = [
    Option<"rows", "rows", "int64_t", "16", "most tokens of a step with absorbed attention">,
    Option<"chunk", "chunk", "int64_t", "512", "most tokens of a step">];
}

def AbsorbMla : GraphPass<"dsv3-absorb-mla"> {
  let summary = "absorbs the up-projections of keys and values into queries and outputs";
  let description = [{
    In layer functions whose `dsv3.attention` is "absorbed", replaces

    ```mlir
    %o = dsv3.mla_attention %q_nope, %q_rope, %kv_b, …
    ```
    by
    ```mlir
    %q = dsv3.head_linear %q_nope, %w_uk
    %l = dsv3.latent_attention %q, %q_rope, …
    %o = dsv3.head_linear %l, %w_uv
    ```
    where `w_uk` and `w_uv` are parameters made of kv_b's rows (DeepSeek-V2 report,
    2.1.2). A step of few tokens then reads the latents alone and expands nothing.
  }];
}

def SetPrecision : GraphPass<"dsv3-set-precision"> {
  let summary = "writes the precision policy into the module";
  let description = [{
    | policy | activations and cache | products |
    |---|---|---|
    | f32 | f32 | weights as stored, FP8 = code × scale |
    | bf16 | bf16, residual additions too | of bf16, weights of other types rounded to it |
    | w8a8 | as bf16 | as bf16; FP8 weights times rows quantised to FP8 |

    Sums are f32 under all of them, and so are rotations, the router and logits. What a
    session gives and takes stays f32. `cache-type` makes the cache of policy f32 narrower:
    rows are rounded once, when they are appended, and read as f32. Under f32 the pass checks that it is so; the others
    it writes as element types, dsv3.cast at the ports, dsv3.dequantise or dsv3.cast of a
    weight that a product reads as bf16, and dsv3.quantise of the rows of FP8 products
    (not those of kv_b, which absorption takes apart: DeepSeek-V3 inference code). The
    policy is recorded as the module's attribute `dsv3.policy`.

    ```mlir
    %y = dsv3.linear %x, %w scales %s block [128, 128] : (f32, f8) -> f32
    ```
    becomes, with w8a8 and with bf16,
    ```mlir
    %q, %t = dsv3.quantise %x group 128 : bf16 -> f8, f32
    %y = dsv3.linear %q x_scales %t, %w scales %s block [128, 128] : (f8, f8) -> bf16

    %v = dsv3.dequantise %w scales %s block [128, 128] : f8 -> bf16
    %y = dsv3.linear %x, %v : (bf16, bf16) -> bf16
    ```
  }];
  let options = [Option<"policy", "policy", "std::string", "\"f32\"", "f32, bf16 or w8a8">,
                 Option<"cacheType", "cache-type", "std::string", "\"\"",
                        "elements of the cache [what the policy says]: f32, bf16 or f16">];
}

def NarrowActivations : GraphPass<"dsv3-narrow-activations"> {
  let summary = "rounds or quantises the rows of products under policy f32";
  let description = [{
    | activations | rows of dsv3.linear and dsv3.grouped_linear | with weights of |
    |---|---|---|
    | f32 | f32 | any type |
    | bf16 | rounded to bf16 by dsv3.cast | bf16 |
    | int8 | codes of i8 by dsv3.quantise, a scale for each block of the weight | i8 or i4 |

    So that instructions for dot products multiply them. Rows of other products stay f32, and so
    do the router's, kv_b's and the head's whatever their weights are; what products give is f32.
    A module of which no product can be narrowed is refused. The choice is recorded as the
    module's attribute `dsv3.activations`.

    ```mlir
    %y = dsv3.linear %x, %w scales %s block [1, 32] : (f32, i8) -> f32
    ```
    becomes
    ```mlir
    %q, %t = dsv3.quantise %x group 32 : f32 -> i8, f32
    %y = dsv3.linear %q x_scales %t, %w scales %s block [1, 32] : (i8, i8) -> f32
    ```
  }];
  let options = [Option<"activations", "activations", "std::string", "\"f32\"",
                        "f32, bf16 or int8">];
}

//===----------------------------------------------------------------------===//
// Phase fused
//===----------------------------------------------------------------------===//

def MergeProjections : GraphPass<"dsv3-merge-projections"> {
  let summary = "the first projections of query and latent as one product";
  let description = [{
    `q_a_proj` (or `q_proj`) and `kv_a_proj_with_mqa` read the same rows: one parameter
    of two segments, one dsv3.linear, two slices. Missed where they are stored with
    different types.

    ```mlir
    %q = dsv3.linear %x, %w_q
    %kv = dsv3.linear %x, %w_kv
    ```
    becomes
    ```mlir
    %both = dsv3.linear %x, %w
    %q = dsv3.slice %both[0, 1536]
    %kv = dsv3.slice %both[1536, 576]
    ```
  }];
}

def LowerRopeAppend : GraphPass<"dsv3-lower-rope-append"> {
  let summary = "norm of the latent, rotations and cache append as one kernel";
  let description = [{
    Groups a dsv3.cache_append with the dsv3.rms_norm of its latent, the dsv3.rope of
    its key and the dsv3.rope of the query. A lowering: no core op computes one of them
    alone, so an append that cannot be grouped is an error.

    ```mlir
    %q = dsv3.rope %query, %cos, %sin
    %n = dsv3.rms_norm %latent, %w eps 1.0e-06
    %k = dsv3.rope %key, %cos, %sin
    dsv3.cache_append %cache, %n, %k, %positions, %requests
    ```
    becomes
    ```mlir
    %q = kern.group "rope_append" { … the four … }
    ```
  }];
}

def FuseResidualNorm : GraphPass<"dsv3-fuse-residual-norm"> {
  let summary = "a residual addition with the norm that reads it";
  let description = [{
    Groups a dsv3.add with the dsv3.rms_norm of its result, and a norm with the
    dsv3.quantise or dsv3.cast of its result: sum and normed row are read and written once.
    Missed where the norm has none of them.

    ```mlir
    %s = dsv3.add %x, %d
    %n = dsv3.rms_norm %s, %w eps 1.0e-06
    ```
    becomes
    ```mlir
    %s, %n = kern.group "residual_norm" { … both … }
    ```
  }];
}

def FuseExperts : GraphPass<"dsv3-fuse-experts"> {
  let summary = "grouped products with SiLU, and combine with what is added to it";
  let description = [{
    Groups dsv3.grouped_linear with the dsv3.silu_mul that reads it alone, and the
    dsv3.quantise that reads that alone, and dsv3.combine with the additions (shared expert, residual) that follow it.
    A GPU's block has all columns of a group of FP8 codes then. In a step of 16 tokens or less,
    where such blocks would be few and long, codes stay a launch of their own.

    ```mlir
    %h = dsv3.grouped_linear %x, %offsets rows %rows, %gate_up
    %a = dsv3.silu_mul %h
    ```
    becomes
    ```mlir
    %a = kern.group "experts_gate_up" { … both … }
    ```
  }];
}

def FuseGemmEpilogue : GraphPass<"dsv3-fuse-gemm-epilogue"> {
  let summary = "products with the elementwise ops that read them";
  let description = [{
    Groups dsv3.linear with a dsv3.silu_mul or dsv3.add that reads it alone, and a
    dsv3.quantise that reads the dsv3.silu_mul alone; and dsv3.head_linear, merged heads and the
    dsv3.quantise that alone reads them, where it makes FP8 codes and each head has whole groups.
    In a step of few tokens FP8 codes may stay alone, as in dsv3-fuse-experts.

    ```mlir
    %p = dsv3.linear %x, %w
    %y = dsv3.add %r, %p
    ```
    becomes
    ```mlir
    %y = kern.group "linear_add" { … both … }
    ```
  }];
}

def OutlineKernels : GraphPass<"dsv3-outline-kernels"> {
  let summary = "every group, and every op left alone, becomes a kern.def";
  let description = [{
    A kern.def is made of each kern.group and of each computing op outside of groups;
    views (slice, split_heads, merge_heads) and what expands a weight (dequantise, cast)
    go into the kernels that read them. Equal
    definitions are made once. Parameters that nothing reads any more are erased. What
    dsv3 computes in one op (router, dispatch, …) is one launch from the start; of an op
    that a fusion could have taken, a remark says that it was missed.

    ```mlir
    func.func @decode(%x) {
      %s = kern.group "sum" { … dsv3.add %x, %x … }
    ```
    becomes
    ```mlir
    kern.def @decode.sum kind "sum" ins(%x) outs(%o) { … dsv3.add %x, %x … }
    func.func @decode(%x) {
      %e = kern.empty
      %s = kern.launch @decode.sum ins(%x) outs(%e)
    ```
  }];
}

//===----------------------------------------------------------------------===//
// Phase kernels, after convert-dsv3-to-kern
//===----------------------------------------------------------------------===//

def ExpandLatents : GraphPass<"kern-expand-latents"> {
  let summary = "keys and values of a prompt expanded by a kernel of their own";
  let description = [{
    Expanded attention whose blocks each expand the pages that their tokens see does so again for
    every 64 tokens. On warp groups of sm_90a a kernel expands the keys and values of all tokens that
    the step's requests have, once a step and layer, and attention reads those. Where queries, results
    and cache are bf16, keys and values have 128 columns, and what a context can have takes at most
    `most-bytes`. A weight of another type becomes bf16 when it is read, as it was rounded
    on its way before; one that would be encoded from bf16 stays as it is.

    ```mlir
    %y = kern.launch @attention ins(%q, %r, %w, %pos, %req, %cache) outs(%o)
    ```
    becomes
    ```mlir
    %k, %p, %v = kern.launch @attention_expand ins(%w, %pos, %req, %cache) outs(%e, %f, %g)
    %y = kern.launch @attention ins(%q, %r, %pos, %req, %k, %p, %v) outs(%o)
    ```
  }];
  let options = [Option<"mostBytes", "most-bytes", "int64_t", "int64_t(1) << 31", "of the arena, for keys and values">];
}

def SplitAttention : GraphPass<"kern-split-attention"> {
  let summary = "absorbed attention in parts of the keys, which another kernel combines";
  let description = [{
    A token that decodes behind a long context has few heads for many threads or
    multiprocessors. Its keys are divided among as many parts as give about `pieces` pieces of
    work with the heads, or `lone-pieces` for a step of up to 16 tokens, and fewer of these the
    more tokens a step may have; `most-parts` at most, and no more than there are pages. A part has
    `part-pages` pages at the least, and in steps that may have several tokens, which are more work,
    as many times that as there are 64 heads: each part leaves sums of all of them. How many are used
    depends on the kind of step and the token's position alone, so that its result depends neither on
    threads nor on the tokens beside it. The defaults are for CPUs, where a tile has up to 16 heads:
    what more parts write and combine would show, and fewer leave threads waiting for the last tile.

    ```mlir
    %y = kern.launch @attention ins(%q, …) outs(%o : tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
    ```
    becomes
    ```mlir
    %e = kern.empty : tensor<1x4x1088xf32>
    %p = kern.launch @attention ins(%q, …) outs(%e : tensor<1x4x1088xf32>) -> tensor<1x4x1088xf32>
    %y = kern.launch @attention_combine ins(%p : tensor<1x4x1088xf32>) outs(%o : tensor<1x4x32xf32>) -> tensor<1x4x32xf32>
    ```
  }];
  let options = [Option<"pieces", "pieces", "int64_t", "256", "heads times parts that a token should have">,
                 Option<"lonePieces", "lone-pieces", "int64_t", "512", "likewise, where few tokens are all the work">,
                 Option<"mostParts", "most-parts", "int64_t", "32", "most parts of the keys of a token">,
                 Option<"partPages", "part-pages", "int64_t", "0", "least pages of a part of a lone token's keys; 0: one, also of several">];
}

def ReadInPlace : GraphPass<"kern-read-in-place"> {
  let summary = "weights of products that CPUs read where the checkpoint has them";
  let description = [{
    A weight in bf16 whose rows, of f32, kernels multiply can be read as the checkpoint has it:
    nothing is packed, and no second copy is in memory. It must be stored as bf16, its segments
    must be rows of the tensors and whole panels of each CPU, and all kernels that read it must
    do so in place; and all weights that a kernel reads. With `experts-only` dense products
    are left as they are: they meet all rows of a step, for which panels are better.

    ```mlir
    %y = kern.gemm ins(%a, %w : tensor<4x64xf32>, tensor<32x64xbf16>) …
    ```
    becomes
    ```mlir
    %y = kern.gemm ins(%a, %w : tensor<4x64xf32>, tensor<32x64xbf16>) … {in_place}
    ```
  }];
  let options = [Option<"expertsOnly", "experts-only", "bool", "false", "leave dense products packed">];
}

//===----------------------------------------------------------------------===//
// Phase configured
//===----------------------------------------------------------------------===//

def ConfigureKernels : GraphPass<"kern-configure"> {
  let summary = "a configuration of the family table for every kernel and variant";
  let description = [{
    Derives the facts of each kern.def (rows at most, columns, weight type, …), asks the
    family table (dsv3/Plan/Families.h) for each variant, and writes the choice as the
    attribute `configs`: the table's fields, `scratch`, and `tiles` as [size, factor,
    divisor, times, plus]. Definitions that are equal then are made one.

    Before: `kern.def @embed kind "embed" family "gather" …`. After: the same with
    `configs {"x86-64-v3" = {rows = 4, scratch = 0, tiles = array<i64: 0, 1, 4, 1, 0>}}`.
  }];
  let options = [ListOption<"variants", "variants", "std::string",
                            "variants to make kernels for [CPUs, as suits the activations]">,
                 Option<"tensorCores", "tensor-cores", "std::string", "\"wgmma\"",
                        "instructions of tiles on sm_90a: mma, or wgmma">];
}

//===----------------------------------------------------------------------===//
// Borders
//===----------------------------------------------------------------------===//

def VerifyPhase : GraphPass<"dsv3-verify-phase"> {
  let summary = "lists what must not be left after a phase";
  let description = [{
    At the border of a phase only certain ops may be left:

    | after | in functions | in kernels |
    |---|---|---|
    | import, graph, sharded | ops of dsv3 | no kernels yet |
    | fused | weight, call_layer, observe, launches | ops of dsv3 |
    | kernels | as fused | one core op and views |
    | configured | as fused | as kernels, with configurations |

    Everything else is listed by op, count and function in one diagnostic. Once there are
    entries, named sizes must be among those that the entry has maxima for: a count that a
    kernel makes on the device is no size. Nothing is changed.
  }];
  let options = [Option<"phase", "phase", "std::string", "\"graph\"", "phase that has ended">];
}

#endif // DSV3_TRANSFORMS_PASSES
