//===- OutputCheck.h - outputs do not replace what is read ------*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Support/Status.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/cli/Prompt.h"

#include <filesystem>
#include <string>

namespace dsv3::cli {

/// Fails if `output`, which `flag` gives, is, by any name, a file of the checkpoint: its weights,
/// configuration, tokenizer or template, be they there or not.
Status checkOutput(const std::string &flag, const std::string &output,
                   const checkpoint::Checkpoint &checkpoint);
/// Fails if it is the file of --ids @FILE.
Status checkOutput(const std::string &flag, const std::string &output, const PromptFlags &prompt);
/// Fails if it is a file of the bundle.
Status checkOutput(const std::string &flag, const std::string &output,
                   const runtime::Bundle &bundle);

} // namespace dsv3::cli
