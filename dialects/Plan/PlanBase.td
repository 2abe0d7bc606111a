//===- PlanBase.td - the plan dialect --------------------------*- tablegen -*-===//
//
// The dialect itself and its attributes.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_PLAN_BASE
#define DSV3_PLAN_BASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::dsv3::planir";
  let summary = "What the runtime is told: straight programs over an arena";
  let description = [{
    The text of a plan (dsv3/Plan/Plan.h), complete and exact: a plan written as
    this dialect and read back gives the same bytes. There are no values and no
    types, only tables and straight programs. Parameters, kernels and entries are
    symbols of the `plan.module`; sizes, ports, bodies and observations have plain
    names, which mean something within their module or entry.

    Verifiers check that names are declared and lists have the right length. What an
    executor relies on beyond that is checked when the text is made a plan.
  }];
  let useDefaultAttributePrinterParser = 1;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

/// Printed `#plan.mnemonic<body>`, and as the bare body in the assembly of ops.
class Plan_Attr<string name, string attrMnemonic> : AttrDef<Plan_Dialect, name> {
  let mnemonic = attrMnemonic;
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    static }] # cppClassName # [{ parseBody(::mlir::AsmParser &parser);
    void printBody(::mlir::AsmPrinter &printer) const;
  }];
}

class Plan_ArrayOf<Plan_Attr attr, string what> : TypedArrayAttrBase<attr, what>;

def Plan_LayoutKind : I32EnumAttr<"LayoutKind", "how a parameter lies in memory", [
    I32EnumAttrCase<"RowMajor", 0, "row_major">, I32EnumAttrCase<"Panels", 1, "panels">,
    I32EnumAttrCase<"Dots", 2, "dots">, I32EnumAttrCase<"InPlace", 3, "in_place">]> {
  let cppNamespace = "::dsv3::planir";
}

def Plan_LayoutAttr : Plan_Attr<"Layout", "layout"> {
  let summary = "how a parameter lies in memory for one variant";
  let description = [{
    `row_major`, or panels of w rows of the weight: `panels(w)`, `dots(w)` for dot products, and
    `in_place(w)` where the checkpoint has them (dsv3/Plan/Layout.h has the formulas).

    Example: `#plan.layout<panels(16)>`.
  }];
  let parameters = (ins "::dsv3::planir::LayoutKind":$kind, "int64_t":$width);
}

def Plan_TilesAttr : Plan_Attr<"Tiles", "tiles"> {
  let summary = "how many tiles a launch has";
  let description = [{
    A number, or `times * ceil(size * factor / divisor) + plus` with the value of a
    named size; factors and divisors of 1 and a `plus` of 0 are left out.

    Example: `#plan.tiles<4 * ceil(T / 16)>`.
  }];
  let parameters = (ins OptionalParameter<"::mlir::StringAttr">:$size, "int64_t":$factor,
                        "int64_t":$divisor, "int64_t":$times, "int64_t":$plus);
}

def Plan_PortAttr : Plan_Attr<"Port", "port"> {
  let summary = "rows that the session gives, takes or may look at";
  let description = [{
    `name: type [size, columns]`: a row for each unit of a named size.

    Example: `#plan.port<logits: f32 [O, 129280]>`.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::Type":$type,
                        "::mlir::StringAttr":$size, "int64_t":$columns);
  let genVerifyDecl = 1;
}

def Plan_ArgKind : I32EnumAttr<"ArgKind", "where the bytes of an argument are", [
    I32EnumAttrCase<"Arena", 0, "arena">, I32EnumAttrCase<"Formal", 1, "formal">,
    I32EnumAttrCase<"Parameter", 2, "param">, I32EnumAttrCase<"Scales", 3, "scales">,
    I32EnumAttrCase<"Input", 4, "input">, I32EnumAttrCase<"Output", 5, "output">,
    I32EnumAttrCase<"Cache", 6, "cache">, I32EnumAttrCase<"PageTable", 7, "page_table">]> {
  let cppNamespace = "::dsv3::planir";
}

def Plan_ArgAttr : Plan_Attr<"Arg", "arg"> {
  let summary = "an argument of a launch or a call";
  let description = [{
    - `arena(4096)`: at this byte of the entry's arena;
    - `formal(0)`: this argument of the body's call;
    - `param(@q_a)`, `scales(@q_a)`: data or scales of a parameter, of the current
      layer if it has layers;
    - `input(ids)`, `output(logits)`: a port of the entry;
    - `cache`: the current layer's pages of the latent cache; `page_table`.

    Example: `#plan.arg<arena(4096)>`.
  }];
  // `name` is a symbol or a string, `number` an offset or an index.
  let parameters = (ins "::dsv3::planir::ArgKind":$kind,
                        OptionalParameter<"::mlir::Attribute">:$name, "int64_t":$number);
  let genVerifyDecl = 1;
}

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

#endif // DSV3_PLAN_BASE
