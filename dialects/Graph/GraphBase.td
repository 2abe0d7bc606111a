//===- GraphBase.td - the dsv3 dialect -------------------------*- tablegen -*-===//
//
// The dialect itself, its types, its attributes, and what its ops share.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_GRAPH_BASE
#define DSV3_GRAPH_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Graph_Dialect : Dialect {
  let name = "dsv3";
  let cppNamespace = "::dsv3::graph";
  let summary = "The DeepSeek-V3 model: latent attention, routed experts, block-scaled FP8";
  let description = [{
    A module of this dialect is a model: its parameters by checkpoint key, one
    function for each kind of decoder layer, and entry functions that say what a
    step computes. Values are tensors with named dynamic sizes
    (`#dsv3.dims`); the latent cache is a resource (`!dsv3.cache`), not a tensor.
    Weights never enter the IR.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class Graph_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Graph_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

def Graph_DimsAttr : Graph_Attr<"Dims", "dims", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding, ["verifyEncoding"]>]> {
  let summary = "names of the dynamic sizes of a tensor";
  let description = [{
    One name for each `?` of the tensor's shape, in order. `T` is the tokens of
    the step, `O` the rows that give output; `T*8` is eight times T. Two tensors
    whose sizes have the same name have the same size: verifiers compare names as
    they compare numbers.

    Example: `tensor<?x7168xf32, #dsv3.dims<"T">>`.
  }];
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names);
  let assemblyFormat = "`<` $names `>`";
  let extraClassDeclaration = [{
    /// Splits "T*8" into "T" and 8; "T" gives 1.
    static std::pair<::llvm::StringRef, int64_t> split(::mlir::StringAttr name);
  }];
}

def Graph_SizeAttr : Graph_Attr<"Size", "size"> {
  let summary = "a named size of an entry and its maximum";
  let description = [{
    Host-known: the scheduler knows the value before the step, so that it may
    enter grids and loop bounds. The maximum makes arena offsets constants.

    Example: `#dsv3.size<"T", max = 512>`.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "int64_t":$max);
  let assemblyFormat = "`<` $name `,` `max` `=` $max `>`";
  let genVerifyDecl = 1;
}

def Graph_SegmentAttr : Graph_Attr<"Segment", "segment"> {
  let summary = "a tensor of the checkpoint, or a part of its rows, within a parameter";
  let description = [{
    With F the stored tensor, of `shape` [rows, columns] (or [n]), the segment
    gives `rows` rows of each group of the parameter:
    `W[g, r, c] = F[g * group_stride + first_row + r, c]`, or, if transposed,
    `W[g, r, c] = F[g * group_stride + first_row + c, r]`. In the key `{layer}`
    stands for the layer and `{expert}` for the group.

    Example: `#dsv3.segment<"model.norm.weight", shape = [7168], rows = 1>`.
  }];
  let parameters = (ins
    "::mlir::StringAttr":$key,
    OptionalParameter<"::mlir::StringAttr">:$scale_key,
    ArrayRefParameter<"int64_t">:$shape,
    "int64_t":$rows,
    DefaultValuedParameter<"int64_t", "0">:$first_row,
    DefaultValuedParameter<"int64_t", "0">:$group_stride,
    DefaultValuedParameter<"bool", "false">:$transposed);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

def Graph_CacheType : TypeDef<Graph_Dialect, "Cache"> {
  let mnemonic = "cache";
  let summary = "the paged latent cache";
  let description = [{
    A resource that ops append to, read and rewind. It keeps, for each layer and
    token, the normed latent (`latent` = kv_lora_rank values) and the rotated key
    (`rope` = qk_rope_head_dim values). Tokens of a request are found through its
    page table, `page` tokens a page. `context` and `requests` are maxima. An op in
    a layer function means the pages of the layer that the function is called for.

    Example: `!dsv3.cache<f32, latent = 512, rope = 64, page = 64, context = 4096, requests = 1>`.
  }];
  let parameters = (ins "::mlir::Type":$elementType, "int64_t":$latent, "int64_t":$rope,
                        "int64_t":$page, "int64_t":$maxContext, "int64_t":$maxRequests);
  let assemblyFormat = [{
    `<` $elementType `,` `latent` `=` $latent `,` `rope` `=` $rope `,` `page` `=` $page `,`
    `context` `=` $maxContext `,` `requests` `=` $maxRequests `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Entries of a request's row of the page table.
    int64_t getMaxPages() const { return (getMaxContext() + getPage() - 1) / getPage(); }
  }];
}

def Graph_Float : RankedTensorOf<[F32, F64, BF16, F16]>;
def Graph_Weight : RankedTensorOf<[F32, BF16, F16, F8E4M3FN, I8, I<4>]>;
def Graph_Scales : RankedTensorOf<[F32, F16]>;
def Graph_Ids : RankedTensorOf<[I32]>;

class Graph_Op<string mnemonic, list<Trait> traits = []>
    : Op<Graph_Dialect, mnemonic, traits>;
/// An op without side effects whose result types follow from its operands.
class Graph_PureOp<string mnemonic, list<Trait> traits = []>
    : Graph_Op<mnemonic, !listconcat([Pure, InferTypeOpAdaptor], traits)>;

#endif // DSV3_GRAPH_BASE
