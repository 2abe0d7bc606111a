//===- ChromeTrace.h - steps as a trace for a browser -----------*- C++ -*-===//
#pragma once

#include "runtime/cli/ProfileReport.h"

#include <string>

namespace dsv3::cli {

/// The steps one after the other, an event for each launch, as JSON that chrome://tracing and
/// Perfetto open: https://ui.perfetto.dev. Launches follow each other on the one stream of a
/// device, whose threads all take part; so there is one row.
std::string chromeTrace(const ProfileResult &result);

} // namespace dsv3::cli
