#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
dsv3.parameter @w : tensor<256x128xf8E4M3FN> block [128, 128] parts 2 layers [0, 1] from [#dsv3.segment<"gate.{layer}", scales = "gate_scale.{layer}", shape = [128, 128], rows = 128>, #dsv3.segment<"up.{layer}", scales = "up_scale.{layer}", shape = [128, 128], rows = 128>]
dsv3.parameter @u : tensor<4x16x32xbf16> from [#dsv3.segment<"u", shape = [128, 32], rows = 16, first_row = 16, group_stride = 32>]
func.func @f(%x: !x {dsv3.name = "x"}, %n: tensor<128xbf16>, %c: !cache) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  %y = dsv3.rms_norm %x, %n eps 1.0e-06 : !x, tensor<128xbf16>
  %z = dsv3.add %x, %y : !x
  dsv3.cache_rewind %c request 0 length 1 : !cache
  return
}
