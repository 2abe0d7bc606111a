// RUN: dsv3-opt %s --dsv3-lower-rope-append --split-input-file --verify-diagnostics
// An append that no kernel can take is refused, with what is missing.

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// The latent comes from elsewhere.
func.func @no_norm(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> (tensor<?x4x8xf32, #T>) {
  %qr = dsv3.rope %q, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{no kernel appends alone: expected the latent to be a dsv3.rms_norm that nothing else reads, in @no_norm}}
  dsv3.cache_append %c, %l, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %qr : tensor<?x4x8xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// Something else reads the rotated key.
func.func @key_read(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> (tensor<?x4x8xf32, #T>, tensor<?x8xf32, #T>) {
  %qr = dsv3.rope %q, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  %ln = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{no kernel appends alone: expected the key to be a dsv3.rope that nothing else reads, in @key_read}}
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %qr, %kr : tensor<?x4x8xf32, #T>, tensor<?x8xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// The query is not rotated.
func.func @no_query(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> (tensor<?x4x8xf32, #T>) {
  %ln = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{no kernel appends alone: expected a dsv3.rope of the query by the angles of the key's, in @no_query}}
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %q : tensor<?x4x8xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// The rotated query is read before the append.
func.func @query_read(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %sin: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> (tensor<?x32xf32, #T>) {
  %qr = dsv3.rope %q, %cos, %sin : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  %m = dsv3.merge_heads %qr : tensor<?x4x8xf32, #T>
  %ln = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %sin : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{no kernel appends alone: expected no reader of the rotated query or of the cache between the four, in @query_read}}
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %m : tensor<?x32xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// The cache is read between the append and the rotation of the query: the append would come after that.
func.func @cache_read(%q: tensor<?x4x8xf32, #T>, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %w: tensor<32xbf16>, %cos: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %c: !cache) -> (tensor<?x4x8xf32, #T>, tensor<5x32xf32>) {
  %ln = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %cos, %cos : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{no kernel appends alone: expected no reader of the rotated query or of the cache between the four, in @cache_read}}
  dsv3.cache_append %c, %ln, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  %latent, %key = dsv3.cache_read %c request 0 : !cache -> tensor<5x32xf32>, tensor<5x8xf32>
  %qr = dsv3.rope %q, %cos, %cos : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  return %qr, %latent : tensor<?x4x8xf32, #T>, tensor<5x32xf32>
}
