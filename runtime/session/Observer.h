//===- Observer.h - who looks at steps of a session -------------*- C++ -*-===//
//
// What `score` and tests see of a running model: values in the middle of a step,
// and the outputs of every step of a long prompt.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"
#include "runtime/hal/Device.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace dsv3::runtime {

/// A value in the middle of a step: element (i, j) at i × columns + j.
struct ObservedValue {
  std::string_view name;   ///< dsv3/Plan/Names.h: observed…
  int64_t layer = 0;       ///< hidden: 0 is the embedding, l + 1 the output of layer l
  DType type = DType::F32; ///< F32 or I32: what a policy keeps in bf16 is widened
  int64_t position = 0;    ///< of the token of row 0; the others follow
  int64_t rows = 0;
  int64_t columns = 0;
  const void *data = nullptr;
};

/// What a step gave. The spans are valid until the next step.
struct StepOutputs {
  int64_t position = 0; ///< of the token of row 0; the others follow
  int64_t rows = 0;
  std::span<const float> logits;      ///< [rows, vocabulary]; empty after appendSampled
  std::span<const float> normed;      ///< [rows, hidden size], what the head read; may be empty
  const plan::Entry *entry = nullptr; ///< that ran; null if it was no plan's
  std::span<const int32_t> tokens{};  ///< [rows], after appendSampled alone

  std::span<const float> logitsOf(int64_t row) const { return rowOf(logits, row); }

private:
  std::span<const float> rowOf(std::span<const float> all, int64_t row) const {
    size_t columns = all.size() / size_t(rows);
    return all.subspan(size_t(row) * columns, columns);
  }
};

/// Called on the thread that uses the session; must not throw.
class Observer {
public:
  virtual ~Observer() = default;
  /// Asked once per step. Showing values costs time even if value() ignores them.
  virtual bool wantsValues() const { return true; }
  /// Asked once per step: if not null, launches are measured instead of values shown.
  virtual LaunchProfile *profile() { return nullptr; }
  /// Valid during the call.
  virtual void value(const ObservedValue &) {}
  /// After each step. A failure ends the append that the step belongs to; the step counts.
  virtual Status outputs(const StepOutputs &) { return {}; }
};

} // namespace dsv3::runtime
