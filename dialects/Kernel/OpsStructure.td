//===- OpsStructure.td - definitions and launches --------------*- tablegen -*-===//
//
// What holds core ops together: fusion groups, definitions, launches.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_KERNEL_OPS_STRUCTURE
#define DSV3_KERNEL_OPS_STRUCTURE

include "Kernel/KernelBase.td"

def Kernel_GroupOp : Kernel_Op<"group", [SingleBlock, RecursiveMemoryEffects, NoRegionArguments]> {
  let summary = "dsv3 ops that shall become one kernel";
  let description = [{
    What fusion passes write: the ops of the region, taken together, are one launch.
    `kind` names what they are; `dsv3-outline-kernels` turns each group into a kern.def.

    Constraints:
    1. Yielded types are the types of the results.

    ```mlir
    %s, %n = kern.group "residual_norm" -> tensor<?x128xf32, #dsv3.dims<"T">>, tensor<?x128xf32, #dsv3.dims<"T">> {
      %a = dsv3.add %x, %d : tensor<?x128xf32, #dsv3.dims<"T">>
      %b = dsv3.rms_norm %a, %w eps 1.0e-06 : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xbf16>
      kern.yield %a, %b : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<?x128xf32, #dsv3.dims<"T">>
    }
    ```
  }];
  let arguments = (ins StrAttr:$kind);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$kind (`->` type($outputs)^)? $body attr-dict";
  let hasVerifier = 1;
}

def Kernel_DefOp : Kernel_Op<"def", [Symbol, IsolatedFromAbove, SingleBlock]> {
  let summary = "a kernel: one launch and its meaning";
  let description = [{
    The block arguments are the inputs, then the destinations, one for each result;
    the yielded values are the results. `kind` is what fusion made it for; `family`
    is the code generator's name for the core op (from phase kernels on). `configs`
    maps a variant to its configuration (phase configured): a dictionary of integers
    of the family table, among them `scratch` (bytes per thread), and `tiles`,
    `[size, factor, divisor, times, plus]` of dsv3/Plan/Plan.h's TileCount. `sizes`
    are the named sizes that the kernel is given, in order. `maxima` (from outlining on)
    bounds the sizes of the entries that launch it, the most of any of them. An input of
    cache type is two pointers of the ABI, its pages and its page table.

    Constraints:
    1. Yielded types are the types of the destinations.
    2. From phase kernels on, where `family` is given, there is one core op of that family, whose
       results are yielded, and besides it kern.view alone.
    3. `sizes` names the sizes of all arguments; destinations are tensors.
    4. Each configuration has `tiles`, five integers, and `scratch`.
    5. `maxima` are #dsv3.size.

    ```mlir
    kern.def @norm kind "norm" ins(%x: tensor<?x128xf32, #dsv3.dims<"T">>, %w: tensor<128xbf16>) outs(%o: tensor<?x128xf32, #dsv3.dims<"T">>) {
      %y = dsv3.rms_norm %x, %w eps 1.0e-06 : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xbf16>
      kern.yield %y : tensor<?x128xf32, #dsv3.dims<"T">>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$kind, I64Attr:$num_inputs,
                       OptionalAttr<StrAttr>:$family, OptionalAttr<StrArrayAttr>:$sizes,
                       OptionalAttr<TypedArrayAttrBase<Graph_SizeAttr, "#dsv3.size">>:$maxima,
                       OptionalAttr<DictionaryAttr>:$configs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::BlockArgument> getInputs();
    ::llvm::ArrayRef<::mlir::BlockArgument> getDestinations();
    /// The core op (phase kernels and later), or null.
    ::mlir::Operation *getCore();
    /// The configuration of a variant, or null.
    ::mlir::DictionaryAttr getConfig(::llvm::StringRef variant);
  }];
}

def Kernel_LaunchOp : Kernel_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel";
  let description = [{
    Results take the place of the destinations. A launch that is given a cache reads
    and writes it.

    Constraints:
    1. Types of inputs, destinations and results are the definition's.
    2. No destination is given twice.

    ```mlir
    kern.def @norm kind "norm" ins(%x: tensor<?x128xf32, #dsv3.dims<"T">>, %w: tensor<128xbf16>) outs(%o: tensor<?x128xf32, #dsv3.dims<"T">>) {
      %n = dsv3.rms_norm %x, %w eps 1.0e-06 : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xbf16>
      kern.yield %n : tensor<?x128xf32, #dsv3.dims<"T">>
    }
    %y = kern.launch @norm ins(%a, %b : tensor<?x128xf32, #dsv3.dims<"T">>, tensor<128xbf16>) outs(%e : tensor<?x128xf32, #dsv3.dims<"T">>) -> tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$inputs,
                       Variadic<AnyRankedTensor>:$destinations);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $callee `ins` `(` ($inputs^ `:` type($inputs))? `)`
    `outs` `(` ($destinations^ `:` type($destinations))? `)` attr-dict (`->` type($outputs)^)?
  }];
}

def Kernel_EmptyOp : Kernel_Op<"empty"> {
  let summary = "a destination whose contents do not matter";
  let description = [{
    No op computes with it: it is a destination, or nothing. It has the effect of an
    allocation, so that two of them are never taken for one.

    Constraints:
    1. The type is a ranked tensor.

    ```mlir
    %e = kern.empty : tensor<?x128xf32, #dsv3.dims<"T">>
    ```
  }];
  let results = (outs Res<AnyRankedTensor, "", [MemAlloc]>:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Kernel_YieldOp : Kernel_Op<"yield", [Pure, Terminator, ParentOneOf<[
    "GroupOp", "DefOp", "RowwiseOp", "GemmOp", "GroupedGemmOp", "CombineOp",
                                                  "ExpandedAttentionOp"]>]> {
  let summary = "the results of a group, a definition or a scalar region";
  let description = [{
    Constraints:
    1. The values are those that the op around it asks for: see kern.group, kern.def and the
       core ops.

    ```mlir
    %s = kern.group "sum" -> tensor<?x128xf32, #dsv3.dims<"T">> {
      %y = dsv3.add %a, %b : tensor<?x128xf32, #dsv3.dims<"T">>
      kern.yield %y : tensor<?x128xf32, #dsv3.dims<"T">>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Kernel_ViewOp : Kernel_Op<"view", [Pure]> {
  let summary = "some columns of a buffer, as rows or as heads";
  let description = [{
    Costs nothing: `result[t, i] = source[t, offset + i]`, or for a result with heads
    `result[t, h, i] = source[t, h * stride + offset + i]`, the source's dimensions
    after the first being taken as one.

    Constraints:
    1. The source is [T, n] or [T, h, n], contiguous, an argument of the kern.def.
    2. All columns of the result lie within the source's.
    3. `stride` is positive with heads and 0 without.

    ```mlir
    %v = kern.view %x offset 16 stride 24 : tensor<?x96xf32, #dsv3.dims<"T">> -> tensor<?x4x8xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, I64Attr:$offset,
                       DefaultValuedAttr<I64Attr, "0">:$stride);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $source `offset` $offset (`stride` $stride^)? attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // DSV3_KERNEL_OPS_STRUCTURE
