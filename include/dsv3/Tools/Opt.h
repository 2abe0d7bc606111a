//===- Opt.h - the tool dsv3-opt --------------------------------*- C++ -*-===//
#pragma once

namespace dsv3 {

/// main of dsv3-opt; the exit status.
int optMain(int argc, char **argv);

} // namespace dsv3
