// What the verifiers of the plan dialect refuse.
// RUN: dsv3-opt %s -split-input-file -verify-diagnostics -allow-unregistered-dialect

// A plan without a cache cannot be run.
// expected-error@+1 {{expected one plan.cache and at least one plan.variant, found 0 and 1}}
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
}

// -----

// expected-error@+1 {{expected one plan.cache and at least one plan.variant, found 1 and 0}}
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
}

// -----

// expected-error@+1 {{scale_block: expected 2 positive sizes, found [128]; hint: the rows and columns that share a scale}}
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] scale_block [128] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
}

// -----

// expected-error@+1 {{declares size "T" twice}}
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T, T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
}

// -----

// Only what a plan is made of.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{within a plan.module; hint: it holds variants, a cache, parameters, kernels and entries}}
  "test.op"() : () -> ()
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  // expected-error@+1 {{expected 6 positive sizes, found [4, 0, 8, 64, 4096, 1]}}
  plan.cache f32 layers 4 latent 0 rope 8 page 64 context 4096 requests 1
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  // expected-error@+1 {{has element type 'i1', which plans do not have; hint: f32, bf16 or f8E4M3FN}}
  plan.cache i1 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
}

// -----

// Parameters.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has element type 'index', which plans do not have}}
  plan.parameter @w : index [1, 8, 16] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

// A weight has groups.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{shape: expected 3 positive sizes, found [8, 16]; hint: groups, rows and columns}}
  plan.parameter @w : f32 [8, 16] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{scales: expected 2 positive sizes, found [0, 128]}}
  plan.parameter @w : f32 [1, 8, 16] scales [0, 128] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected ascending layers, found 1 after 3}}
  plan.parameter @w : f32 [1, 8, 16] layers [3, 1] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

// A range is not worth any memory.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected ascending layers below 65536, found 0 to 99999999999}}
  plan.parameter @w : f32 [1, 8, 16] layers [0 to 99999999999] layouts [row_major] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has 2 layouts, the plan 1 variants; hint: one for each, in their order}}
  plan.parameter @w : f32 [1, 8, 16] layouts [row_major, row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected a layout: row_major, panels(width), dots(width) or in_place(width)}}
  plan.parameter @w : f32 [1, 8, 16] layouts [column_major] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has 9 rows, its segments 8; hint: each row comes from one segment}}
  plan.parameter @w : f32 [1, 9, 16] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.parameter @w : f32 [1, 8, 16] layouts [row_major] {
    // expected-error@+1 {{within a parameter; hint: a parameter holds plan.segment only}}
    "test.op"() : () -> ()
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.parameter @w : f32 [1, 8, 16] layouts [row_major] {
    // expected-error@+1 {{shape: expected 1 or more positive sizes, found [1, 2, 3]; hint: that of the stored tensor}}
    plan.segment "w" shape [1, 2, 3] rows 8
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.parameter @w : f32 [1, 8, 16] layouts [row_major] {
    // expected-error@+1 {{expected positive rows, first_row and group_stride not negative, found 8, -1 and 0}}
    plan.segment "w" shape [8, 16] rows 8 first_row -1
  }
}

// -----

// Kernels.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{uses size "O", the plan's are ["T"]; hint: add it to the `sizes` of plan.module}}
  plan.kernel @k family "gemm" sizes [O] tiles [1] scratch [0]
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{is given size "T" twice; hint: list it once}}
  plan.kernel @k family "gemm" sizes [T, T] tiles [1] scratch [0]
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{counts tiles by "T", its sizes are []; hint: add it to `sizes`}}
  plan.kernel @k family "gemm" sizes [] tiles [ceil(T)] scratch [0]
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has tiles for 1 variants, scratch for 2; hint: one of each for every variant}}
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0, 0]
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has 2 tiles, the plan 1 variants}}
  plan.kernel @k family "gemm" sizes [T] tiles [1, 1] scratch [0, 0]
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.parameter @k : f32 [1, 8, 16] layouts [row_major] {
  // expected-note@-1 {{see existing symbol definition here}}
    plan.segment "w" shape [8, 16] rows 8
  }
  // expected-error@+1 {{redefinition of symbol named 'k'}}
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
}

// -----

// Entries.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected a range of tokens from 1 on, found 4 to 3}}
  plan.entry @decode role "step" tokens 4 to 3 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected an arena of 0 bytes or more, found -1}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena -1
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected positive maxima of type i64, found "T" = 0 : i64}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 0) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has maxima for 0 sizes, the plan has 1; hint: bound each of ["T"]}}
  plan.entry @decode role "step" tokens 1 to 16 maxima () arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{uses size "O", the plan's are ["T"]}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (O = 1) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{expected a size once, found 'T' again or without a name}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 1, T = 2) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{has two ports "a"; hint: give one of them another name}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [a: i32 [T, 1], a: i32 [T, 1]] outputs [] observations [] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  // expected-error@+1 {{uses size "O"}}
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [a: i32 [O, 1]] outputs [] observations [] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    // expected-error@+1 {{'a' has 0 columns, expected at least 1}}
    inputs [a: i32 [T, 0]] outputs [] observations [] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    // expected-error@+1 {{'a' has type 'i7', which plans do not have}}
    inputs [a: i7 [T, 1]] outputs [] observations [] {
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{within an entry; hint: it holds bodies, launches, calls and observations}}
    "test.op"() : () -> ()
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    plan.body moe {
    }
    // expected-error@+1 {{is called "moe" like another; hint: calls go by name}}
    plan.body moe {
    }
  }
}

// -----

// Bodies.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    plan.body moe {
      // expected-error@+1 {{names layer 3 within a body; hint: the call names it}}
      plan.launch @k layer 3 ()
    }
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    plan.body moe {
      // expected-error@+1 {{within a body; hint: it holds launches and observations, and an entry calls bodies}}
      "test.op"() : () -> ()
    }
  }
}

// -----

// Instructions.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{runs @k, which is no plan.kernel of the module}}
    plan.launch @k ()
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{calls "moe", which is no plan.body of the entry}}
    plan.call moe layer 0 ()
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{shows "router", which is no observation of the entry; it has [#plan.port<hidden: f32 [T, 128]>]}}
    plan.observe router layer 0 (arena(0))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{expected one value, found 2}}
    plan.observe hidden layer 0 (arena(0), arena(0))
  }
}

// -----

// Arguments.
plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses byte 8192 of an arena of 8192 bytes}}
    plan.launch @k (arena(8192))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses formal(0) outside of a body; hint: an entry has inputs and outputs}}
    plan.launch @k (formal(0))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses input "rows", the entry's are [#plan.port<ids: i32 [T, 1]>]}}
    plan.launch @k (input(rows))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses output "ids", the entry's are []}}
    plan.launch @k (output(ids))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses @w, which is no plan.parameter of the module}}
    plan.launch @k (param(@w))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.parameter @w : f32 [1, 8, 16] layouts [row_major] {
    plan.segment "w" shape [8, 16] rows 8
  }
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{uses the scales of @w, which has none; hint: `scales [rows, columns]`}}
    plan.launch @k (scales(@w))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{'stack' is no argument; hint: arena}}
    plan.launch @k (stack(0))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{arena(-1): expected a number from 0 to 9223372036854775807}}
    plan.launch @k (arena(-1))
  }
}

// -----

plan.module identity "9" policy "f32" families "5" vocab 320 hidden 128 layers 4 sizes [T] {
  plan.variant "v3" object "v3.so" checksum "0"
  plan.cache f32 layers 4 latent 32 rope 8 page 64 context 4096 requests 1
  plan.kernel @k family "gemm" sizes [T] tiles [1] scratch [0]
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16) arena 8192
    inputs [ids: i32 [T, 1]] outputs [] observations [hidden: f32 [T, 128]] {
    // expected-error@+1 {{formal(2147483648): expected a number from 0 to 2147483647}}
    plan.launch @k (formal(2147483648))
  }
}
