//===- Compile.h - the tool dsv3-compile ------------------------*- C++ -*-===//
#pragma once

namespace dsv3 {

/// main of dsv3-compile; the exit status.
int compileMain(int argc, char **argv);

} // namespace dsv3
