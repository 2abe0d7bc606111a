#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @mul kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: tensor<256x128xbf16>) outs(%o: !x) maxima [#dsv3.size<"T", max = 16>] configs {"x86-64-v3" = {rows = 1, scratch = 64, tiles = array<i64: 0, 1, 1, 8, 0>}} {
  %y = kern.gemm ins(%x, %w : !x, tensor<256x128xbf16>) outs(%o : !x) parts 2 epilogue(%x : !x) [element] {
  ^bb0(%p: f32, %q: f32, %e: f32):
    %m = arith.mulf %p, %q : f32
    %s = arith.addf %m, %e : f32
    kern.yield %s : f32
  } -> !x
  kern.yield %y : !x
}
func.func @f(%x: !x, %w: tensor<256x128xbf16>) -> !x {
  %e = kern.empty : !x
  %y = kern.launch @mul ins(%x, %w : !x, tensor<256x128xbf16>) outs(%e : !x) -> !x
  return %y : !x
}
