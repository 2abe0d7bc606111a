//===- dsv3-opt.cpp - runs passes over .mlir text -------------------------===//
#include "dsv3/Tools/Opt.h"

int main(int argc, char **argv) { return dsv3::optMain(argc, argv); }
