//===- Calibration.h - which weights matter on a text -----------*- C++ -*-===//
#pragma once

#include "runtime/cli/Model.h"
#include "runtime/params/WeightImportance.h"

#include <string>

namespace dsv3::cli {

/// Fails unless --calibration, if given, names a file: before a model is compiled.
Status checkCalibrationFile(const ModelFlags &flags);

/// Fails if flags alone tell that --calibration has nothing to fit; for a model that is compiled by
/// these flags.
Status checkCalibrationFlags(const ModelFlags &flags);

/// Fails unless weights of `files` are encoded as int4 and come from a checkpoint with a tokenizer:
/// what --calibration needs.
Status checkCalibration(const ModelFiles &files, const ModelFlags &flags);

/// What packed weights depend on: a hash of the text.
Expected<std::string> calibrationHash(const ModelFlags &flags);

/// Reads the text of --calibration with the model as it is stored, on the CPU, and says what its
/// weights are multiplied with. The model is compiled and loaded for that, and left again.
/// Precondition: checkCalibration.
Expected<runtime::WeightImportance> calibrate(const ModelFiles &files, const ModelFlags &flags);

} // namespace dsv3::cli
