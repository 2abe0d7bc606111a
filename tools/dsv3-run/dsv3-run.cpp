//===- dsv3-run.cpp - models on this machine ------------------------------===//
#include "runtime/cli/Run.h"

int main(int argc, char **argv) { return dsv3::cli::run(argc, argv); }
