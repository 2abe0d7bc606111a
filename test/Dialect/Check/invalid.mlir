// What the verifiers of the check dialect refuse.
// RUN: dsv3-opt %s -split-input-file -verify-diagnostics

func.func @other_shape() {
  // expected-error@+1 {{cannot give 'tensor<2xf32>' as 'tensor<3xf32>'; hint: leave sizes open, nothing else}}
  %c = check.constant dense<1.0> : tensor<2xf32> as tensor<3xf32>
  return
}

// -----

func.func @other_type() {
  // expected-error@+1 {{cannot give 'tensor<2xf32>' as 'tensor<2xbf16>'}}
  %c = check.constant dense<1.0> : tensor<2xf32> as tensor<2xbf16>
  return
}

// -----

func.func @wide_integers() {
  // expected-error@+1 {{has elements of type 'i64'; hint: use floating-point types, i32, or i8 and i4 of weights}}
  %c = check.constant dense<1> : tensor<2xi64>
  return
}

// -----

// A splat is short to write, but not to keep.
func.func @absurd() {
  // expected-error@+1 {{has more than 16777216 elements: 'tensor<4096x4097xf32>'}}
  %c = check.constant dense<1.0> : tensor<4096x4097xf32>
  return
}

// -----

func.func @never_equal(%a: tensor<?x2xf32>, %b: tensor<2x3xf32>) {
  // expected-error@+1 {{compares 'tensor<?x2xf32>' with 'tensor<2x3xf32>', which never have one shape}}
  check.expect_eq %a, %b : tensor<?x2xf32>, tensor<2x3xf32>
  return
}

// -----

func.func @never_close(%a: tensor<2xf32>, %b: tensor<2x1xf32>) {
  // expected-error@+1 {{which never have one shape}}
  check.expect_close %a, %b atol 0.0 rtol 0.0 : tensor<2xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @types(%a: tensor<2xf32>, %b: tensor<2xbf16>) {
  // expected-error@+1 {{requires the same element type}}
  check.expect_eq %a, %b : tensor<2xf32>, tensor<2xbf16>
  return
}

// -----

func.func @integers_are_equal_or_not(%a: tensor<2xi32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of floating-point values}}
  check.expect_close %a, %a atol 0.0 rtol 0.0 : tensor<2xi32>, tensor<2xi32>
  return
}

// -----

func.func @atol(%a: tensor<2xf32>) {
  // expected-error@+1 {{expected atol of 0 or more, found -1}}
  check.expect_close %a, %a atol -1.0 rtol 0.0 : tensor<2xf32>, tensor<2xf32>
  return
}

// -----

func.func @rtol(%a: tensor<2xf32>) {
  // expected-error@+1 {{expected rtol of 0 or more, found -1}}
  check.expect_close %a, %a atol 0.0 rtol -1.0 : tensor<2xf32>, tensor<2xf32>
  return
}

// -----

func.func @constant_atol(%a: tensor<2xf32>) {
  // expected-error@+1 {{expected atol of 0 or more, found -2}}
  check.expect_almost_constant %a, 1.0 atol -2.0 : tensor<2xf32>
  return
}
