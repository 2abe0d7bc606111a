//===- Interpret.h - the tool dsv3-interpret --------------------*- C++ -*-===//
#pragma once

namespace dsv3 {

/// main of dsv3-interpret; the exit status.
int interpretMain(int argc, char **argv);

} // namespace dsv3
