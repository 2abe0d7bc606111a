//===- dsv3-translate.cpp - a plan as text and back -----------------------===//
#include "dsv3/Tools/Translate.h"

int main(int argc, char **argv) { return dsv3::translateMain(argc, argv); }
