//===- OutputCheck.h - outputs do not replace what is read ------*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Support/Status.h"

#include <filesystem>
#include <string>
#include <vector>

namespace dsv3::checkpoint {

/// The files of a checkpoint: its weights, configuration, tokenizer and template, be they there
/// or not.
std::vector<std::filesystem::path> filesOf(const Checkpoint &checkpoint);

/// Fails if `output`, which `flag` names, is one of `files`, by any name. `what` they are files of
/// is said, as in "the checkpoint".
Status checkOutput(const std::string &flag, const std::filesystem::path &output,
                   const std::vector<std::filesystem::path> &files, const std::string &what);

} // namespace dsv3::checkpoint
