//===- OutputPlaces.h - where a compilation may write -----------*- C++ -*-===//
#pragma once

#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Support/Status.h"

#include <string>

namespace dsv3::compile {

/// What the flags name; empty: nothing.
struct OutputPlaces {
  std::string bundle;  ///< -o
  std::string remarks; ///< --remarks-output-file
  std::string dump;    ///< --dump-phases, a folder
};

/// Before anything is compiled: that no output is a file that is read, which is of `input` or
/// is `config`, that none lies in the place of the bundle, and that each can be written as far as
/// one can tell.
Status checkPlaces(const OutputPlaces &places, const ModelInput &input, const std::string &config);

} // namespace dsv3::compile
