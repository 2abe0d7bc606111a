// What test/Tools/interpret-run.test runs: modules that verify and still read what is not there.
#T = #dsv3.dims<"T">
#T2 = #dsv3.dims<"T*2">

func.func @offsets_beyond() {
  %x = check.constant dense<1.0> : tensor<4x8xf32> as tensor<?x8xf32, #T2>
  %o = check.constant dense<[0, 900, 1000]> : tensor<3xi32>
  %w = check.constant dense<1.0> : tensor<2x8x8xf32>
  %y = dsv3.grouped_linear %x, %o, %w : tensor<?x8xf32, #T2>, tensor<3xi32>, tensor<2x8x8xf32> -> tensor<?x8xf32, #T2>
  check.expect_eq %y, %y : tensor<?x8xf32, #T2>, tensor<?x8xf32, #T2>
  return
}

func.func @offsets_descend() {
  %x = check.constant dense<1.0> : tensor<4x8xf32> as tensor<?x8xf32, #T2>
  %o = check.constant dense<[0, 5, 4]> : tensor<3xi32>
  %w = check.constant dense<1.0> : tensor<2x8x8xf32>
  %y = dsv3.grouped_linear %x, %o, %w : tensor<?x8xf32, #T2>, tensor<3xi32>, tensor<2x8x8xf32> -> tensor<?x8xf32, #T2>
  check.expect_eq %y, %y : tensor<?x8xf32, #T2>, tensor<?x8xf32, #T2>
  return
}

func.func @rows_beyond() {
  %x = check.constant dense<1.0> : tensor<2x8xf32> as tensor<?x8xf32, #T>
  %o = check.constant dense<[0, 2, 4]> : tensor<3xi32>
  %r = check.constant dense<[0, 1, 2, 1]> : tensor<4xi32> as tensor<?xi32, #T2>
  %w = check.constant dense<1.0> : tensor<2x8x8xf32>
  %y = dsv3.grouped_linear %x, %o rows %r, %w : tensor<?x8xf32, #T>, tensor<3xi32> rows tensor<?xi32, #T2>, tensor<2x8x8xf32> -> tensor<?x8xf32, #T2>
  check.expect_eq %y, %y : tensor<?x8xf32, #T2>, tensor<?x8xf32, #T2>
  return
}

func.func @slots_beyond() {
  %x = check.constant dense<1.0> : tensor<4x8xf32> as tensor<?x8xf32, #T2>
  %s = check.constant dense<[[0, 1], [2, -1]]> : tensor<2x2xi32> as tensor<?x2xi32, #T>
  %w = check.constant dense<1.0> : tensor<2x2xf32> as tensor<?x2xf32, #T>
  %y = dsv3.combine %x, %s, %w : tensor<?x8xf32, #T2>, tensor<?x2xi32, #T>, tensor<?x2xf32, #T>
  check.expect_eq %y, %y : tensor<?x8xf32, #T>, tensor<?x8xf32, #T>
  return
}

func.func private @moe() attributes {dsv3.layers = array<i64: 3>}

func.func @no_body() {
  dsv3.call_layer @moe layer 3 () : () -> ()
  return
}

func.func @reads_a_destination() {
  %e = kern.empty : tensor<2x8xf32>
  %y = dsv3.add %e, %e : tensor<2x8xf32>
  return
}

func.func @gives_a_destination() -> tensor<2x8xf32> {
  %e = kern.empty : tensor<2x8xf32>
  return %e : tensor<2x8xf32>
}

func.func @two_sizes() {
  %a = check.constant dense<1.0> : tensor<2x8xf32> as tensor<?x8xf32, #T>
  %b = check.constant dense<1.0> : tensor<5x8xf32> as tensor<?x8xf32, #T>
  %y = dsv3.add %a, %b : tensor<?x8xf32, #T>
  check.expect_eq %y, %y : tensor<?x8xf32, #T>, tensor<?x8xf32, #T>
  return
}
