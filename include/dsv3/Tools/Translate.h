//===- Translate.h - the tool dsv3-translate --------------------*- C++ -*-===//
#pragma once

namespace dsv3 {

/// main of dsv3-translate; the exit status.
int translateMain(int argc, char **argv);

} // namespace dsv3
