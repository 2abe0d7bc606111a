// RUN: dsv3-opt %s --canonicalize | FileCheck %s
// Folds: each is always true, and CHECK-NOT would find the op if it were gone.

#T = #dsv3.dims<"T">

// CHECK-LABEL: func.func @cast_same(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @cast_same(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> {
  %y = dsv3.cast %x : tensor<?x8xf32, #T> -> tensor<?x8xf32, #T>
  return %y : tensor<?x8xf32, #T>
}

// There and back through a wider type loses nothing.
// CHECK-LABEL: func.func @cast_back(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @cast_back(%x: tensor<?x8xbf16, #T>) -> tensor<?x8xbf16, #T> {
  %y = dsv3.cast %x : tensor<?x8xbf16, #T> -> tensor<?x8xf32, #T>
  %z = dsv3.cast %y : tensor<?x8xf32, #T> -> tensor<?x8xbf16, #T>
  return %z : tensor<?x8xbf16, #T>
}

// There and back through a narrower one rounds: kept.
// CHECK-LABEL: func.func @cast_rounds(
// CHECK-COUNT-2: dsv3.cast
func.func @cast_rounds(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> {
  %y = dsv3.cast %x : tensor<?x8xf32, #T> -> tensor<?x8xbf16, #T>
  %z = dsv3.cast %y : tensor<?x8xbf16, #T> -> tensor<?x8xf32, #T>
  return %z : tensor<?x8xf32, #T>
}

// f16 has more digits than bf16, but less range.
// CHECK-LABEL: func.func @cast_range(
// CHECK-COUNT-2: dsv3.cast
func.func @cast_range(%x: tensor<?x8xbf16, #T>) -> tensor<?x8xbf16, #T> {
  %y = dsv3.cast %x : tensor<?x8xbf16, #T> -> tensor<?x8xf16, #T>
  %z = dsv3.cast %y : tensor<?x8xf16, #T> -> tensor<?x8xbf16, #T>
  return %z : tensor<?x8xbf16, #T>
}

// CHECK-LABEL: func.func @slice_all(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @slice_all(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> {
  %y = dsv3.slice %x [0, 8] : tensor<?x8xf32, #T>
  return %y : tensor<?x8xf32, #T>
}

// CHECK-LABEL: func.func @slice_of_slice(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: %[[S:.+]] = dsv3.slice %[[X]][5, 2]
// CHECK-NEXT: return %[[S]]
func.func @slice_of_slice(%x: tensor<?x8xf32, #T>) -> tensor<?x2xf32, #T> {
  %y = dsv3.slice %x [4, 4] : tensor<?x8xf32, #T>
  %z = dsv3.slice %y [1, 2] : tensor<?x4xf32, #T>
  return %z : tensor<?x2xf32, #T>
}

// CHECK-LABEL: func.func @merge_of_split(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @merge_of_split(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> {
  %y = dsv3.split_heads %x heads 2 : tensor<?x8xf32, #T>
  %z = dsv3.merge_heads %y : tensor<?x2x4xf32, #T>
  return %z : tensor<?x8xf32, #T>
}

// CHECK-LABEL: func.func @split_of_merge(
// CHECK-SAME: %[[X:[^:]+]]:
// CHECK-NEXT: return %[[X]]
func.func @split_of_merge(%x: tensor<?x2x4xf32, #T>) -> tensor<?x2x4xf32, #T> {
  %y = dsv3.merge_heads %x : tensor<?x2x4xf32, #T>
  %z = dsv3.split_heads %y heads 2 : tensor<?x8xf32, #T>
  return %z : tensor<?x2x4xf32, #T>
}

// Other heads than before: kept.
// CHECK-LABEL: func.func @split_otherwise(
// CHECK: dsv3.merge_heads
// CHECK: dsv3.split_heads
func.func @split_otherwise(%x: tensor<?x2x4xf32, #T>) -> tensor<?x4x2xf32, #T> {
  %y = dsv3.merge_heads %x : tensor<?x2x4xf32, #T>
  %z = dsv3.split_heads %y heads 4 : tensor<?x8xf32, #T>
  return %z : tensor<?x4x2xf32, #T>
}
