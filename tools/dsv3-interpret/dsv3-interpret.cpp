//===- dsv3-interpret.cpp - a checkpoint on the reference interpreter -----===//
#include "dsv3/Tools/Interpret.h"

int main(int argc, char **argv) { return dsv3::interpretMain(argc, argv); }
