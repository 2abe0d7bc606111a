//===- OpsProgram.td - what a plan does ------------------------*- tablegen -*-===//
//
// Entries, bodies and their instructions.
//
//===----------------------------------------------------------------------===//
#ifndef DSV3_PLAN_OPS_PROGRAM
#define DSV3_PLAN_OPS_PROGRAM

include "Plan/PlanBase.td"

def Plan_EntryOp : Plan_Op<"entry", [Symbol, HasParent<"PlanOp">, NoTerminator, SingleBlock,
                                     NoRegionArguments]> {
  let summary = "a straight program for steps of some numbers of tokens";
  let description = [{
    The session takes the first entry of the wanted `role` that admits the step.
    `maxima` bounds each size; `arena` is in bytes. Bodies are programs that the entry
    calls, once for each layer; the other instructions are run in order.

    Constraints:
    1. 1 ≤ first number of tokens ≤ second.
    2. `maxima` has the sizes of the module, each positive.
    3. Ports, observations and bodies have names of their own.
    4. Offsets lie in the arena; ports, bodies and observations are declared.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.kernel @embed family "embed" sizes [T] tiles [ceil(T / 4)] scratch [0]
      plan.kernel @layer family "gemm" sizes [T] tiles [ceil(T / 4)] scratch [0]
      plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
        inputs [ids: i32 [T, 1]] outputs [normed: f32 [T, 128]] observations [hidden: f32 [T, 128]] {
        plan.body dense {
          plan.launch @layer (formal(0), cache, page_table, formal(1))
        }
        plan.launch @embed (input(ids), arena(0))
        plan.observe hidden layer 0 (arena(0))
        plan.call dense layer 0 (arena(0), output(normed))
      }
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$role, I64Attr:$min_tokens,
                       I64Attr:$max_tokens, DictionaryAttr:$maxima, I64Attr:$arena,
                       Plan_ArrayOf<Plan_PortAttr, "ports">:$inputs,
                       Plan_ArrayOf<Plan_PortAttr, "ports">:$outputs,
                       Plan_ArrayOf<Plan_PortAttr, "ports">:$observations);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `role` $role `tokens` $min_tokens `to` $max_tokens `maxima` custom<Maxima>($maxima)
    `arena` $arena `\n` ` ` ` ` `inputs` custom<Ports>($inputs) `outputs` custom<Ports>($outputs)
    `observations` custom<Ports>($observations) $body attr-dict
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Plan_BodyOp : Plan_Op<"body", [HasParent<"EntryOp">, NoTerminator, SingleBlock,
                                   NoRegionArguments]> {
  let summary = "a program that an entry calls once for each layer";
  let description = [{
    In it `formal(i)` is argument i of the call, and layer, cache and parameters are
    those of the layer that it is called for.

    Constraints:
    1. It calls no body, and its instructions name no layer.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.kernel @layer family "gemm" sizes [T] tiles [ceil(T / 4)] scratch [0]
      plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
        inputs [] outputs [] observations [] {
        plan.body moe {
          plan.launch @layer (formal(0), arena(4096))
        }
        plan.call moe layer 3 (arena(0))
      }
    }
    ```
  }];
  let arguments = (ins StrAttr:$name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "custom<Name>($name) $body attr-dict";
  let hasRegionVerifier = 1;
}

class Plan_Instruction<string mnemonic>
    : Plan_Op<mnemonic, [ParentOneOf<["EntryOp", "BodyOp"]>]>;

def Plan_LaunchOp : Plan_Instruction<"launch"> {
  let summary = "runs a kernel";
  let description = [{
    The arguments are the pointers of the kernel's ABI, in order.

    Constraints:
    1. The kernel is declared; arguments lie in the arena or are declared.
    2. In a body it names no layer; in an entry it does where an argument is of a layer.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.parameter @norm : f32 [1, 1, 128] layouts [row_major] {
        plan.segment "model.norm.weight" shape [128] rows 1
      }
      plan.kernel @norm.f32 family "rowwise" sizes [T] tiles [ceil(T / 4)] scratch [0]
      plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
        inputs [] outputs [] observations [] {
        plan.launch @norm.f32 (arena(0), param(@norm), arena(4096))
      }
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, OptionalAttr<I64Attr>:$layer,
                       Plan_ArrayOf<Plan_ArgAttr, "arguments">:$args);
  let assemblyFormat = "$kernel (`layer` $layer^)? custom<Args>($args) attr-dict";
}

def Plan_CallOp : Plan_Instruction<"call"> {
  let summary = "runs a body of the entry for a layer";
  let description = [{
    Constraints:
    1. The entry has the body, and there is an argument for each of its formals.
    2. The layer is one of the plan's.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
        inputs [] outputs [] observations [] {
        plan.body moe {
        }
        plan.call moe layer 3 (arena(0), arena(4096))
      }
    }
    ```
  }];
  let arguments = (ins StrAttr:$body, OptionalAttr<I64Attr>:$layer,
                       Plan_ArrayOf<Plan_ArgAttr, "arguments">:$args);
  let assemblyFormat = "custom<Name>($body) (`layer` $layer^)? custom<Args>($args) attr-dict";
}

def Plan_ObserveOp : Plan_Instruction<"observe"> {
  let summary = "shows a value to whoever asked for it";
  let description = [{
    The value is that of an observation of the entry, for the layer of the call or, in
    the entry itself, for `layer`. It costs nothing when nobody looks.

    Constraints:
    1. There is one argument.

    ```mlir
    plan.module identity "9f3c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T] {
      plan.variant "x86-64-v3" object "v3.so" checksum "77e0"
      plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
      plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
        inputs [] outputs [] observations [hidden: f32 [T, 128]] {
        plan.observe hidden layer 0 (arena(0))
      }
    }
    ```
  }];
  let arguments = (ins StrAttr:$observation, OptionalAttr<I64Attr>:$layer,
                       Plan_ArrayOf<Plan_ArgAttr, "arguments">:$args);
  let assemblyFormat = "custom<Name>($observation) (`layer` $layer^)? custom<Args>($args) attr-dict";
  let hasVerifier = 1;
}

#endif // DSV3_PLAN_OPS_PROGRAM
