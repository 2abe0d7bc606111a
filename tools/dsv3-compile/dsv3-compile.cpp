//===- dsv3-compile.cpp - from a checkpoint or a config to a bundle -------===//
#include "dsv3/Tools/Compile.h"

int main(int argc, char **argv) { return dsv3::compileMain(argc, argv); }
