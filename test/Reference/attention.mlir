// The reference interpreter on RoPE, the cache and attention; answers by hand.
// REQUIRES: interpret
// RUN: dsv3-interpret run %s | FileCheck %s
// CHECK: 5 checks passed, 0 failed

!cache = !dsv3.cache<f32, latent = 2, rope = 2, page = 64, context = 128, requests = 2>

// Position 1 turns the first pair by a quarter, the second by a half; all is doubled.
func.func @rope() {
  %p = check.constant dense<[0, 1]> : tensor<2xi32>
  %cos, %sin = dsv3.rope_table %p {inverse_frequencies = array<f32: 1.57079637, 3.14159274>, multiplier = 2.0 : f32} : tensor<2xi32> -> tensor<2x2xf32>
  %x = check.constant dense<[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]> : tensor<2x4xf32>
  %y = dsv3.rope %x, %cos, %sin : tensor<2x4xf32>, tensor<2x2xf32>
  %expected = check.constant dense<[[2.0, 4.0, 6.0, 8.0], [-4.0, 2.0, -6.0, -8.0]]> : tensor<2x4xf32>
  check.expect_close %y, %expected atol 2.0e-06 rtol 0.0 : tensor<2x4xf32>, tensor<2x4xf32>
  return
}

// A query of zeros weighs all positions that it sees alike: 0 to its own, of its request.
func.func @latent_attention(%cache: !cache) {
  %latent = check.constant dense<[[2.0, 4.0], [4.0, 8.0], [7.0, 9.0]]> : tensor<3x2xf32>
  %key = check.constant dense<1.0> : tensor<3x2xf32>
  %positions = check.constant dense<[0, 1, 0]> : tensor<3xi32>
  %requests = check.constant dense<[0, 0, 1]> : tensor<3xi32>
  dsv3.cache_append %cache, %latent, %key, %positions, %requests : !cache, tensor<3x2xf32>, tensor<3x2xf32>, tensor<3xi32>
  %q = check.constant dense<0.0> : tensor<3x1x2xf32>
  %o = dsv3.latent_attention %q, %q, %cache, %positions, %requests scale 1.0 : tensor<3x1x2xf32>, tensor<3x1x2xf32>, !cache, tensor<3xi32>
  %expected = check.constant dense<[[[2.0, 4.0]], [[3.0, 6.0]], [[7.0, 9.0]]]> : tensor<3x1x2xf32>
  check.expect_close %o, %expected atol 1.0e-06 rtol 0.0 : tensor<3x1x2xf32>, tensor<3x1x2xf32>
  return
}

// exp(scale * ln 3) weighs position 1 with 3/4: ln 3 is key times rotated query.
func.func @weighted_attention(%cache: !cache) {
  %latent = check.constant dense<[[0.0, 0.0], [4.0, 8.0]]> : tensor<2x2xf32>
  %key = check.constant dense<[[0.0, 0.0], [0.549306154, 0.549306154]]> : tensor<2x2xf32>
  %positions = check.constant dense<[0, 1]> : tensor<2xi32>
  %requests = check.constant dense<0> : tensor<2xi32>
  dsv3.cache_append %cache, %latent, %key, %positions, %requests : !cache, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xi32>
  %ql = check.constant dense<0.0> : tensor<2x1x2xf32>
  %qr = check.constant dense<2.0> : tensor<2x1x2xf32>
  %o = dsv3.latent_attention %ql, %qr, %cache, %positions, %requests scale 0.5 : tensor<2x1x2xf32>, tensor<2x1x2xf32>, !cache, tensor<2xi32>
  %expected = check.constant dense<[[[0.0, 0.0]], [[3.0, 6.0]]]> : tensor<2x1x2xf32>
  check.expect_close %o, %expected atol 1.0e-05 rtol 0.0 : tensor<2x1x2xf32>, tensor<2x1x2xf32>
  return
}

// What was appended after a rewind is read; each function starts with an empty cache.
func.func @rewind(%cache: !cache) {
  %latent = check.constant dense<[[1.0, 1.0], [2.0, 2.0]]> : tensor<2x2xf32>
  %positions = check.constant dense<[0, 1]> : tensor<2xi32>
  %requests = check.constant dense<0> : tensor<2xi32>
  dsv3.cache_append %cache, %latent, %latent, %positions, %requests : !cache, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xi32>
  dsv3.cache_rewind %cache request 0 length 1 : !cache
  %later = check.constant dense<5.0> : tensor<1x2xf32>
  %one = check.constant dense<1> : tensor<1xi32>
  %zero = check.constant dense<0> : tensor<1xi32>
  dsv3.cache_append %cache, %later, %later, %one, %zero : !cache, tensor<1x2xf32>, tensor<1x2xf32>, tensor<1xi32>
  %c, %k = dsv3.cache_read %cache request 0 : !cache -> tensor<2x2xf32>, tensor<2x2xf32>
  %expected = check.constant dense<[[1.0, 1.0], [5.0, 5.0]]> : tensor<2x2xf32>
  check.expect_eq %c, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  check.expect_eq %k, %expected : tensor<2x2xf32>, tensor<2x2xf32>
  return
}
