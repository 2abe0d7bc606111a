// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of the dialect: the rule, both values, where it is, a hint.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
#O = #dsv3.dims<"O">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>

// -----

// Types and attributes.
// expected-error @below {{#dsv3.dims names each dynamic size: the shape has 2 '?', got 1 names}}
func.func private @names(tensor<?x?xf32, #dsv3.dims<"T">>)

// -----

// expected-error @below {{'8T' is no name of a size; hint: write "T", or "T*8" for eight times T}}
func.func private @name(tensor<?xf32, #dsv3.dims<"8T">>)

// -----

// expected-error @below {{a cache keeps floating-point values, got 'i32'; hint: use f32, bf16 or f8E4M3FN}}
func.func private @cache_type(!dsv3.cache<i32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>)

// -----

// expected-error @below {{a cache's 'page' must be at least 1, got 0}}
func.func private @cache_sizes(!dsv3.cache<f32, latent = 32, rope = 8, page = 0, context = 128, requests = 1>)

// -----

// expected-error @below {{a segment has no 'row'; hint: scales, shape, rows, first_row, group_stride or transposed}}
dsv3.parameter @field : tensor<4x8xf32> from [#dsv3.segment<"w", shape = [4, 8], row = 4>]

// -----

// expected-error @below {{segment 'w': shape must be one or two positive sizes, got [4, 8, 1]; hint: it is the shape of the stored tensor}}
dsv3.parameter @shape : tensor<4x8xf32> from [#dsv3.segment<"w", shape = [4, 8, 1], rows = 4>]

// -----

// expected-error @below {{segment 'w': rows must be positive, first_row and group_stride not negative, got 4, -1, 0}}
dsv3.parameter @rows : tensor<4x8xf32> from [#dsv3.segment<"w", shape = [4, 8], rows = 4, first_row = -1>]

// -----

// expected-error @below {{segment 'w': a stored vector is one row, got rows 8, first_row 0; hint: write rows = 1}}
dsv3.parameter @vector : tensor<8xf32> from [#dsv3.segment<"w", shape = [8], rows = 8>]

// -----

// expected-error @below {{segment 'w': row 4 is beyond the 4 rows of the stored tensor}}
dsv3.parameter @beyond : tensor<4x8xf32> from [#dsv3.segment<"w", shape = [4, 8], rows = 4, first_row = 1>]

// -----

// expected-error @below {{segment 'w': transposed, 9 rows need as many stored columns, got 8}}
dsv3.parameter @transposed : tensor<9x4xf32> from [#dsv3.segment<"w", shape = [4, 8], rows = 9, transposed = true>]

// -----

// expected-error @below {{'func.func' op expected 'dsv3.layers' to be layers, ascending, each once, found array<i64: 4, 3>, in @layers (layers 4, 3); hint: write array<i64: 3, 4>}}
func.func private @layers() attributes {dsv3.layers = array<i64: 4, 3>}

// -----

// expected-error @below {{'func.func' op expected 'dsv3.layers' to be layers, ascending, each once, found array<i64: 3, 3>, in @layer_twice (layers 3, 3); hint: write array<i64: 3, 4>}}
func.func private @layer_twice() attributes {dsv3.layers = array<i64: 3, 3>}

// -----

// expected-error @below {{'func.func' op expected 'dsv3.entry' to be a dictionary with role "step" or "mtp", found "step", in @entry; hint: write {role = "step"}}}
func.func private @entry() attributes {dsv3.entry = "step"}

// -----

// expected-error @below {{'func.func' op expected 'dsv3.entry' to be a dictionary with role "step" or "mtp", found {role = "lunch"}, in @role; hint: write {role = "step"}}}
func.func private @role() attributes {dsv3.entry = {role = "lunch"}}

// -----

// expected-error @below {{'func.func' op expected each size of 'dsv3.entry' once, found 'T' twice, in @size_twice}}
func.func private @size_twice() attributes {dsv3.entry = {role = "step", sizes = [#dsv3.size<"T", max = 8>, #dsv3.size<"T", max = 16>]}}

// -----

// expected-error @below {{'func.func' op expected sizes of 'dsv3.entry' to be #dsv3.size, found 4 : i64, in @sizes; hint: write #dsv3.size<"T", max = 512>}}
func.func private @sizes() attributes {dsv3.entry = {role = "step", sizes = 4}}

// -----

// expected-error @below {{'func.func' op expected 'dsv3.attention' to be "absorbed" or "expanded", found "none", in @attention}}
func.func private @attention() attributes {dsv3.attention = "none"}

// -----

// expected-error @below {{'builtin.module' op expected 'dsv3.policy' to be a string, found 32 : i64}}
module attributes {dsv3.policy = 32} {
}

// -----

// expected-error @below {{'builtin.module' op expected 'dsv3.identity' to be a string, found unit}}
module attributes {dsv3.identity} {
}

// -----

// expected-error @below {{'builtin.module' op expected 'dsv3.scale_block' to be rows and columns of a block of scales, found array<i64: 128>; hint: write array<i64: 128, 128>}}
module attributes {dsv3.scale_block = array<i64: 128>} {
}

// -----

// expected-error @below {{'func.func' op expected sizes of 'dsv3.entry' to be #dsv3.size, found [4], in @entry_sizes; hint: write #dsv3.size<"T", max = 512>}}
func.func private @entry_sizes() attributes {dsv3.entry = {role = "step", sizes = [4]}}

// -----

// expected-error @below {{'func.func' op expected 'min_tokens' and 'max_tokens' of 'dsv3.entry' to be i64, from 1 on, the least first, found {role = "step", sizes = [#dsv3.size<"T", max = 8>]}, in @no_tokens; hint: write min_tokens = 1, max_tokens = 512}}
func.func private @no_tokens() attributes {dsv3.entry = {role = "step", sizes = [#dsv3.size<"T", max = 8>]}}

// -----

// expected-error @below {{'func.func' op expected 'min_tokens' and 'max_tokens' of 'dsv3.entry' to be i64, from 1 on, the least first, found {max_tokens = 8 : i64, min_tokens = 0 : i64, role}}
func.func private @zero_tokens() attributes {dsv3.entry = {role = "step", min_tokens = 0, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}}

// -----

// expected-error @below {{'func.func' op expected 'min_tokens' and 'max_tokens' of 'dsv3.entry' to be i64, from 1 on, the least first, found {max_tokens = 1 : i64, min_tokens = 2 : i64, role}}
func.func private @fewest_above_most() attributes {dsv3.entry = {role = "step", min_tokens = 2, max_tokens = 1, sizes = [#dsv3.size<"T", max = 8>]}}

// -----

// expected-error @below {{'func.func' op expected 'min_tokens' and 'max_tokens' of 'dsv3.entry' to be i64, from 1 on, the least first, found {max_tokens = 8 : i32, min_tokens = 1 : i64, role}}
func.func private @narrow_tokens() attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8 : i32, sizes = [#dsv3.size<"T", max = 8>]}}

// -----

// expected-error @below {{'func.func' op expected 'sizes' of 'dsv3.entry' beside its tokens, found none, in @tokens_alone; hint: dsv3-make-entry-points writes all of them}}
func.func private @tokens_alone() attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8}}

// -----

// expected-error @below {{'func.func' op expected keys role, min_tokens, max_tokens and sizes in 'dsv3.entry', found 'maximum', in @key}}
func.func private @key() attributes {dsv3.entry = {role = "step", maximum = 8}}

// -----

// expected-error @below {{the maximum of size 'T' must be at least 1, got 0}}
func.func private @size() attributes {dsv3.entry = {role = "step", sizes = [#dsv3.size<"T", max = 0>]}}

// -----

// Tensors without a rank are refused where they are written, by custom and by generic assembly.
func.func @unranked(%x: tensor<*xf32>) {
  // expected-error @below {{invalid kind of type specified}}
  %y = dsv3.slice %x[0, 4] : tensor<*xf32>
  return
}

// -----

func.func @unranked(%x: tensor<*xf32>) {
  // expected-error @below {{'dsv3.slice' op operand #0 must be ranked tensor}}
  %y = "dsv3.slice"(%x) <{offset = 0 : i64, size = 4 : i64}> : (tensor<*xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @unranked(%x: tensor<*xf32>, %w: tensor<128xbf16>) {
  // expected-error @below {{'dsv3.rms_norm' op operand #0 must be ranked tensor}}
  %y = "dsv3.rms_norm"(%x, %w) <{eps = 1.0e-06 : f64}> : (tensor<*xf32>, tensor<128xbf16>) -> tensor<*xf32>
  return
}

// -----

// expected-error @below {{'dsv3.parameter' op attribute 'type' failed to satisfy constraint}}
dsv3.parameter @unranked : tensor<*xf32> from [#dsv3.segment<"w", shape = [4, 8], rows = 4>]

// -----

// Letters, as every op checks them: rank, a number, a name, a size without a name.
func.func @rank(%x: tensor<128xf32>, %w: tensor<64x128xbf16>) {
  // expected-error @below {{'dsv3.linear' op expected 'x' to be [T, K], found [128], in @rank}}
  %y = dsv3.linear %x, %w : tensor<128xf32>, tensor<64x128xbf16> -> tensor<64xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func private @number(%x: tensor<?x128xf32, #T>, %w: tensor<64x320xbf16>) attributes {dsv3.layers = array<i64: 3, 4, 5>} {
  // expected-error @below {{'dsv3.linear' op expected 'weight' to be [N, K] with K = 128 (as in 'x'), found [64, 320], in @number (layers 3-5)}}
  %y = dsv3.linear %x, %w : tensor<?x128xf32, #T>, tensor<64x320xbf16> -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
func.func @name(%x: tensor<?x128xf32, #T>, %w: tensor<64x128xbf16>) {
  // expected-error @below {{'dsv3.linear' op expected 'result' to be [T, N] with T = T (as in 'x'), found [O, 64], in @name}}
  %y = dsv3.linear %x, %w : tensor<?x128xf32, #T>, tensor<64x128xbf16> -> tensor<?x64xf32, #O>
  return
}

// -----

func.func @nameless(%x: tensor<?x128xf32>, %w: tensor<128xbf16>) {
  // expected-error @below {{'dsv3.rms_norm' op expected a name for each '?' of 'x', found tensor<?x128xf32>, in @nameless; hint: write #dsv3.dims<"T"> for the tokens of a step}}
  %y = dsv3.rms_norm %x, %w eps 1.0e-06 : tensor<?x128xf32>, tensor<128xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
// Weights and their scales.
func.func @scales_missing(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xf8E4M3FN>) {
  // expected-error @below {{'dsv3.linear' op expected scales and block of 'weight', which holds codes, found none, in @scales_missing; hint: write `scales %s block [128, 128]`}}
  %y = dsv3.linear %x, %w : tensor<?x320xf32, #T>, tensor<176x320xf8E4M3FN> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @scales_needless(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xbf16>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.linear' op expected neither scales nor block, 'weight' holding no codes, found scales, in @scales_needless; hint: leave `scales … block …` out}}
  %y = dsv3.linear %x, %w scales %s block [128, 128] : tensor<?x320xf32, #T>, tensor<176x320xbf16>, tensor<2x3xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
// Codes along rows.
func.func @row_block(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xi8>, %s: tensor<176x5xf16>) {
  // expected-error @below {{'dsv3.linear' op expected block [1, 32] of 'weight', found [1, 64], in @row_block}}
  %y = dsv3.linear %x, %w scales %s block [1, 64] : tensor<?x320xf32, #T>, tensor<176x320xi8>, tensor<176x5xf16> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @row_scales_missing(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xi4>) {
  // expected-error @below {{'dsv3.linear' op expected scales and block of 'weight', which holds codes, found none, in @row_scales_missing; hint: write `scales %s block [1, 32]`}}
  %y = dsv3.linear %x, %w : tensor<?x320xf32, #T>, tensor<176x320xi4> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @no_offsets(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xi4>, %s: tensor<176x10xf16>) {
  // expected-error @below {{'dsv3.linear' op expected 'scales' to be [ceil(N/1), ceil(K/32), 2], found [176, 10], in @no_offsets}}
  %y = dsv3.linear %x, %w scales %s block [1, 32] : tensor<?x320xf32, #T>, tensor<176x320xi4>, tensor<176x10xf16> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @wide_scales(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xi8>, %s: tensor<176x10xf32>) {
  // expected-error @below {{'dsv3.linear' op expected elements of 'scales' to be f16, found f32, in @wide_scales}}
  %y = dsv3.linear %x, %w scales %s block [1, 32] : tensor<?x320xf32, #T>, tensor<176x320xi8>, tensor<176x10xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @integers(%x: tensor<?x320xi8, #T>, %w: tensor<176x320xbf16>) {
  // expected-error @below {{'dsv3.linear' op expected x_scales with the i8 codes of 'x', found none, in @integers; hint: dsv3.quantise gives codes and scales}}
  %y = dsv3.linear %x, %w : tensor<?x320xi8, #T>, tensor<176x320xbf16> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @block(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xf8E4M3FN>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.linear' op expected a block of rows and columns of 'weight', found [128, 0], in @block; hint: published checkpoints have [128, 128]}}
  %y = dsv3.linear %x, %w scales %s block [128, 0] : tensor<?x320xf32, #T>, tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @scales_shape(%x: tensor<?x320xf32, #T>, %w: tensor<176x320xf8E4M3FN>, %s: tensor<2x2xf32>) {
  // expected-error @below {{'dsv3.linear' op expected 'scales' to be [ceil(N/128), ceil(K/128)] with ceil(K/128) = 3, found [2, 2], in @scales_shape}}
  %y = dsv3.linear %x, %w scales %s block [128, 128] : tensor<?x320xf32, #T>, tensor<176x320xf8E4M3FN>, tensor<2x2xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
func.func @dynamic_weight(%x: tensor<?x128xf32, #T>, %w: tensor<?x128xbf16, #O>) {
  // expected-error @below {{'dsv3.linear' op expected numbers as the sizes of 'weight', found [O, 128], in @dynamic_weight}}
  %y = dsv3.linear %x, %w : tensor<?x128xf32, #T>, tensor<?x128xbf16, #O> -> tensor<?x?xf32, #dsv3.dims<"T", "O">>
  return
}

// -----

#T = #dsv3.dims<"T">
// Dense ops.
func.func @embedding(%i: tensor<?xi32, #T>, %t: tensor<320x128xbf16>) {
  // expected-error @below {{'dsv3.embedding' op expected 'result' to be [T, H] with H = 128 (as in 'table'), found [T, 64], in @embedding}}
  %x = dsv3.embedding %i, %t : tensor<?xi32, #T>, tensor<320x128xbf16> -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @norm_weight(%x: tensor<?x128xf32, #T>, %w: tensor<64xbf16>) {
  // expected-error @below {{'dsv3.rms_norm' op expected 'weight' to be [H] with H = 128 (as in 'x'), found [64], in @norm_weight}}
  %y = dsv3.rms_norm %x, %w eps 1.0e-06 : tensor<?x128xf32, #T>, tensor<64xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @norm_eps(%x: tensor<?x128xf32, #T>, %w: tensor<128xbf16>) {
  // expected-error @below {{'dsv3.rms_norm' op expected 'eps' above 0, found 0, in @norm_eps}}
  %y = dsv3.rms_norm %x, %w eps 0.0 : tensor<?x128xf32, #T>, tensor<128xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @x_scales_missing(%x: tensor<?x320xf8E4M3FN, #T>, %w: tensor<176x320xf8E4M3FN>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.linear' op expected x_scales with the FP8 codes of 'x', found none, in @x_scales_missing; hint: dsv3.quantise gives codes and scales}}
  %y = dsv3.linear %x, %w scales %s block [128, 128] : tensor<?x320xf8E4M3FN, #T>, tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @x_scales_needless(%x: tensor<?x128xf32, #T>, %xs: tensor<?x1xf32, #T>, %w: tensor<64x128xbf16>) {
  // expected-error @below {{'dsv3.linear' op expected no x_scales, 'x' being no codes, found x_scales, in @x_scales_needless; hint: dsv3.quantise gives codes and scales}}
  %y = dsv3.linear %x x_scales %xs, %w : tensor<?x128xf32, #T> x_scales tensor<?x1xf32, #T>, tensor<64x128xbf16> -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @codes_times_bf16(%x: tensor<?x128xf8E4M3FN, #T>, %xs: tensor<?x1xf32, #T>, %w: tensor<64x128xbf16>) {
  // expected-error @below {{'dsv3.linear' op expected an FP8 weight with the FP8 codes of 'x', found a weight without a block, in @codes_times_bf16; hint: widen 'x' first}}
  %y = dsv3.linear %x x_scales %xs, %w : tensor<?x128xf8E4M3FN, #T> x_scales tensor<?x1xf32, #T>, tensor<64x128xbf16> -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @x_scales_shape(%x: tensor<?x320xf8E4M3FN, #T>, %xs: tensor<?x2xf32, #T>, %w: tensor<176x320xf8E4M3FN>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.linear' op expected 'x_scales' to be [T, ceil(K/128)] with ceil(K/128) = 3, found [T, 2], in @x_scales_shape}}
  %y = dsv3.linear %x x_scales %xs, %w scales %s block [128, 128] : tensor<?x320xf8E4M3FN, #T> x_scales tensor<?x2xf32, #T>, tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<?x176xf32, #T>
  return
}

// -----

#O = #dsv3.dims<"O">
func.func @head_type(%x: tensor<?x128xf32, #O>, %w: tensor<320x128xbf16>) {
  // expected-error @below {{'dsv3.lm_head' op expected elements of 'result' to be f32, found bf16, in @head_type}}
  %l = dsv3.lm_head %x, %w : tensor<?x128xf32, #O>, tensor<320x128xbf16> -> tensor<?x320xbf16, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @quantise_group(%x: tensor<?x320xf32, #T>) {
  // expected-error @below {{'dsv3.quantise' op expected 'group' above 0, found 0, in @quantise_group; hint: published models have group 128}}
  %q, %s = dsv3.quantise %x group 0 : tensor<?x320xf32, #T> -> tensor<?x320xf8E4M3FN, #T>, tensor<?x3xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @quantise_ue8m0(%x: tensor<?x320xf32, #T>) {
  // expected-error @below {{'dsv3.quantise' op expected no 'ue8m0' with codes of i8, found ue8m0, in @quantise_ue8m0; hint: scales of i8 are no powers of two}}
  %q, %s = dsv3.quantise %x group 32 ue8m0 : tensor<?x320xf32, #T> -> tensor<?x320xi8, #T>, tensor<?x10xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @i8_rows_of_floats(%x: tensor<?x64xi8, #T>, %xs: tensor<?x2xf32, #T>, %w: tensor<8x64xf8E4M3FN>, %s: tensor<8x2xf32>) {
  // expected-error @below {{'dsv3.linear' op expected a weight of i8 or i4 with the i8 codes of 'x', found f8E4M3FN, in @i8_rows_of_floats; hint: widen 'x' first}}
  %y = dsv3.linear %x x_scales %xs, %w scales %s block [1, 32] : tensor<?x64xi8, #T> x_scales tensor<?x2xf32, #T>, tensor<8x64xf8E4M3FN>, tensor<8x2xf32> -> tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @quantise_scales(%x: tensor<?x320xf32, #T>) {
  // expected-error @below {{'dsv3.quantise' op expected 'scales' to be [T, ceil(K/128)] with ceil(K/128) = 3, found [T, 2], in @quantise_scales}}
  %q, %s = dsv3.quantise %x group 128 : tensor<?x320xf32, #T> -> tensor<?x320xf8E4M3FN, #T>, tensor<?x2xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @silu_mul(%x: tensor<?x127xf32, #T>) {
  // expected-error @below {{'dsv3.silu_mul' op expected 'gate_up' to be [T, 2n], found [T, 127]; hint: gate and up have n columns each}}
  %h = dsv3.silu_mul %x : tensor<?x127xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @silu_mul_rank(%x: tensor<?x4x8xf32, #T>) {
  // expected-error @below {{'dsv3.silu_mul' op expected 'gate_up' to be [T, 2n], found [T, 4, 8], in @silu_mul_rank}}
  %h = dsv3.silu_mul %x : tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
func.func @cast(%x: tensor<?x128xf32, #T>) {
  // expected-error @below {{'dsv3.cast' op expected the sizes of 'x', [T, 128], in 'result', found [O, 128], in @cast}}
  %y = dsv3.cast %x : tensor<?x128xf32, #T> -> tensor<?x128xbf16, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @slice_size(%x: tensor<?x88xf32, #T>) {
  // expected-error @below {{'dsv3.slice' op expected at least one dimension and one column, found [T, 88] and 0}}
  %y = dsv3.slice %x [48, 0] : tensor<?x88xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @slice_range(%x: tensor<?x88xf32, #T>) {
  // expected-error @below {{'dsv3.slice' op expected a range of the 88 columns of 'x', found [48, 41], in @slice_range; hint: write [offset, size]}}
  %y = dsv3.slice %x [48, 41] : tensor<?x88xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @concat_rank(%a: tensor<128xf32>, %b: tensor<?x128xf32, #T>) {
  // expected-error @below {{'dsv3.concat' op expected 'lhs' to be [T, m] and 'rhs' [T, n], found [128] and [T, 128]}}
  %y = dsv3.concat %a, %b : tensor<128xf32>, tensor<?x128xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @concat_type(%a: tensor<?x128xf32, #T>, %b: tensor<?x128xbf16, #T>) {
  // expected-error @below {{'dsv3.concat' op expected elements of 'rhs' to be f32, found bf16, in @concat_type}}
  %y = dsv3.concat %a, %b : tensor<?x128xf32, #T>, tensor<?x128xbf16, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @split_heads(%x: tensor<?x96xf32, #T>) {
  // expected-error @below {{'dsv3.split_heads' op expected 'x' to be [T, heads * d] with heads = 5, found [T, 96]}}
  %q = dsv3.split_heads %x heads 5 : tensor<?x96xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @merge_heads(%x: tensor<?x96xf32, #T>) {
  // expected-error @below {{'dsv3.merge_heads' op expected 'x' to be [T, heads, d], found [T, 96]}}
  %q = dsv3.merge_heads %x : tensor<?x96xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
func.func @gather_rows(%x: tensor<?x128xf32, #T>, %r: tensor<?x1xi32, #O>) {
  // expected-error @below {{'dsv3.gather_rows' op expected 'x' to be [T, H] and 'rows' [O], found [T, 128] and [O, 1]}}
  %y = dsv3.gather_rows %x, %r : tensor<?x128xf32, #T>, tensor<?x1xi32, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
// Attention.
func.func @rope_table(%p: tensor<?xi32, #T>) {
  // expected-error @below {{'dsv3.rope_table' op expected 'cos' to be [T, r/2] with r/2 = 2 (as in 'inverse_frequencies'), found [T, 4], in @rope_table}}
  %cos, %sin = dsv3.rope_table %p {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.0 : f32} : tensor<?xi32, #T> -> tensor<?x4xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @rope_table_empty(%p: tensor<?xi32, #T>) {
  // expected-error @below {{'dsv3.rope_table' op expected a frequency for each pair of 'cos', found none, in @rope_table_empty}}
  %cos, %sin = dsv3.rope_table %p {inverse_frequencies = array<f32>, multiplier = 1.0 : f32} : tensor<?xi32, #T> -> tensor<?x0xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @rope(%x: tensor<?x4x8xf32, #T>, %c: tensor<?x8xf32, #T>) {
  // expected-error @below {{'dsv3.rope' op expected 'x' to be [T, h, r] with r = 16 (two columns for each of 'cos'), found [T, 4, 8], in @rope}}
  %y = dsv3.rope %x, %c, %c : tensor<?x4x8xf32, #T>, tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func private @append(%c: !cache, %l: tensor<?x16xf32, #T>, %k: tensor<?x8xf32, #T>, %p: tensor<?xi32, #T>) attributes {dsv3.layers = array<i64: 3>} {
  // expected-error @below {{'dsv3.cache_append' op expected 'latent' to be [T, c] with c = 32 (as in the cache), found [T, 16], in @append (layer 3)}}
  dsv3.cache_append %c, %l, %k, %p, %p : !cache, tensor<?x16xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return
}

// -----

!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @read_positions(%c: !cache) {
  // expected-error @below {{'dsv3.cache_read' op expected a number of positions within the context of 128, found 129, in @read_positions}}
  %l, %k = dsv3.cache_read %c request 0 : !cache -> tensor<129x32xf32>, tensor<129x8xf32>
  return
}

// -----

!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @read_request(%c: !cache) {
  // expected-error @below {{'dsv3.cache_read' op expected a request of the 2 of the cache, found 2, in @read_request; hint: requests are counted from 0}}
  %l, %k = dsv3.cache_read %c request 2 : !cache -> tensor<5x32xf32>, tensor<5x8xf32>
  return
}

// -----

!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @rewind(%c: !cache) {
  // expected-error @below {{'dsv3.cache_rewind' op expected a length within the context of 128, found 129, in @rewind}}
  dsv3.cache_rewind %c request 0 length 129 : !cache
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @mla_attention(%qn: tensor<?x4x16xf32, #T>, %qr: tensor<?x4x8xf32, #T>, %w: tensor<4x32x32xbf16>, %p: tensor<?xi32, #T>, %c: !cache) {
  // expected-error @below {{'dsv3.mla_attention' op expected 'kv_b' to be [h, n + v, c] with n + v = 40 (from 'q_nope' and 'result'), found [4, 32, 32], in @mla_attention}}
  %o = dsv3.mla_attention %qn, %qr, %w, %c, %p, %p scale 2.5e-01 : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x32x32xbf16>, !cache, tensor<?xi32, #T> -> tensor<?x4x24xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @head_linear(%x: tensor<?x4x16xf32, #T>, %w: tensor<5x32x16xbf16>) {
  // expected-error @below {{'dsv3.head_linear' op expected 'weight' to be [h, N, K] with h = 4 (as in 'x'), found [5, 32, 16], in @head_linear}}
  %q = dsv3.head_linear %x, %w : tensor<?x4x16xf32, #T>, tensor<5x32x16xbf16> -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @latent_attention(%ql: tensor<?x4x32xf32, #T>, %qr: tensor<?x4x16xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) {
  // expected-error @below {{'dsv3.latent_attention' op expected 'q_rope' to be [T, h, r] with r = 8 (as in the cache), found [T, 4, 16], in @latent_attention}}
  %o = dsv3.latent_attention %ql, %qr, %c, %p, %p scale 2.5e-01 : tensor<?x4x32xf32, #T>, tensor<?x4x16xf32, #T>, !cache, tensor<?xi32, #T>
  return
}

// -----

// Experts.
func.func @router_rank(%l: tensor<16xf32>, %b: tensor<16xf32>) {
  // expected-error @below {{'dsv3.router' op expected 'logits' to be [T, E] and 'top_k' above 0, found [16] and 4}}
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 : tensor<16xf32>, tensor<16xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router_bias(%l: tensor<?x16xf32, #T>, %b: tensor<8xf32>) {
  // expected-error @below {{'dsv3.router' op expected 'bias' to be [E] with E = 16 (as in 'logits'), found [8], in @router_bias}}
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 4 scale 2.5 : tensor<?x16xf32, #T>, tensor<8xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router_groups(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) {
  // expected-error @below {{'dsv3.router' op expected 'groups' to divide the 16 experts, found 3, in @router_groups}}
  %e, %w = dsv3.router %l, %b groups 3 of 2 top 4 scale 2.5 : tensor<?x16xf32, #T>, tensor<16xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router_members(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) {
  // expected-error @below {{'dsv3.router' op expected at least two experts in a group, found 1, in @router_members; hint: a group's score is the sum of its two largest; one group has no limit}}
  %e, %w = dsv3.router %l, %b groups 16 of 2 top 2 scale 2.5 : tensor<?x16xf32, #T>, tensor<16xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router_kept(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) {
  // expected-error @below {{'dsv3.router' op expected a number of the 4 groups to keep, found 5, in @router_kept}}
  %e, %w = dsv3.router %l, %b groups 4 of 5 top 4 scale 2.5 : tensor<?x16xf32, #T>, tensor<16xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router_top(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) {
  // expected-error @below {{'dsv3.router' op expected 'top_k' to fit into 2 groups of 4 experts, found 9, in @router_top}}
  %e, %w = dsv3.router %l, %b groups 4 of 2 top 9 scale 2.5 : tensor<?x16xf32, #T>, tensor<16xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @experts(%x: tensor<?x128xf32, #T>, %e: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %gu: tensor<16x64x128xbf16>, %d: tensor<16x128x64xbf16>) {
  // expected-error @below {{'dsv3.experts' op expected 'gate_up' to be [E, 2I, H] with 2I = 128 (twice the columns of 'down'), found [16, 64, 128], in @experts}}
  %y = dsv3.experts %x, %e, %w, %gu, %d : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x64x128xbf16>, tensor<16x128x64xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @dispatch(%e: tensor<?x4xi32, #T>) {
  // expected-error @below {{'dsv3.dispatch' op expected 'experts' to be [T, k] and a number of experts that i32 counts, found [T, 4] and 0}}
  %o, %r, %s = dsv3.dispatch %e experts 0 : tensor<?x4xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
func.func @grouped_linear(%x: tensor<?x128xf32, #T>, %o: tensor<16xi32>, %r: tensor<?xi32, #T4>, %w: tensor<16x64x128xbf16>) {
  // expected-error @below {{'dsv3.grouped_linear' op expected 'offsets' to be [E + 1] with E + 1 = 17 (one more than the experts of 'weight'), found [16], in @grouped_linear}}
  %y = dsv3.grouped_linear %x, %o rows %r, %w : tensor<?x128xf32, #T>, tensor<16xi32> rows tensor<?xi32, #T4>, tensor<16x64x128xbf16> -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @combine_rank(%x: tensor<128xf32>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) {
  // expected-error @below {{'dsv3.combine' op expected 'x' to be [T * k, H] and 'slots' [T, k], found [128] and [T, 4]}}
  %y = dsv3.combine %x, %s, %w : tensor<128xf32>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @combine(%x: tensor<?x128xf32, #T>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) {
  // expected-error @below {{'dsv3.combine' op expected 'x' to be [T * k, H] with T * k = T*4 (the choices of a step), found [T, 128], in @combine}}
  %y = dsv3.combine %x, %s, %w : tensor<?x128xf32, #T>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  return
}

// -----

// Parameters.
// expected-error @below {{'dsv3.parameter' op expected one to three positive sizes, found [2, 2, 4, 8]; hint: [n], [rows, columns] or [groups, rows, columns]}}
dsv3.parameter @sizes : tensor<2x2x4x8xf32> from [#dsv3.segment<"w", shape = [16, 8], rows = 16>]

// -----

// expected-error @below {{'dsv3.parameter' op expected a block of scales with a weight of codes, found none; hint: published checkpoints have [128, 128]}}
dsv3.parameter @block_missing : tensor<128x64xf8E4M3FN> from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected no block, the parameter being no weight of codes, found a block}}
dsv3.parameter @block_needless : tensor<128x64xbf16> block [128, 128] from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected a matrix with a block of rows and columns, found tensor<128x64xf8E4M3FN> with [128]}}
dsv3.parameter @block : tensor<128x64xf8E4M3FN> block [128] from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected 'parts' to divide the 128 rows, found 3}}
dsv3.parameter @parts : tensor<128x64xbf16> parts 3 from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected segments of 128 rows together, found 100}}
dsv3.parameter @sum : tensor<128x64xbf16> from [#dsv3.segment<"w", shape = [100, 64], rows = 100>]

// -----

// expected-error @below {{'dsv3.parameter' op expected segments to begin with a block of 32 rows, found row 48; hint: let the block's rows divide those of each segment}}
dsv3.parameter @border : tensor<88x64xf8E4M3FN> block [32, 128] from [#dsv3.segment<"a", scales = "a_scale", shape = [48, 64], rows = 48>, #dsv3.segment<"b", scales = "b_scale", shape = [40, 64], rows = 40>]

// -----

// expected-error @below {{'dsv3.parameter' op expected segment 'w' to have the parameter's 64 columns, found 32}}
dsv3.parameter @columns : tensor<128x64xbf16> from [#dsv3.segment<"w", shape = [128, 32], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected the rows of 4 groups in the 159 stored rows of segment 'w', found first_row = 0, group_stride = 40 and 40 rows}}
dsv3.parameter @groups : tensor<4x40x32xbf16> from [#dsv3.segment<"w", shape = [159, 32], rows = 40, group_stride = 40>]

// -----

// expected-error @below {{'dsv3.parameter' op expected a group_stride, or {expert} in the key, of segment 'w', found neither; hint: the groups would all be the same rows}}
dsv3.parameter @same_rows : tensor<4x40x32xbf16> from [#dsv3.segment<"w", shape = [160, 32], rows = 40>]

// -----

// expected-error @below {{'dsv3.parameter' op expected the key of the scales of segment 'w', which is stored as FP8, found none; hint: write `scales = "….weight_scale_inv"`}}
dsv3.parameter @scale_missing : tensor<128x64xf8E4M3FN> block [128, 128] from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected no scales of segment 'w', which is not stored as FP8, found "w_scale"}}
dsv3.parameter @scale_needless : tensor<128x64xbf16> from [#dsv3.segment<"w", scales = "w_scale", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected the type of the stored tensors, which i8 encodes, found none; hint: write `stored bf16`}}
dsv3.parameter @stored_missing : tensor<128x64xi8> block [1, 32] from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected tensors of f32, bf16, f16 or f8E4M3FN that are encoded as another of bf16, f8E4M3FN, i8 or i4, found bf16 as f32; hint: leave `stored` out for what is not}}
dsv3.parameter @widened : tensor<128x64xf32> stored bf16 from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected block [1, 32] of i4, found [1, 64]}}
dsv3.parameter @code_block : tensor<128x64xi4> stored bf16 block [1, 64] from [#dsv3.segment<"w", shape = [128, 64], rows = 128>]

// -----

// expected-error @below {{'dsv3.parameter' op expected segments that are not transposed, since i8 scales a few values of a stored row, found a transposed one}}
dsv3.parameter @turned : tensor<64x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"w", shape = [128, 64], rows = 64, transposed = true>]

// -----

// expected-error @below {{'dsv3.parameter' op expected layers, ascending, each once, found [5, 2, 2]; hint: write layers [3, 4]}}
dsv3.parameter @layers : tensor<8xf32> layers [5, 2, 2] from [#dsv3.segment<"w.{layer}", shape = [8], rows = 1>]

// -----

// Symbols.
// expected-error @below {{'dsv3.weight' op expected a dsv3.parameter, found none of the name @nothing}}
%w = dsv3.weight @nothing : tensor<8xf32>

// -----

dsv3.parameter @norm : tensor<8xf32> from [#dsv3.segment<"w", shape = [8], rows = 1>]
// expected-error @below {{'dsv3.weight' op expected the type of @norm, tensor<8xf32>, found tensor<8xbf16>}}
%w = dsv3.weight @norm : tensor<8xbf16>

// -----

dsv3.parameter @w : tensor<128x64xf8E4M3FN> block [128, 128] from [#dsv3.segment<"w", scales = "w_scale", shape = [128, 64], rows = 128>]
// expected-error @below {{'dsv3.weight' op expected scales of @w to be tensor<1x1xf32>, found tensor<2x1xf32>}}
%w, %s = dsv3.weight @w : tensor<128x64xf8E4M3FN> scales tensor<2x1xf32>

// -----

dsv3.parameter @norm : tensor<8xf32> layers [3] from [#dsv3.segment<"w.{layer}", shape = [8], rows = 1>]
func.func @no_layers() {
  // expected-error @below {{'dsv3.weight' op expected @norm, which layers have, to be read in a function of layers, found none, in @no_layers; hint: give the function the attribute dsv3.layers}}
  %w = dsv3.weight @norm : tensor<8xf32>
  return
}

// -----

dsv3.parameter @norm : tensor<8xf32> layers [3] from [#dsv3.segment<"w.{layer}", shape = [8], rows = 1>]
func.func private @layers() attributes {dsv3.layers = array<i64: 3, 4>} {
  // expected-error @below {{'dsv3.weight' op expected @norm to exist in the function's layers, found none for layer 4, in @layers (layers 3-4)}}
  %w = dsv3.weight @norm : tensor<8xf32>
  return
}

// -----

// expected-error @below {{'dsv3.call_layer' op expected a function, found none of the name @nothing}}
dsv3.call_layer @nothing layer 3 () : () -> ()

// -----

func.func private @moe() attributes {dsv3.layers = array<i64: 3, 4>}
// expected-error @below {{'dsv3.call_layer' op expected @moe to list layer 5, found [3, 4]}}
dsv3.call_layer @moe layer 5 () : () -> ()

// -----

func.func private @moe() -> tensor<8xf32> attributes {dsv3.layers = array<i64: 3, 4>}
// expected-error @below {{'dsv3.call_layer' op expected the type of @moe, () -> tensor<8xf32>, found () -> ()}}
dsv3.call_layer @moe layer 4 () : () -> ()

// -----

func.func private @moe() attributes {dsv3.layers = array<i64: 3>} {
  // expected-error @below {{'dsv3.call_layer' op expected calls of layers in entries alone, found one in a layer function, in @moe (layer 3)}}
  dsv3.call_layer @moe layer 3 () : () -> ()
  return
}

// -----

#T = #dsv3.dims<"T">
// Observation and sampling.
func.func private @observe_in_layer(%x: tensor<?x8xf32, #T>) attributes {dsv3.layers = array<i64: 3>} {
  // expected-error @below {{'dsv3.observe' op expected no layer in a layer function, found 3, in @observe_in_layer (layer 3); hint: the layer is that of the call}}
  dsv3.observe "hidden" %x layer 3 : tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @observe_elsewhere(%x: tensor<?x8xf32, #T>) {
  // expected-error @below {{'dsv3.observe' op expected a layer outside of layer functions, found none, in @observe_elsewhere}}
  dsv3.observe "hidden" %x : tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @observe_layer(%x: tensor<?x8xf32, #T>) {
  // expected-error @below {{'dsv3.observe' op expected a layer of 0 or more, found -1, in @observe_layer}}
  dsv3.observe "hidden" %x layer -1 : tensor<?x8xf32, #T>
  return
}

// -----

func.func @sample_rank(%l: tensor<320xf32>, %s: tensor<320x7xi32>) {
  // expected-error @below {{'dsv3.sample' op expected 'x' to be [O, V], found [320], in @sample_rank}}
  %id = dsv3.sample %l, %s : tensor<320xf32>, tensor<320x7xi32> -> tensor<320xi32>
  return
}

// -----

#O = #dsv3.dims<"O">
func.func @sample_type(%l: tensor<?x320xbf16, #O>, %s: tensor<?x7xi32, #O>) {
  // expected-error @below {{'dsv3.sample' op expected elements of 'x' to be f32, found bf16, in @sample_type}}
  %id = dsv3.sample %l, %s : tensor<?x320xbf16, #O>, tensor<?x7xi32, #O> -> tensor<?xi32, #O>
  return
}

// -----

#O = #dsv3.dims<"O">
#T = #dsv3.dims<"T">
func.func @sample_rows(%l: tensor<?x320xf32, #O>, %s: tensor<?x7xi32, #T>) {
  // expected-error @below {{'dsv3.sample' op expected 'rows' to be [O, W] with O = O (as in 'x'), found [T, 7], in @sample_rows}}
  %id = dsv3.sample %l, %s : tensor<?x320xf32, #O>, tensor<?x7xi32, #T> -> tensor<?xi32, #O>
  return
}

// -----

func.func @sample_words(%l: tensor<3x320xf32>, %s: tensor<3x8xi32>) {
  // expected-error @below {{'dsv3.sample' op expected 'rows' to be [O, W] with W = 7 (as in SamplingRow), found [3, 8], in @sample_words}}
  %id = dsv3.sample %l, %s : tensor<3x320xf32>, tensor<3x8xi32> -> tensor<3xi32>
  return
}

// -----

func.func @sample_result(%l: tensor<3x320xf32>, %s: tensor<3x7xi32>) {
  // expected-error @below {{'dsv3.sample' op expected 'result' to be [O] with O = 3 (as in 'x'), found [2], in @sample_result}}
  %id = dsv3.sample %l, %s : tensor<3x320xf32>, tensor<3x7xi32> -> tensor<2xi32>
  return
}

// -----

func.func @dequantise_bf16(%w: tensor<176x320xbf16>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.dequantise' op expected neither scales nor block, 'weight' holding no codes, found scales, in @dequantise_bf16; hint: leave `scales … block …` out}}
  %y = dsv3.dequantise %w scales %s block [128, 128] : tensor<176x320xbf16>, tensor<2x3xf32> -> tensor<176x320xbf16>
  return
}

// -----

func.func @dequantise_sizes(%w: tensor<176x320xf8E4M3FN>, %s: tensor<2x3xf32>) {
  // expected-error @below {{'dsv3.dequantise' op expected 'result' to be [N, K] with N = 176 (as in 'weight'), found [320, 176], in @dequantise_sizes}}
  %y = dsv3.dequantise %w scales %s block [128, 128] : tensor<176x320xf8E4M3FN>, tensor<2x3xf32> -> tensor<320x176xbf16>
  return
}

// -----

// expected-error @below {{expected 'dsv3.scale_format' to be "ue8m0", found "e8m0"; hint: leave it out for scales that are any number}}
module attributes {dsv3.scale_format = "e8m0"} {
}
