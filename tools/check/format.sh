#!/bin/sh
# format.sh - every C and C++ file of the tree is formatted as .clang-format says.
#
# usage: tools/check/format.sh [TREE]
# Names the lines that differ and fails; `--fix` in the place of TREE mends them.
set -u
mode="--dry-run -Werror"
if [ "${1:-}" = --fix ]; then
  mode=-i
  shift
fi
cd "${1:-$(dirname "$0")/../..}" || exit 1
# shellcheck disable=SC2086 # a list of words
find dialects include lib runtime test tools -name '*.cpp' -o -name '*.h' -o -name '*.c' -o -name '*.cuh' -o -name '*.cu' |
  LC_ALL=C sort | xargs "${CLANG_FORMAT:-clang-format-22}" $mode
